"""What Azure plays to people, what it listens for, and the order in which it does so."""
