"""Everything that belongs to calls, across all of them, to be read."""
