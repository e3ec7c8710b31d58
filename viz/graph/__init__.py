"""A graph as plain data, and what can be done to it: named, closed, opened, rolled up."""
