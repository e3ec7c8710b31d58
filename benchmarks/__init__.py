"""Training steps of this library and of eager PyTorch, side by side: `python -m benchmarks.run`."""
