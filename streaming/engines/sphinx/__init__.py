"""Pocketsphinx in processes of its own: it holds Python's lock while it works, and would stall every call."""
