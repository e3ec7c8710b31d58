"""The Transformer: layers one after the other as encoder and as decoder, and both together."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np

from autograd_core.creation import full
from autograd_core.errors import ShapeError
from autograd_core.tensor import Tensor

from . import functional as F
from . import init
from .containers import ModuleList
from .functional.arguments import in_vmap
from .module import Module
from .normalization import LayerNorm
from .transformer_layers import TransformerDecoderLayer, TransformerEncoderLayer


class TransformerEncoder(Module):
    """`num_layers` copies of a layer, one after the other, then `norm`, if any.

    The copies start with the same weights. `enable_nested_tensor` and `mask_check` are accepted; there are no nested tensors.
    """

    def __init__(
        self, encoder_layer: Module, num_layers: int, norm: Module | None = None, enable_nested_tensor: bool = True, mask_check: bool = True
    ):
        super().__init__()
        self.layers = ModuleList([deepcopy(encoder_layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check

    def forward(
        self, src: Tensor, mask: Tensor | None = None, src_key_padding_mask: Tensor | None = None, is_causal: bool | None = None
    ) -> Tensor:
        """The sequence src (S, N, d_model), of the same shape. `is_causal` says that the mask is the causal one; None: look."""
        causal = looks_causal(mask, is_causal, src, self.layers[0].self_attn.batch_first)
        for layer in self.layers:
            src = layer(src, src_mask=mask, is_causal=causal, src_key_padding_mask=src_key_padding_mask)
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """`num_layers` copies of a layer, one after the other, then `norm`, if any. The copies start with the same weights."""

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None):
        super().__init__()
        self.layers = ModuleList([deepcopy(decoder_layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """The sequence tgt (T, N, d_model), of the same shape. `tgt_is_causal` says that tgt_mask is the causal one; None: look."""
        causal = looks_causal(tgt_mask, tgt_is_causal, tgt, self.layers[0].self_attn.batch_first)
        for layer in self.layers:
            tgt = layer(
                tgt,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=causal,
                memory_is_causal=memory_is_causal,
            )
        return tgt if self.norm is None else self.norm(tgt)


def looks_causal(mask: Tensor | None, said: bool | None, sequence: Tensor, batch_first: bool) -> bool:
    """What was said or, if nothing was, whether the mask hides exactly what comes later.

    One that takes a gradient is no such mask: the causal one is not computed with, so it would have none.
    """
    if said is not None or mask is None:
        return said is True
    if mask.requires_grad or in_vmap(mask):
        return False
    n = sequence.shape[1 if batch_first and sequence.ndim == 3 else 0]
    if tuple(mask.shape) != (n, n):
        return False
    array, earlier = mask.array, np.tri(n, dtype=bool)
    found = array != earlier if mask.dtype.kind == "b" else np.where(earlier, array == 0, array == -np.inf)
    return bool(found.all())


class Transformer(Module):
    """Encoder and decoder: src (S, N, d_model) and tgt (T, N, d_model) to (T, N, d_model).

    Without N there is no batch; with `batch_first` it comes first. `custom_encoder` and `custom_decoder` take the place of
    the usual ones. All matrices start by Glorot's uniform distribution. Raises RuntimeError where batches, or the last
    dimension and d_model, differ. Source: arXiv:1706.03762.
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Tensor], Tensor] = F.relu,
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__()
        place: dict[str, Any] = {"bias": bias, "device": device, "dtype": dtype}
        settings = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first)
        if custom_encoder is None:
            norm = LayerNorm(d_model, eps=layer_norm_eps, **place)
            custom_encoder = TransformerEncoder(TransformerEncoderLayer(*settings, **place), num_encoder_layers, norm)
        if custom_decoder is None:
            norm = LayerNorm(d_model, eps=layer_norm_eps, **place)
            custom_decoder = TransformerDecoder(TransformerDecoderLayer(*settings, **place), num_decoder_layers, norm)
        self.encoder = custom_encoder
        self.decoder = custom_decoder
        self._reset_parameters()
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def _reset_parameters(self) -> None:
        """Draw all matrices anew."""
        for parameter in self.parameters():
            if parameter.ndim > 1:
                init.xavier_uniform_(parameter)

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """The decoder's result. In masks a True hides and floats are added; `*_is_causal` says that a mask is the causal one."""
        told = f"src {tuple(src.shape)} and tgt {tuple(tgt.shape)}"
        batch = 0 if self.batch_first else 1
        if src.ndim == 3 and src.shape[batch] != tgt.shape[batch]:
            raise ShapeError(f"Transformer: the batch number of {told} must be equal")
        if not src.shape[-1] == tgt.shape[-1] == self.d_model:
            raise ShapeError(f"Transformer: the feature number of {told} must be equal to d_model, {self.d_model}")
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        return self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """The causal mask (sz, sz): -∞ where the column comes later than the row, else 0."""
        return full((sz, sz), -np.inf, device=device, dtype=dtype).triu(diagonal=1)
