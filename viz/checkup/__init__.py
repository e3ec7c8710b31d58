"""What is wrong with a backward pass, and what changed between two."""
