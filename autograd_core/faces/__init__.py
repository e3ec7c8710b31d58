"""The same operations in the vocabularies that people know: PyTorch's, and NumPy's protocols."""
