"""Files that nobody here wrote: every value is checked as it is read."""
