"""`Report`: what prints itself as text, shows itself as a picture, and saves itself as either."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ..picture import SUFFIXES, Picture
from ..render.files import as_json, named, write_whole

TEXTS = (".txt", ".md")


class Report(ABC):
    """A finding of something: its text is `str(report)`."""

    @abstractmethod
    def picture(self, *, theme: str = "light") -> Picture:
        """The picture, in which it is marked."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, strings and finite numbers (JSON-serialisable)."""

    @abstractmethod
    def __str__(self) -> str: ...

    def __repr__(self) -> str:
        return str(self)

    def save(self, path: str | os.PathLike[str], **settings: Any) -> Path:
        """Writes the text to .txt or .md, all numbers to .json, else the picture; returns the path.

        The file is written whole or not at all. `settings` are those of `Picture.save`. Raises ValueError for another suffix,
        FileNotFoundError for a missing folder.
        """
        path = named(path, "a report", dict.fromkeys((*TEXTS, ".json", *SUFFIXES)))
        suffix = path.suffix.lower()
        if suffix not in (*TEXTS, ".json"):
            return self.picture().save(path, **settings)
        text = f"```\n{self}\n```\n" if suffix == ".md" else f"{self}\n"
        write_whole(path, as_json(self.to_dict()) if suffix == ".json" else text.encode(errors="backslashreplace"))
        return path

    def _repr_mimebundle_(self, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> dict[str, str]:
        bundle = self.picture()._repr_mimebundle_(include, exclude)
        if (not include or "text/plain" in include) and "text/plain" not in (exclude or ()):
            bundle["text/plain"] = str(self)
        return bundle
