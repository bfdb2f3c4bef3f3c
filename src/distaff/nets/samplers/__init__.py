"""How pictures are read between their pixels."""
