"""Tables of trained vectors."""

from __future__ import annotations

from typing import Any

from autograd_core.creation import empty
from autograd_core.modes import no_grad
from autograd_core.tensor import Tensor

from . import functional as F
from . import init
from .functional.embedding import from_front
from .module import Module
from .parameter import Parameter


class _Table(Module):
    """A matrix of vectors, standard normal to begin with, but for zeros at `padding_idx`."""

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None, given: Tensor | None, freeze: bool, device: Any, dtype: Any
    ):
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = None if padding_idx is None else from_front(padding_idx, num_embeddings)
        if given is None:
            self.weight = Parameter(empty(num_embeddings, embedding_dim, device=device, dtype=dtype), requires_grad=not freeze)
            self.reset_parameters()
        else:
            if tuple(given.shape) != (num_embeddings, embedding_dim):
                raise AssertionError(f"the weight must be {(num_embeddings, embedding_dim)}, got {tuple(given.shape)}")
            self.weight = Parameter(given, requires_grad=not freeze)

    def reset_parameters(self) -> None:
        """Draw the vectors anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0


class Embedding(_Table):
    """The rows of `weight` (num_embeddings, embedding_dim) that integers (...) name: (..., embedding_dim).

    `weight` starts standard normal. Row `padding_idx` starts at zero and takes no gradient. `max_norm`, `norm_type`,
    `scale_grad_by_freq` and `sparse` as of functional.embedding. Raises AssertionError for a padding_idx out of range.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__(num_embeddings, embedding_dim, padding_idx, _weight, _freeze, device, dtype)
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse

    def forward(self, input: Tensor) -> Tensor:
        return F.embedding(input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse)

    def extra_repr(self) -> str:
        said = [str(self.num_embeddings), str(self.embedding_dim)]
        said += [f"padding_idx={self.padding_idx}"] if self.padding_idx is not None else []
        said += [f"max_norm={self.max_norm}"] if self.max_norm is not None else []
        said += [f"norm_type={self.norm_type}"] if self.norm_type != 2 else []
        said += [f"scale_grad_by_freq={self.scale_grad_by_freq}"] if self.scale_grad_by_freq is not False else []
        return ", ".join(said + (["sparse=True"] if self.sparse is not False else []))

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """An Embedding on this matrix, not trained if `freeze`. Raises AssertionError unless it has two dimensions."""
        rows, width = _sizes(embeddings)
        return cls(rows, width, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, embeddings, freeze)


class EmbeddingBag(_Table):
    """The mean, sum or max of bags of rows of `weight` (num_embeddings, embedding_dim): (B, N) integers to (B, embedding_dim).

    Or (M) integers with `offsets`. Arguments as of functional.embedding_bag; `weight` as of Embedding.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__(num_embeddings, embedding_dim, padding_idx, _weight, False, device, dtype)
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.mode = mode
        self.sparse = sparse
        self.include_last_offset = include_last_offset

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        return F.embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    def extra_repr(self) -> str:
        said = [str(self.num_embeddings), str(self.embedding_dim)]
        said += [f"max_norm={self.max_norm}"] if self.max_norm is not None else []
        said += [f"norm_type={self.norm_type}"] if self.norm_type != 2 else []
        said += [f"scale_grad_by_freq={self.scale_grad_by_freq}"] if self.scale_grad_by_freq is not False else []
        said += [f"mode={self.mode!r}"]
        return ", ".join(said + ([f"padding_idx={self.padding_idx}"] if self.padding_idx is not None else []))

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> EmbeddingBag:
        """An EmbeddingBag on this matrix, not trained if `freeze`. Raises AssertionError unless it has two dimensions."""
        rows, width = _sizes(embeddings)
        made = cls(rows, width, max_norm, norm_type, scale_grad_by_freq, mode, sparse, embeddings, include_last_offset, padding_idx)
        made.weight.requires_grad_(not freeze)
        return made


def _sizes(embeddings: Tensor) -> tuple[int, int]:
    if embeddings.ndim != 2:
        raise AssertionError(f"from_pretrained: a matrix is expected, got {tuple(embeddings.shape)}")
    rows, width = embeddings.shape
    return rows, width
