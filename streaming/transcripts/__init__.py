"""What is said, on its way from a recogniser to the transcript."""
