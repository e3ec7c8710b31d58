"""Tables of vectors."""

from __future__ import annotations

from ..embedding import Embedding, EmbeddingBag

__all__ = ["Embedding", "EmbeddingBag"]
