"""`save` and `load`: what comes back, what is refused, and what a failure leaves behind."""

from __future__ import annotations

import io
import json
import math
import os
import signal
import stat
import subprocess
import sys
import threading
import tracemalloc
from collections import OrderedDict, namedtuple
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autograd_core as ag
import nn
import optim
from autograd_core import serialization
from autograd_core.description import KEY_LIMIT, describe
from autograd_core.rebuilding import LoadError
from autograd_core.serialization import HEADER, MAGIC, BlockWriter, load, padded, save

DTYPES = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128".split()


def written(obj):
    file = io.BytesIO()
    save(obj, file)
    return file.getvalue()


def again(obj, **arguments):
    return load(io.BytesIO(written(obj)), **arguments)


def same(a, b):
    """Whether two values are of the same types and equal to the bit, whatever they consist of."""
    todo = [(a, b)]
    while todo:
        a, b = todo.pop()
        if type(a) is not type(b):
            return False
        if isinstance(a, ag.Tensor):
            if a.requires_grad != b.requires_grad or a.is_leaf != b.is_leaf:
                return False
            a, b = a.array, b.array
        if isinstance(a, np.ndarray | np.generic):
            native = a.dtype.newbyteorder("=")
            if b.dtype != native or a.shape != b.shape or a.astype(native).tobytes() != b.tobytes():
                return False
        elif isinstance(a, float | complex):
            parts = [(a.real, b.real), (a.imag, b.imag)]
            if any(math.copysign(1, p) != math.copysign(1, q) or (p != q and p == p) or (p == p) != (q == q) for p, q in parts):
                return False
        elif isinstance(a, dict):
            if len(a) != len(b):
                return False
            todo += zip(a, b)
            todo += zip(a.values(), b.values())
        elif isinstance(a, slice):
            todo += [(a.start, b.start), (a.stop, b.stop), (a.step, b.step)]
        elif isinstance(a, list | tuple):
            if len(a) != len(b):
                return False
            todo += zip(a, b)
        elif a != b:
            return False
    return True


# ---------------------------------------------------------------------- what comes back

text = st.text(st.characters(exclude_categories=()), max_size=5)
finite = st.one_of(st.none(), st.booleans(), st.integers(), st.integers(-(2**200), 2**200), text, st.binary(max_size=5))
numbers = st.one_of(st.floats(), st.complex_numbers())
keys = st.recursive(finite, lambda inner: st.one_of(st.tuples(inner, inner), st.frozensets(inner, max_size=3)), max_leaves=4)
layouts = st.sampled_from(
    [lambda a: a, lambda a: a.T, lambda a: a[::-1], lambda a: a[..., ::2], lambda a: a[1:, ::-2].T, np.asfortranarray, lambda a: a[:0]]
)


@st.composite
def arrays(draw):
    dtype = np.dtype(draw(st.sampled_from(DTYPES))).newbyteorder(draw(st.sampled_from("<>")))
    array = draw(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=3, max_side=4)))
    array = np.resize(array, (*array.shape, dtype.itemsize)).view(np.bool_ if dtype.kind == "b" else dtype)[..., 0]
    if dtype.kind == "b":
        array = array.view(np.uint8) % 2 == 1
    return draw(layouts)(array)


leaves = st.one_of(finite, numbers, arrays(), arrays().filter(lambda a: a.dtype.isnative).map(ag.from_numpy), arrays().map(lambda a: a[:1]))
nested = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(keys, inner, max_size=4),
        st.dictionaries(keys, inner, max_size=3).map(OrderedDict),
        st.sets(keys, max_size=3),
        st.frozensets(keys, max_size=3),
        st.builds(slice, inner, inner, inner),
    ),
    max_leaves=12,
)


@given(nested)
@settings(max_examples=100)
def test_nested_values_come_back_to_the_bit(obj):
    assert same(obj, again(obj))


