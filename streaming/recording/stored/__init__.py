"""What is finished: where it is kept, and how it is read and sent in parts."""
