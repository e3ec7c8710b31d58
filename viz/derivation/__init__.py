"""The chain rule of one parameter: its paths, factored and told."""
