"""Transcripts: what is heard is written down, and somebody starts, stops or turns to another language."""