@given(arrays())
@settings(max_examples=100)
def test_arrays_of_any_layout_come_back_to_the_bit(array):
    twin = again(array)
    assert same(array, twin)
    assert twin.flags.writeable
    assert twin.dtype.isnative


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_and_shape(dtype):
    rng = np.random.default_rng(0)
    for shape in [(), (1,), (0,), (2, 0, 3), (3, 4), (2, 3, 4)]:
        bits = rng.integers(0, 2 if dtype == "bool" else 256, (*shape, np.dtype(dtype).itemsize), dtype=np.uint8)
        array = bits.view(dtype).reshape(shape)
        assert same(array, again(array))
        assert same(ag.from_numpy(array), again(ag.from_numpy(array)))
        assert same(array.astype(array.dtype.newbyteorder(">")), again(array))


@pytest.mark.parametrize(
    "value",
    [
        *[2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**5000, -(10**5000), True, 0],
        *[0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1.7976931348623157e308, 0.1, complex(-0.0, math.nan), complex(math.inf, -0.0)],
        *["", "é\0\n", "\ud800", "\ud83d\ude00", "\U0001f600", "\udc80x", b"", b"\0\xff", bytearray(b"ab")],
        *[None, (), [], {}, set(), frozenset(), OrderedDict(), ((),), [[]], {(): {}}],
        *[slice(1, None, -(10**30)), range(3), range(10**30, 0, -7), ag.Size((2, 3)), ag.Size(())],
        *[np.float32(1.5), np.int8(-3), np.bool_(True), np.complex128(-0.0 + 2j), np.float64(math.nan), np.uint64(2**64 - 1)],
        *[np.dtype("float16"), np.dtype(">f4"), np.dtype(bool), ag.complex64],
        *[{1: "a", "1": "b", 1.5: "c", None: "d", (1, (2, "x")): "e", b"1": "f", frozenset([1]): "g", np.float32(7): "h", ag.int8: "i"}],
        *[OrderedDict([("b", 1), ("a", 2)]), {"list": [7], "tensor": ["array", 0], "rows": {}, "[0]": [0]}, [[0], [1, 2], ["list"]]],
    ],
    ids=lambda value: type(value).__name__,
)
def test_plain_values(value):
    assert same(value, again(value))


def test_what_is_special_about_tensors():
    w = ag.tensor([1.0, 2.0], requires_grad=True)
    (w * w).sum().backward()
    computed = w * 2
    twin, leaf, frozen = again([w, computed, w.detach()])
    assert twin.requires_grad
    assert twin.is_leaf
    assert twin.grad is None
    assert leaf.requires_grad  # as PyTorch has it: the value of what was computed, as a leaf
    assert leaf.is_leaf
    assert leaf.tolist() == [2.0, 4.0]
    assert not frozen.requires_grad
    (twin * twin).sum().backward()
    assert twin.grad.tolist() == [2.0, 4.0]
    parameter = again(nn.Parameter(ag.ones(2)))
    assert type(parameter) is ag.Tensor
    assert parameter.requires_grad
    assert not again(nn.Parameter(ag.ones(2), requires_grad=False)).requires_grad
    with ag.no_grad():
        assert again(w).requires_grad


def test_layouts_keep_the_order_of_axes_and_skip_what_a_view_skips():
    a = np.arange(24.0).reshape(2, 3, 4)
    assert again(np.asfortranarray(a)).flags.f_contiguous
    assert again(a.transpose(2, 0, 1)).strides == a.transpose(2, 0, 1).strides
    assert len(written(np.zeros((1000, 1000))[:, 3])) < 10_000
    wide = np.broadcast_to(np.float32(3), (10**6, 10**6))
    assert len(written(wide)) < 1000
    assert again(wide).shape == wide.shape
    frozen = np.arange(3)
    frozen.flags.writeable = False
    again(frozen)[0] = 1


def test_elements_that_share_memory_cannot_be_written_afterwards_either():
    expanded, plain = again([ag.ones(1).expand(3), ag.ones(3)[None]])
    with pytest.raises(RuntimeError, match="share memory"):
        expanded.add_(ag.arange(3.0))
    assert expanded.tolist() == [1, 1, 1]
    plain.add_(1)
    for x in (ag.randn(3, 4).T, ag.randn(4, 5).diagonal(), ag.randn(2, 3, 4).permute(2, 0, 1), ag.randn(1).expand(1, 1)):
        again(x).zero_()


