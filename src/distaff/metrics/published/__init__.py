"""Scores as their authors' libraries compute them, quirks included."""
