"""The Transformer and its parts."""

from __future__ import annotations

from ..transformer import Transformer, TransformerDecoder, TransformerEncoder
from ..transformer_layers import TransformerDecoderLayer, TransformerEncoderLayer

__all__ = ["Transformer", "TransformerDecoder", "TransformerEncoder", "TransformerDecoderLayer", "TransformerEncoderLayer"]