def test_memory_mapped_arrays_are_saved_by_value(tmp_path):
    mapped = np.memmap(tmp_path / "raw", "f4", "w+", shape=(2, 3))
    mapped[:] = 7
    assert same(np.asarray(mapped), again(mapped))


def test_what_is_shared_stays_shared():
    a = np.arange(12.0).reshape(3, 4)
    t = ag.from_numpy(a)
    inner = [1]
    r = again(
        {
            "a": a,
            "rows": a[1:],
            "flip": a[::-1, ::2],
            "T": t.T,
            "t": t,
            "t2": t,
            "bytes": a.view(np.uint8),
            "x": inner,
            "y": (inner, [inner]),
        }
    )
    assert r["t"] is r["t2"]
    assert r["t"].array is r["a"]
    assert r["x"] is r["y"][0] is r["y"][1][0]
    r["a"][1, 0] = 99
    assert r["rows"][0, 0] == r["flip"][1, 0] == r["T"][0, 1].item() == 99
    assert r["bytes"].view("f8")[1, 0] == 99
    odd, even = again([a[:, 1::2], a[:, ::2]])
    assert np.may_share_memory(odd, even)
    assert not np.shares_memory(odd, even)
    apart = again([a, a.copy()])
    assert not np.may_share_memory(*apart)


def test_an_in_place_write_marks_views_and_nothing_else():
    base, view, other = again([t := ag.ones(4), t[1:], ag.ones(4)])
    w = ag.ones(3, requires_grad=True)
    y, z = (w * view).sum(), (w * other[1:]).sum()
    base.mul_(2)
    z.backward()
    with pytest.raises(RuntimeError, match="in-place"):
        y.backward()


def test_generators_and_training_go_on_where_they_stopped(tmp_path):
    def make():
        ag.manual_seed(1)
        model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
        return model, optim.Adam(model.parameters(), lr=0.1)

    def train(model, optimizer, steps):
        for _ in range(steps):
            optimizer.zero_grad()
            (model(ag.randn(5, 3)) ** 2).mean().backward()
            optimizer.step()

    model, optimizer = make()
    train(model, optimizer, 3)
    save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "rng": ag.get_rng_state()}, tmp_path / "a.ag")
    train(model, optimizer, 3)
    twin, resumed = make()
    state = load(tmp_path / "a.ag")
    assert type(state["model"]) is type(model.state_dict())
    twin.load_state_dict(state["model"])
    resumed.load_state_dict(state["optimizer"])
    ag.set_rng_state(state["rng"])
    train(twin, resumed, 3)
    assert same(dict(model.state_dict()), dict(twin.state_dict()))
    assert same(optimizer.state_dict(), resumed.state_dict())


@pytest.mark.parametrize("kind", [list, tuple, dict])
def test_deep_nesting_needs_no_recursion(kind):
    obj = ag.tensor([1.0])
    for _ in range(20_000):
        obj = {"a": obj} if kind is dict else kind([obj])
    twin = again(obj)
    depth = 0
    while not isinstance(twin, ag.Tensor):
        twin = twin["a"] if kind is dict else twin[0]
        depth += 1
    assert depth == 20_000


def test_the_format_stays_what_it_is():
    """A file of version 1, byte by byte: files that were written must stay readable."""
    table = (
        b'{"byteorder":"little","root":[2],"rows":[["array","<f4",[2],0,0,[4]],["tensor",[0],true],["dict","w",[1],"n",3]],"blocks":[8]}'
    )
    data = b"\x89AGSAVE\n" + bytes.fromhex("010000000000000040010000000000007e00000000000000") + bytes(28) + bytes.fromhex("68f8a3a6")
    data += table + bytes(62) + bytes.fromhex("d525f086")
    data += np.array([1.5, -2], "<f4").tobytes() + bytes(52) + bytes.fromhex("0b29d84e")
    value = {"w": ag.tensor([1.5, -2.0], requires_grad=True), "n": 3}
    assert len(data) == 0x140
    assert same(load(io.BytesIO(data)), value)
    assert written(value) == data


# ---------------------------------------------------------------------- what is refused before anything is written

Pair = namedtuple("Pair", "a b")


