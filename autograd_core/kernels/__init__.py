"""Inner loops on NumPy arrays, too long to stand in an operation's declaration, and what they share: threads and memory."""
