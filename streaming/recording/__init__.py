"""Recordings: written as they are heard, put together afterwards, handed out by the second."""
