"""`save` and `load`: tensors, arrays and plain containers of them in a file, to the bit, without running code from it.

The format is our own because it is less than what a zip archive would need checked: names, two copies of each size, bytes that
no checksum covers. A file is a row of blocks; each is its contents, zeros up to a multiple of 64 bytes, and the CRC-32 of
everything so far but the checksums. First a header (magic, version, bytes in all, bytes of the next block), then a table in
JSON (see description.py), then the memory of the arrays. So nothing can overlap, and no byte can change unnoticed.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

import numpy as np

from .description import describe
from .device import Device
from .rebuilding import LoadError, rebuild

MAGIC = b"\x89AGSAVE\n"
VERSION = 1
HEADER = 64
CHUNK = 1 << 20


def save(obj: Any, f: Any, pickle_module: None = None, pickle_protocol: int | None = None) -> None:
    """Write `obj` to a path, or to a binary file object where that stands.

    It may hold Tensors, NumPy arrays and numbers, dtypes, numbers of Python, strings, bytes, None, slices, ranges, Sizes, and
    lists, tuples, sets, frozensets, dicts and OrderedDicts of these, nested and shared. What shares memory or identity does so
    again when loaded. Every Tensor comes back as a plain leaf Tensor that requires grad if it did, a Parameter and a computed tensor
    too; gradients and graphs are not saved. Arrays come back in this machine's byte order, and writeable, but for those whose
    elements share memory, as an expanded tensor's do.

    A path is replaced only when all is written, so a failure leaves the file that was there. No pickle is written:
    `pickle_module` is refused, `pickle_protocol` means nothing. Raises TypeError, naming the place, for anything else, ValueError
    for what contains itself (both before anything is written), and OSError.
    """
    if pickle_module is not None:
        raise ValueError("save: no pickle is written, so pickle_module must be left out")
    table, blocks = describe(obj)
    import json

    text = memoryview(json.dumps(table, allow_nan=False, separators=(",", ":")).encode())
    total = HEADER + padded(len(text)) + sum(padded(block.nbytes) for block in blocks)
    header = MAGIC + b"".join(n.to_bytes(8, "little") for n in (VERSION, total, len(text)))

    def write(file: IO[bytes]) -> None:
        out = BlockWriter(file)
        out.write(memoryview(header))
        out.write(text)
        for block in blocks:
            out.write(block.memory())

    if isinstance(f, str | os.PathLike):
        with replacing(f) as path, open(path, "r+b") as file:
            write(file)
    else:
        write(binary("save", f, "write"))


def load(
    f: Any, map_location: Any = None, pickle_module: None = None, *, weights_only: bool | None = None, mmap: bool | None = None
) -> Any:
    """Read what `save` wrote, from a path or from where a binary, seekable file object stands.

    Everything is on the CPU, so `map_location` may be None, "cpu" or that device. No code is ever run: `weights_only=False` and
    `pickle_module` are refused. With `mmap=True`, for paths, the arrays lie in the file's pages, which are read when they are
    needed (once here, for the checksums); writing into them leaves the file alone.

    Raises LoadError, a RuntimeError, for a file that `save` did not write, that is cut short or that has changed, and OSError,
    e.g. FileNotFoundError.
    """
    if weights_only is False:
        raise ValueError("load: weights_only=False would run code from the file; this format holds none, so leave it out")
    if pickle_module is not None:
        raise ValueError("load: no pickle is read, so pickle_module must be left out")
    if map_location is not None:
        if not isinstance(map_location, str | Device):
            raise TypeError(f'load: map_location must be None, "cpu" or a device, got a {type(map_location).__name__}: all is on the CPU')
        Device(map_location)
    if not isinstance(f, str | os.PathLike):
        if mmap:
            raise ValueError("load: mmap=True needs a path, got a file object")
        file = binary("load", f, "readinto")
        return read(file, bytes_left(file), "the file")
    with open(f, "rb", buffering=0) as file:
        return read(file, os.fstat(file.fileno()).st_size, os.fsdecode(f), whole=True, mapped=bool(mmap))


def read(file: Any, size: int, name: str, whole: bool = False, mapped: bool = False) -> Any:
    """The value in the next of `size` bytes of this file, all of them if `whole`; `mapped` into memory instead of read."""
    try:
        if size < HEADER:
            raise LoadError(f"is cut short, or no file of autograd_core.save: it has {size} bytes")
        blocks = BlockReader(mapping(file) if mapped else reading(file))
        header = blocks.take(HEADER)
        if header[:8].tobytes() != MAGIC:
            raise LoadError("was not written by autograd_core.save" + hint(header[:2].tobytes()))
        blocks.check(header)
        version, total, length = (int.from_bytes(header[at : at + 8].tobytes(), "little") for at in (8, 16, 24))
        if version != VERSION:
            raise LoadError(f"has version {version} of the format; this program reads version {VERSION}")
        if total > size:
            raise LoadError(f"is cut short: {size} of {total} bytes are there")
        if whole and total < size:
            raise LoadError(f"is damaged: {size - total} bytes follow its end")
        if HEADER + padded(length) > total:
            raise LoadError("is damaged: its table is longer than the file")
        table = parse(blocks.read(length))
        lengths = table.get("blocks") if isinstance(table, dict) else None
        if not isinstance(lengths, list) or not all(type(n) is int and n >= 0 for n in lengths):
            raise LoadError("is damaged: it does not say which blocks it has")
        if HEADER + padded(length) + sum(map(padded, lengths)) != total:
            raise LoadError("is damaged: its blocks do not fill it")
        return rebuild(table, [blocks.read(n) for n in lengths])
    except LoadError as error:
        raise LoadError(f"load: {name} {error}") from error.__cause__


def hint(start: bytes) -> str:
    """What to do about a file that begins so."""
    if start not in (b"PK", b"\x80\x02"):
        return ""
    return (
        ". It may be one of torch.save, which holds pickles, and those can run code: write the tensors with "
        "safetensors.torch.save_file there, and read them with autograd_core.safetensors.load_file"
    )


def parse(text: np.ndarray[Any, Any]) -> Any:
    import json

    try:
        return json.loads(text.tobytes())
    except (RecursionError, ValueError) as error:
        raise LoadError(f"is damaged: its table is not the JSON that save writes ({error})") from error


def binary(operation: str, file: Any, method: str) -> Any:
    """This object, if it is a binary file."""
    if isinstance(file, io.TextIOBase):
        raise TypeError(f"{operation}: the file is open for text; open it in binary mode")
    if not callable(getattr(file, method, None)):
        raise TypeError(f"{operation}: f must be a path or a binary file object with a method {method}, got a {type(file).__name__}")
    return file


def bytes_left(file: Any) -> int:
    try:
        start = file.tell()
        size: int = file.seek(0, os.SEEK_END) - start
        file.seek(start)
    except (AttributeError, OSError, ValueError) as error:
        raise ValueError(f"load: this file cannot seek ({error}); read it into memory first: load(io.BytesIO(f.read()))") from error
    return size


# ---------------------------------------------------------------------- blocks


def padded(nbytes: int) -> int:
    """Bytes in the file of a block of so many: zeros and the checksum fill it up to a multiple of 64."""
    return -(-(nbytes + 4) // 64) * 64


class BlockWriter:
    def __init__(self, file: IO[bytes]):
        from zlib import crc32

        self.file = file
        self.crc32 = crc32
        self.sum = 0

    def write(self, contents: memoryview) -> None:
        for start in range(0, len(contents), CHUNK):
            self.put(bytes(contents[start : start + CHUNK]))  # copied: another thread may be writing there, and the checksum must fit
        self.put(bytes(padded(len(contents)) - len(contents) - 4))
        write_all(self.file, self.sum.to_bytes(4, "little"))

    def put(self, data: bytes) -> None:
        self.sum = self.crc32(data, self.sum)
        write_all(self.file, data)


def write_all(file: IO[bytes], data: bytes) -> None:
    """Write, on after a short write too, which unbuffered files may make."""
    written = file.write(data)
    while written is not None and written < len(data):
        data = data[written:]
        written = file.write(data)


class BlockReader:
    """Reads block after block; `take(n)` gives the next n bytes of the file as an array."""

    def __init__(self, take: Callable[[int], Any]):
        from zlib import crc32

        self.take = take
        self.crc32 = crc32
        self.sum = 0

    def read(self, nbytes: int) -> np.ndarray[Any, Any]:
        contents: Any = self.take(nbytes)
        self.sum = self.crc32(contents, self.sum)
        self.check(self.take(padded(nbytes) - nbytes))
        return contents

    def check(self, end: Any) -> None:
        """Compare the checksum that stands at the end of these bytes."""
        self.sum = self.crc32(end[:-4], self.sum)
        if self.sum != int.from_bytes(end[-4:].tobytes(), "little"):
            raise LoadError("is damaged: a checksum does not fit")


def reading(file: Any) -> Callable[[int], Any]:
    def take(nbytes: int) -> Any:
        array: Any = np.empty(nbytes, np.uint8)
        rest = memoryview(array)
        while rest:
            count = file.readinto(rest)
            if not count:
                raise LoadError("is cut short: it ended while it was read")
            rest = rest[count:]
        return array

    return take


def mapping(file: Any) -> Callable[[int], Any]:
    import mmap

    rest = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))

    def take(nbytes: int) -> Any:
        nonlocal rest
        array = np.frombuffer(rest[:nbytes], np.uint8) if nbytes else np.empty(0, np.uint8)  # each the owner of its memory, see writes.py
        rest = rest[nbytes:]
        return array

    return take


# ---------------------------------------------------------------------- files


@contextmanager
def replacing(path: Any) -> Iterator[str]:
    """The name of a new file that takes the place of `path` when all has gone well, and else goes away."""
    target = os.path.realpath(os.fsdecode(path))
    folder = os.path.dirname(target)
    mode = None
    if os.path.exists(target):
        mode = os.stat(target).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, "save: this is a folder", target)
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "save: this is no usual file, which could be replaced; open it and save to the file object", target)
        if not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, "save: this file may not be written", target)
    elif not os.path.isdir(folder):
        raise FileNotFoundError(errno.ENOENT, "save: there is no such folder", folder)
    new = os.path.join(folder, f".saving-{os.urandom(8).hex()}")
    try:
        with open(new, "xb") as file:
            if mode is None:
                mode = os.fstat(file.fileno()).st_mode  # as the umask has it
        yield new
        with open(new, "r+b") as file:
            os.fsync(file.fileno())
        os.chmod(new, stat.S_IMODE(mode) & 0o777)
        os.replace(new, target)
    except BaseException:
        if os.path.exists(new):
            os.unlink(new)
        raise
