"""What registering a hook in a dictionary of hooks returns."""

from __future__ import annotations

from itertools import count
from typing import Any

new_id = count().__next__


class HookHandle:
    """What registering a hook returns: `remove()` takes the hook off again; also a context manager."""

    def __init__(self, hooks: dict[int, Any], hook: Any, prepend: bool = False):
        self.id = new_id()
        self.hooks = hooks
        later = dict(hooks) if prepend else {}
        if prepend:
            hooks.clear()
        hooks[self.id] = hook
        hooks.update(later)

    def remove(self) -> None:
        self.hooks.pop(self.id, None)

    def __enter__(self) -> HookHandle:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.remove()