@pytest.mark.parametrize(
    ("obj", "place"),
    [
        (lambda: 0, r"obj is a builtins\.function"),
        ({"model": [1, 2, 3, object()]}, r"obj\['model'\]\[3\] is a builtins\.object"),
        ([np.array([None])], r"obj\[0\] is an array of dtype object"),
        ([np.array(["a"])], r"obj\[0\] is an array of dtype <U1"),
        (np.zeros(1, np.longdouble), r"obj is an array of dtype"),
        (np.zeros(2, "i4,f4"), "obj is an array of dtype"),
        ((1, np.datetime64("2020-01-01")), r"obj\[1\] is a NumPy datetime64"),
        ([np.dtype("O")], r"obj\[0\] is the dtype object"),
        ({"m": nn.Linear(1, 1)}, r"obj\['m'\] is a nn\.linear\.Linear.*state_dict"),
        ({Pair(1, 2): 1}, r"obj\.keys\(\) is a .*Pair"),
        ({"s": {1, Pair(1, 2)}}, r"obj\['s'\]\.pop\(\) is a"),
        ([np.ma.masked_array([1])], r"obj\[0\] is a numpy\.ma"),
        (slice(0, object()), r"obj\.stop is a"),
        ({"t": type}, r"obj\['t'\] is a builtins\.type"),
        ([signal.SIGTERM], r"obj\[0\] is a signal\.Signals"),
        ([np.str_("a")], r"obj\[0\] is a NumPy str_"),
        ({tuple(range(KEY_LIMIT)): 1}, "a key or element of obj consists of more than"),
    ],
)
def test_what_cannot_be_saved_is_named_with_its_place(obj, place, tmp_path):
    path = tmp_path / "a"
    path.write_text("before")
    with pytest.raises(TypeError, match=place):
        save(obj, path)
    file = io.BytesIO()
    with pytest.raises(TypeError):
        save(obj, file)
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["a"]
    assert file.getvalue() == b""


def test_what_contains_itself_is_refused():
    a = [1]
    a.append({"x": (a,)})
    with pytest.raises(ValueError, match=r"obj\['k'\]\[1\]\['x'\]\[0\] is a list that contains itself"):
        written({"k": a})
    deep = a = []
    for _ in range(10_000):
        a.append([])
        a = a[0]
    a.append(deep)
    with pytest.raises(ValueError, match="…"):
        written(deep)


def test_arguments(tmp_path):
    path = tmp_path / "a"
    save(obj=1, f=path, pickle_protocol=4)
    for arguments in [{}, dict(map_location="cpu"), dict(map_location=ag.device("cpu")), dict(weights_only=True), dict(mmap=False)]:
        assert load(path, **arguments) == 1
    assert load(os.fspath(path), "cpu") == 1
    with pytest.raises(RuntimeError, match="cuda"):
        load(path, map_location="cuda")
    with pytest.raises(TypeError, match="map_location"):
        load(path, map_location=lambda storage, place: storage)
    with pytest.raises(ValueError, match="run code"):
        load(path, weights_only=False)
    with pytest.raises(ValueError, match="pickle"):
        load(path, pickle_module=json)
    with pytest.raises(ValueError, match="pickle"):
        save(1, path, pickle_module=json)
    with pytest.raises(ValueError, match="path"):
        load(io.BytesIO(written(1)), mmap=True)
    for wrong in (3, None, object()):
        with pytest.raises(TypeError, match="path or a binary file object"):
            save(1, wrong)
        with pytest.raises(TypeError, match="path or a binary file object"):
            load(wrong)
    for call in (lambda: save(1, io.StringIO()), lambda: load(io.StringIO())):
        with pytest.raises(TypeError, match="binary"):
            call()
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "absent")
    with pytest.raises(FileNotFoundError):
        save(1, tmp_path / "absent" / "a")
    for call in (lambda: save(1, tmp_path), lambda: load(tmp_path)):
        with pytest.raises(IsADirectoryError):
            call()
    assert ag.save is save
    assert ag.load is load


# ---------------------------------------------------------------------- damage

SMALL = {"w": ag.tensor([1.0, 2.0], requires_grad=True), "n": [1, "x", 2.5], 3: np.arange(3, dtype=np.int8)}


def loaded_from(data, path):
    path.write_bytes(data)
    return load(path)


