"""Counting what a model holds and does, and tables that show it."""
