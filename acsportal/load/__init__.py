"""Many calls at once against a portal that runs, and what they cost it."""