@pytest.mark.parametrize("through", ["object", "path", "mmap"])
def test_a_file_cut_short_at_any_byte_is_refused(through, tmp_path):
    data = written(SMALL)
    for end in range(len(data)):
        (tmp_path / "a").write_bytes(data[:end])
        with pytest.raises(LoadError, match="cut short"):
            load(io.BytesIO(data[:end])) if through == "object" else load(tmp_path / "a", mmap=through == "mmap")


def test_a_file_changed_at_any_byte_is_refused():
    data = written(SMALL)
    for at in range(len(data)):
        for change in (1, 0x80, 0xFF):
            with pytest.raises(LoadError):
                load(io.BytesIO(data[:at] + bytes([data[at] ^ change]) + data[at + 1 :]))


@given(st.data())
@settings(max_examples=100)
def test_other_damage_is_refused(data):
    whole = written(SMALL)
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(whole))] * 2)))
    damaged = whole[:start] + data.draw(st.binary(max_size=80)) + whole[end:]
    if damaged[: len(whole)] != whole:
        with pytest.raises(LoadError):
            load(io.BytesIO(damaged))


def test_blocks_that_change_places_and_bytes_after_the_end_are_refused(tmp_path):
    data = written([np.arange(8.0), np.arange(8.0) + 1])
    a, b = data[-256:-128], data[-128:]
    with pytest.raises(LoadError, match="checksum"):
        load(io.BytesIO(data[:-256] + b + a))
    (tmp_path / "a").write_bytes(data + b"x")
    with pytest.raises(LoadError, match="1 bytes follow its end"):
        load(tmp_path / "a")


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"\x80\x02}q"])
def test_a_file_of_pytorch_is_told_apart(start):
    with pytest.raises(LoadError, match=r"safetensors\.torch\.save_file"):
        load(io.BytesIO(start + bytes(100)))


@pytest.mark.parametrize("data", [b"", b"x", bytes(64), b"\x93NUMPY" + bytes(100), MAGIC, MAGIC + b"\xff" * 56, b"a" * 1000])
def test_other_files_are_refused(data, tmp_path):
    for mmap in (False, True):
        (tmp_path / "a").write_bytes(data)
        with pytest.raises(LoadError, match=str(tmp_path / "a")):
            load(tmp_path / "a", mmap=mmap)


# ---------------------------------------------------------------------- files made to do harm: the checksums fit, the contents do not


def forged(table, blocks=(), version=1, total=None, length=None):
    text = table if isinstance(table, bytes) else json.dumps(table).encode()
    size = HEADER + padded(len(text)) + sum(padded(len(block)) for block in blocks)
    numbers = (version, size if total is None else total, len(text) if length is None else length)
    file = io.BytesIO()
    writer = BlockWriter(file)
    for contents in (MAGIC + b"".join(n.to_bytes(8, "little") for n in numbers), text, *blocks):
        writer.write(memoryview(contents))
    return file.getvalue()


def table_of(*rows, blocks=(), root=None):
    return {"byteorder": sys.byteorder, "root": [len(rows) - 1] if root is None else root, "rows": list(rows), "blocks": list(blocks)}


