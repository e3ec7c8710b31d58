"""Files that are saved: a name that says what they are, and a file that is written whole or not at all."""

from __future__ import annotations

import errno
import json
import math
import os
from collections.abc import Collection
from pathlib import Path
from secrets import token_hex
from typing import Any


def named(path: str | os.PathLike[str], what: str, suffixes: Collection[str]) -> Path:
    """The path of a file that can be saved. Raises ValueError for another suffix than these, FileNotFoundError for a missing folder."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in suffixes:
        said = f"ends in {suffix!r}" if suffix else "has no suffix"
        raise ValueError(f"{path.name!r} {said}: {what} can be saved as {', '.join(suffixes)}")
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path.parent))
    return path


def spelled(value: Any) -> Any:
    """Plain data with "nan", "inf" and "-inf" for the numbers that JSON does not have, and lists for tuples."""
    if isinstance(value, dict):
        return {key: spelled(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [spelled(part) for part in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def as_json(value: Any) -> bytes:
    """Plain data as a file; half of a character as JSON itself writes it."""
    return (json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2) + "\n").encode(errors="backslashreplace")


def write_whole(path: Path, data: bytes) -> None:
    """Next to the file first, then in its place: nobody ever sees half a file. Of a link, the file that it leads to is written."""
    path = path.resolve()
    beside = path.with_name(f".{token_hex(8)}")  # short: the name itself may be as long as names can be
    try:
        with open(beside, "xb") as file:
            file.write(data)
        os.replace(beside, path)
    except BaseException as error:
        beside.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.strerror:  # nobody has asked for the file beside it
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise
