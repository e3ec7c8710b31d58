"""The operations, by kind."""