ROWS = {
    "negative shape": ["array", "<f4", [-1], 0, 0, [4]],
    "absurd shape": ["array", "<f4", [10**30], 0, 0, [4]],
    "too large for the block": ["array", "<f4", [3], 0, 0, [4]],
    "absurdly large for the block": ["array", "<f4", [10**15], 0, 0, [4]],
    "size beyond all bounds": ["array", "<f4", [2**62, 2**62], 0, 0, [0, 0]],
    "product that wraps round": ["array", "<f4", [2**32, 2**32], 0, 0, [4, 0]],
    "stride out of bounds": ["array", "<f4", [2], 0, 0, [8]],
    "stride before the start": ["array", "<f4", [2], 0, 0, [-4]],
    "absurd stride": ["array", "<f4", [2], 0, 0, [2**64]],
    "offset out of bounds": ["array", "<f4", [1], 0, 5, [4]],
    "negative offset": ["array", "<f4", [1], 0, -4, [4]],
    "absurd offset": ["array", "<f4", [1], 0, 2**70, [4]],
    "too few strides": ["array", "<f4", [1, 1], 0, 0, [4]],
    "strides that are no integers": ["array", "<f4", [1], 0, 0, [4.0]],
    "true for a number": ["array", "<f4", [True], 0, 0, [4]],
    "no such block": ["array", "<f4", [1], 1, 0, [4]],
    "block before the first": ["array", "<f4", [1], -1, 0, [4]],
    "no block": ["array", "<f4", [1]],
    "empty and absurd": ["array", "<f4", [0, 10**30]],
    "empty and beyond all bounds": ["array", "<f4", [0, 2**62, 2**62]],
    "too many dimensions": ["array", "<f4", [1] * 100, 0, 0, [4] * 100],
    "shape of text": ["array", "<f4", "12", 0, 0, [4]],
    "object dtype": ["array", "|O", [1], 0, 0, [8]],
    "objects under another name": ["dtype", "O8"],
    "structured dtype": ["array", "f4,O", [1], 0, 0, [8]],
    "text dtype": ["array", "<U2", [1], 0, 0, [8]],
    "foreign byte order": ["array", ">f4", [1], 0, 0, [4]],
    "dtype that is no text": ["array", ["<f4"], [1], 0, 0, [4]],
    "more than there is to say": ["array", "<f4", [1], 0, 0, [4], 0],
    "scalar of objects": ["scalar", "|O", "00" * 8],
    "scalar too long": ["scalar", "<f4", "00" * 8],
    "scalar without a value": ["scalar", "<f4", ""],
    "scalar that is no number": ["scalar", "<f4", "zz"],
    "integer that is none": ["int", "0x"],
    "float that is none": ["float", "one"],
    "bad text": ["str", "ff"],
    "no such kind": ["exec", "print()"],
    "kind that is no text": [["list"]],
    "nothing": [],
    "row that is no row": 3,
    "row that is a dictionary": {"list": 1},
    "itself": ["list", [0]],
    "what comes later": ["list", [1]],
    "row before the first": ["list", [-1]],
    "reference to nothing": ["list", []],
    "reference to two": ["list", [0, 0]],
    "reference by text": ["list", ["0"]],
    "dictionary inside": ["list", {"a": 1}],
    "odd dictionary": ["dict", 1],
    "key twice": ["dict", 1, 2, 1, 3],
    "key twice, of another type": ["OrderedDict", 1, 2, True, 3],
    "element twice": ["set", 1, 1],
    "Size of text": ["Size", "a"],
    "Size below zero": ["Size", -1],
    "slice of two": ["slice", 1, 2],
    "range of text": ["range", "a", 1, 1],
    "range without step": ["range", 0, 1, 0],
    "tensor of nothing": ["tensor", 3, False],
    "bytes of no block": ["bytes", 7],
    "bytes of a float": ["bytes", 0.0],
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_row_that_save_does_not_write_is_refused(row):
    tracemalloc.start()
    try:
        with pytest.raises(LoadError, match="save does not write"):
            load(io.BytesIO(forged(table_of(row, blocks=[8]), [bytes(8)])))
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


def test_rows_that_do_not_go_together_are_refused():
    whole = ["array", "<i4", [2], 0, 0, [4]]
    for rows in [
        [whole, ["tensor", [0], True]],
        [whole, ["tensor", [0], 1]],
        [["list"], ["tensor", [0], False]],
        [["bytes", 0], ["bytes", 0]],
        [["list"], ["dict", [0], 1]],
        [["list"], ["tuple", [0]], ["set", [1]]],
    ]:
        with pytest.raises(LoadError, match="save does not write"):
            load(io.BytesIO(forged(table_of(*rows, blocks=[8]), [bytes(8)])))
    for root in ([5], [-1], [], {"a": 1}, [[0]]):
        with pytest.raises(LoadError):
            load(io.BytesIO(forged(table_of(["list"], root=root))))


def test_keys_that_take_for_ever_to_hash_are_refused():
    doubling = [["tuple"], *[["tuple", [k], [k]] for k in range(60)]]
    deep = [["tuple"], *[["tuple", [k]] for k in range(20_000)]]
    for rows in (doubling, deep):
        for last in (["dict", [len(rows) - 1], 1], ["set", [len(rows) - 1]]):
            with pytest.raises(LoadError, match="a key of more than"):
                load(io.BytesIO(forged(table_of(*rows, last))))


@pytest.mark.parametrize(
    "table",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"[" * 1_000_000,
        b'{"a":' * 1_000_000,
        b'{"byteorder":"little","root":' + b"9" * 10_000 + b',"rows":[],"blocks":[]}',
        {},
        {"blocks": []},
        {"blocks": [-1]},
        {"blocks": [True]},
        {"blocks": 3},
        {"blocks": [10**18]},
        {"blocks": [2**64 - 60]},
        {"rows": [], "root": 1, "byteorder": "middle", "blocks": []},
        {"rows": None, "root": 1, "byteorder": sys.byteorder, "blocks": []},
        {"rows": [["list"]], "root": [0], "byteorder": "big" if sys.byteorder == "little" else "little", "blocks": []},
        table_of(["list"], blocks=[0]),
    ],
    ids=lambda table: str(table)[:30],
)
def test_a_table_that_save_does_not_write_is_refused(table):
    with pytest.raises(LoadError):
        load(io.BytesIO(forged(table)))


