"""What is kept of calls, for pages: the history, the search, downloads, and what people add."""
