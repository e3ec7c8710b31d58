"""The step player: a backward pass as frames, a page, a film."""