def test_a_header_that_does_not_fit_is_refused(tmp_path):
    table = table_of(["list"])
    size = len(forged(table))
    for wrong in (
        dict(total=2**63),
        dict(total=0),
        dict(total=size - 64),
        dict(total=size + 64),
        dict(length=2**62),
        dict(length=0),
        dict(version=2),
    ):
        data = forged(table, **wrong)
        tracemalloc.start()
        try:
            with pytest.raises(LoadError, match="version 2" if "version" in wrong else None):
                loaded_from(data, tmp_path / "a")
            assert tracemalloc.get_traced_memory()[1] < 3_000_000
        finally:
            tracemalloc.stop()
    assert load(io.BytesIO(forged(table))) == []


# ---------------------------------------------------------------------- files


def test_file_objects_are_read_and_written_where_they_stand():
    file = io.BytesIO(b"head")
    file.seek(4)
    for value in (1, [2], SMALL):
        save(value, file)
    file.write(b"tail")
    file.seek(4)
    assert load(file) == 1
    assert load(file) == [2]
    assert same(load(file), SMALL)
    assert file.read() == b"tail"


class Slow(io.RawIOBase):
    """A file that takes and gives a few bytes at a time, as it may."""

    def __init__(self):
        self.inner = io.BytesIO()

    def write(self, data):
        return self.inner.write(bytes(data)[:7])

    def readinto(self, target):
        return self.inner.readinto(memoryview(target)[:5])

    def seek(self, *where):
        return self.inner.seek(*where)

    def tell(self):
        return self.inner.tell()

    def seekable(self):
        return True

    def readable(self):
        return True


def test_short_reads_and_writes():
    file = Slow()
    save(SMALL, file)
    file.seek(0)
    assert same(load(file), SMALL)


def test_pipes_can_be_written_and_say_why_they_cannot_be_read():
    read_end, write_end = os.pipe()
    with open(read_end, "rb") as source, open(write_end, "wb") as target:
        save([1, 2], target)
        target.close()
        with pytest.raises(ValueError, match="BytesIO"):
            load(source)
        assert load(io.BytesIO(source.read())) == [1, 2]


def test_mapped_files(tmp_path):
    a = np.arange(12.0)
    save({"a": a, "view": a[3:], "empty": np.zeros(0), "bytes": b"", "t": ag.ones(3, requires_grad=True)}, tmp_path / "a")
    before = (tmp_path / "a").read_bytes()
    r = load(tmp_path / "a", mmap=True)
    r["a"][3] = 9
    assert r["view"][0] == 9
    y = (r["t"] * 2).sum()
    r["view"].fill(0)
    y.backward()
    assert (tmp_path / "a").read_bytes() == before
    save(1, tmp_path / "a")
    assert r["a"][1] == 1
    assert load(tmp_path / "a") == 1


def failing(monkeypatch, at, error):
    calls = []

    def write_all(file, data, plain=serialization.write_all):
        calls.append(len(data))
        if len(calls) == at:
            raise error
        plain(file, data)

    monkeypatch.setattr(serialization, "write_all", write_all)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), MemoryError(), KeyboardInterrupt()])
