"""Work shared among threads: each part once, errors, nesting, forks."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from autograd_core.kernels import threads
from autograd_core.kernels.scratch import scratch


@pytest.fixture(params=[1, 2, 3])
def count(request):
    before = threads.number()
    threads.set_number(request.param)
    yield request.param
    threads.set_number(before)


def test_each_part_once(count):
    seen: list[int] = []
    threads.in_parallel(seen.append, range(1000))
    assert sorted(seen) == list(range(1000))


def test_several_threads_take_part(count):
    meeting = threading.Barrier(count, timeout=30)
    names: list[str] = []

    def work(_):
        meeting.wait()  # passes only when as many threads are here
        names.append(threading.current_thread().name)

    threads.in_parallel(work, range(count))
    assert len(set(names)) == count


def test_errors_reach_the_caller(count):
    with pytest.raises(ZeroDivisionError):
        threads.in_parallel(lambda k: 1 / (k - 7), range(8))
    done: list[int] = []
    threads.in_parallel(done.append, range(3))
    assert sorted(done) == [0, 1, 2]


def test_nested_calls_stay_on_their_thread(count):
    def inner(place):
        return lambda _: places[place].append(threading.get_ident())

    places: list[list[int]] = [[] for _ in range(4)]
    threads.in_parallel(lambda place: threads.in_parallel(inner(place), range(5)), range(4))
    assert [len(set(found)) for found in places] == [1] * 4
    assert [len(found) for found in places] == [5] * 4


def test_errstate_holds_on_all_threads(count):
    with np.errstate(divide="ignore"):
        threads.in_parallel(lambda _: np.log(np.zeros(1)), range(8))
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        threads.in_parallel(lambda _: np.log(np.zeros(1)), range(8))


def test_blas_gets_its_threads_back(count):
    blas = threads.blas_threads()
    if blas is None:
        pytest.skip("NumPy's matrix products here come from a library whose threads cannot be set")
    during: list[int] = []
    threads.in_parallel(lambda _: during.append(blas[0]()), range(2))
    assert blas[0]() == count
    assert count == 1 or set(during) == {1}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_works_after_a_fork():
    threads.in_parallel(lambda _: None, range(2))
    child = os.fork()
    if not child:
        seen: list[int] = []
        threads.in_parallel(seen.append, range(10))
        os._exit(sorted(seen) != list(range(10)))
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize(("length", "size"), [(10, 3), (9, 3), (1, 5), (0, 4), (7, 100), (5, 0)])
def test_pieces(length, size):
    found = threads.pieces(length, size)
    assert [k for piece in found for k in range(length)[piece]] == list(range(length))
    sizes = [piece.stop - piece.start for piece in found]
    assert max(sizes) <= max(1, size)
    assert max(sizes) - min(sizes) <= 1


def test_scratch_is_used_again_and_by_one_thread_only():
    (first,) = scratch(1, (4, 5), np.float32)
    a, b = scratch(2, (3, 3), np.float32)
    assert not np.shares_memory(a, b)
    (again,) = scratch(1, (2,), np.float32)
    assert np.shares_memory(a, again)
    assert not np.shares_memory(again, scratch(1, (2,), np.float32, "other")[0])
    others: list[np.ndarray] = []
    thread = threading.Thread(target=lambda: others.extend(scratch(1, (2,), np.float32)))
    thread.start()
    thread.join()
    assert not np.shares_memory(again, others[0])
    assert first.shape == (4, 5)


@pytest.mark.parametrize(
    ("imports", "given", "found"),
    [("autograd_core", {}, "18"), ("numpy, autograd_core", {}, "None"), ("autograd_core", {"OPENBLAS_THREAD_TIMEOUT": "20"}, "20")],
)
def test_blas_is_told_how_long_to_wait_unless_it_is_loaded_or_the_user_has(imports, given, found):
    clean = {k: v for k, v in os.environ.items() if k != "OPENBLAS_THREAD_TIMEOUT"}
    code = f"import os, {imports}; print(os.environ.get('OPENBLAS_THREAD_TIMEOUT'))"
    done = subprocess.run([sys.executable, "-c", code], env={**clean, **given}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == found
