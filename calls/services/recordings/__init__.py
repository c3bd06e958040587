"""The recordings of a call: steered, held back, finished, stored."""
