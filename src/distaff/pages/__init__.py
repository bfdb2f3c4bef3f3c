"""Pages that stand alone, and typeset reports."""