@pytest.mark.parametrize("exists", [False, True])
def test_an_exception_leaves_the_old_file_and_nothing_else(monkeypatch, tmp_path, error, exists):
    path = tmp_path / "a"
    if exists:
        save("before", path)
    for at in (1, 3, 5):
        with monkeypatch.context() as patch:
            failing(patch, at, error)
            with pytest.raises(type(error)):
                save(np.zeros(1 << 19), path)
        assert os.listdir(tmp_path) == (["a"] if exists else [])
        assert not exists or load(path) == "before"


@pytest.mark.parametrize("step", ["fsync", "chmod", "replace"])
def test_a_failure_at_the_end_leaves_the_old_file_and_nothing_else(monkeypatch, tmp_path, step):
    def fail(*arguments):
        raise OSError(5, "Input/output error")

    save("before", tmp_path / "a")
    with monkeypatch.context() as patch:
        patch.setattr(serialization.os, step, fail)
        with pytest.raises(OSError, match="Input/output"):
            save("after", tmp_path / "a")
    assert os.listdir(tmp_path) == ["a"]
    assert load(tmp_path / "a") == "before"


@pytest.mark.skipif(os.name != "posix", reason="kills with SIGKILL")
def test_a_process_killed_while_it_saves_leaves_the_old_file(tmp_path):
    path = tmp_path / "a"
    save("before", path)
    code = """if True:
        import os, signal, sys
        import numpy as np
        from autograd_core import serialization
        plain = serialization.write_all
        def write_all(file, data):
            plain(file, data)
            if len(data) == serialization.CHUNK:
                file.flush()
                os.kill(os.getpid(), signal.SIGKILL)
        serialization.write_all = write_all
        serialization.save(np.ones(1 << 20), sys.argv[1])
    """
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run([sys.executable, "-c", code, path], cwd=root, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert load(path) == "before"
    save("after", path)
    assert load(path) == "after"


@pytest.mark.skipif(os.name != "posix", reason="permissions and links of POSIX")
def test_permissions_and_links_are_kept(tmp_path):
    mask = os.umask(0o027)
    try:
        save(1, tmp_path / "a")
        ag.safetensors.save_file({}, tmp_path / "b")
    finally:
        os.umask(mask)
    for name in "ab":
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o640
    (tmp_path / "a").chmod(0o604)
    save(2, tmp_path / "a")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o604
    (tmp_path / "link").symlink_to("a")
    save(3, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert load(tmp_path / "a") == 3
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no usual file"):
        save(1, tmp_path / "pipe")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_long_and_strange_names(tmp_path):
    for name in ("x" * 255, "ü \n'\"", "-", "a..b"):
        save(name, tmp_path / name)
        assert load(tmp_path / name) == name


def test_threads_may_save_at_once_while_others_write(tmp_path):
    weights = ag.zeros(1 << 19)
    stop = threading.Event()
    errors = []

    def scribble():
        while not stop.is_set():
            weights.array += 1

    def work(k):
        try:
            for _ in range(5):
                save({"k": k, "w": weights}, tmp_path / "a")
                assert load(tmp_path / "a")["w"].shape == weights.shape
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    scribbler = threading.Thread(target=scribble)
    for thread in [scribbler, *threads]:
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    scribbler.join()
    assert errors == []
    assert os.listdir(tmp_path) == ["a"]


def test_large_arrays_are_not_copied_whole(tmp_path):
    array = np.ones((1 << 10, 1 << 12))
    tracemalloc.start()
    try:
        for saved in (array, array.T, array[::-1], [array, array[5:]]):
            tracemalloc.reset_peak()
            save(saved, tmp_path / "a")
            assert tracemalloc.get_traced_memory()[1] < array.nbytes / 4
        tracemalloc.reset_peak()
        load(tmp_path / "a")
        assert tracemalloc.get_traced_memory()[1] < array.nbytes * 1.1
    finally:
        tracemalloc.stop()


def test_what_is_described_is_json():
    table, blocks = describe({"a": [ag.ones(2), math.inf, 2**70]})
    assert json.loads(json.dumps(table, allow_nan=False)) == json.loads(json.dumps(table))
    assert [block.nbytes for block in blocks] == [8]
