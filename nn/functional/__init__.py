"""Layers, activations and losses as functions: they keep no parameters of their own."""

from __future__ import annotations

from .activation import *
from .adaptive_pooling import *
from .attention import *
from .classification import *
from .conv import *
from .ctc import *
from .distance import *
from .dropout import *
from .embedding import *
from .grid import *
from .likelihood import *
from .linear import *
from .multihead import *
from .normalization import *
from .padding import *
from .penalties import *
from .pooling import *
from .positions import *
from .ranking import *
from .regression import *
from .several_classes import *
from .softmax import *
from .stochastic import *
from .vision import *
