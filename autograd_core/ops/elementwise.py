"""All operations element by element, under one name; they are declared by kind."""

from .arithmetic import *  # noqa: F403
from .choices import *  # noqa: F403
from .complex import *  # noqa: F403
from .logic import *  # noqa: F403
from .trigonometry import *  # noqa: F403
