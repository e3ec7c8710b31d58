"""nn.data: data sets, samplers, batches, and that every sample comes as often as it should."""

from __future__ import annotations

from collections import namedtuple

import numpy as np
import pytest

import autograd_core as ag
from nn import data


class Squares(data.Dataset):
    """Samples made one by one: (i, i²)."""

    def __init__(self, n=10):
        self.n = n

    def __getitem__(self, index):
        if not 0 <= index < self.n:
            raise IndexError(index)
        return ag.tensor(index), index * index

    def __len__(self):
        return self.n


class Counting(data.IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return iter(range(self.n))

    def __len__(self):
        return self.n


def tensors(n=10):
    return data.TensorDataset(ag.arange(2.0 * n).reshape(n, 2), ag.arange(n))


def labels(loader):
    return [batch[-1].tolist() for batch in loader]


# ---------------------------------------------------------------------- data sets


def test_tensor_datasets():
    dataset = tensors()
    assert len(dataset) == 10
    x, y = dataset[3]
    assert (x.tolist(), y.item()) == ([6, 7], 3)
    with pytest.raises(ValueError, match="size mismatch"):
        data.TensorDataset(ag.ones(2), ag.ones(3))
    with pytest.raises(TypeError, match="from_numpy"):
        data.TensorDataset(np.ones(2))
    with pytest.raises(ValueError, match="size mismatch"):
        data.TensorDataset()


def test_datasets_one_after_the_other():
    both = tensors(3) + Squares(4)
    assert len(both) == 7
    assert both[2][1].item() == 2
    assert both[3][1] == 0
    assert both[-1][1] == 9
    assert [both[k][1] for k in range(3, 7)] == [0, 1, 4, 9]
    for index in (7, -8):
        with pytest.raises(IndexError):
            both[index]
    with pytest.raises(ValueError, match="empty"):
        data.ConcatDataset([])
    with pytest.raises(TypeError, match="ChainDataset"):
        data.ConcatDataset([Counting(2)])


def test_datasets_side_by_side():
    assert data.StackDataset(Squares(3), tensors(3))[2][0][1] == 4
    assert data.StackDataset(a=Squares(3), b=tensors(3))[2]["a"][1] == 4
    assert len(data.StackDataset(a=Squares(3))) == 3
    for wrong in (
        lambda: data.StackDataset(),
        lambda: data.StackDataset(Squares(2), Squares(3)),
        lambda: data.StackDataset(Squares(2), a=Squares(2)),
    ):
        with pytest.raises(ValueError, match="StackDataset"):
            wrong()


def test_iterable_datasets_in_a_chain():
    chain = Counting(2) + Counting(3)
    assert list(chain) == [0, 1, 0, 1, 2]
    assert len(chain) == 5


def test_subsets():
    part = data.Subset(data.Subset(tensors(), [1, 3, 5, 7]), [3, 0])
    assert [part[k][1].item() for k in range(2)] == [7, 1]
    assert part[[0, 1]][1].tolist() == [7, 1]
    assert len(part) == 2


@pytest.mark.parametrize(
    ("lengths", "sizes"), [([7, 3], [7, 3]), ([0.7, 0.3], [7, 3]), ([0.33, 0.33, 0.34], [4, 3, 3]), ([1.0], [10]), ([10], [10])]
)
def test_random_splits(lengths, sizes):
    parts = data.random_split(Squares(), lengths, ag.Generator().manual_seed(1))
    assert [len(p) for p in parts] == sizes
    assert sorted(i for p in parts for i in p.indices) == list(range(10))
    again = data.random_split(Squares(), lengths, ag.Generator().manual_seed(1))
    assert [p.indices for p in parts] == [p.indices for p in again]
    assert parts[0].indices != list(range(sizes[0]))


def test_random_splits_that_do_not_add_up():
    for lengths in ([3, 3], [0.5, 0.2], [-1, 11], [1.5, -0.5]):
        with pytest.raises(ValueError, match=r"Sum of input lengths|fractions"):
            data.random_split(Squares(), lengths)
    with pytest.warns(UserWarning, match="empty"):
        data.random_split(Squares(), [10, 0])


def test_abstract_classes():
    for touch in (lambda: data.Dataset()[0], lambda: iter(data.IterableDataset()), lambda: iter(data.Sampler())):
        with pytest.raises(NotImplementedError):
            touch()
    assert data.Dataset[int] is data.Dataset
    assert data.Sampler[int] is data.Sampler


# ---------------------------------------------------------------------- samplers


def test_samplers():
    ag.manual_seed(0)
    assert list(data.SequentialSampler(range(4))) == [0, 1, 2, 3]
    shuffled = data.RandomSampler(range(50))
    first, second = list(shuffled), list(shuffled)
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second
    assert len(shuffled) == 50
    assert len(set(data.RandomSampler(range(50), num_samples=20))) == 20
    more = list(data.RandomSampler(range(3), num_samples=7))
    assert len(more) == 7
    assert sorted(more[:3]) == sorted(more[3:6]) == [0, 1, 2]
    drawn = list(data.RandomSampler(range(3), replacement=True, num_samples=3000))
    assert np.bincount(drawn).min() > 900
    assert sorted(data.SubsetRandomSampler([5, 7, 9])) == [5, 7, 9]
    assert len(data.SubsetRandomSampler([5, 7, 9])) == 3


def test_weighted_samplers():
    ag.manual_seed(0)
    drawn = list(data.WeightedRandomSampler([1.0, 0.0, 3.0], 4000))
    counts = np.bincount(drawn, minlength=3)
    assert counts[1] == 0
    assert counts[2] == pytest.approx(3000, rel=0.05)
    assert sorted(data.WeightedRandomSampler(ag.tensor([1.0, 2.0, 3.0]), 3, replacement=False)) == [0, 1, 2]
    for wrong in (([1.0], 0), ([-1.0, 2.0], 1), ([0.0], 1), ([[1.0]], 1), ([1.0, 0.0], 2, False), ([float("nan")], 1)):
        with pytest.raises(ValueError, match=r"weights|num_samples"):
            data.WeightedRandomSampler(*wrong)


def test_batch_samplers():
    assert list(data.BatchSampler(range(5), 2, False)) == [[0, 1], [2, 3], [4]]
    assert list(data.BatchSampler(range(5), 2, True)) == [[0, 1], [2, 3]]
    assert len(data.BatchSampler(range(5), 2, False)) == 3
    assert len(data.BatchSampler(range(5), 2, True)) == 2
    for wrong in ((0, False), (True, False), (2.0, False), (2, 1)):
        with pytest.raises(ValueError, match="should be a"):
            data.BatchSampler(range(5), *wrong)
    with pytest.raises(ValueError, match="num_samples"):
        data.RandomSampler(range(3), num_samples=0)
    with pytest.raises(TypeError, match="replacement"):
        data.RandomSampler(range(3), replacement=1)


# ---------------------------------------------------------------------- loaders

FAST_AND_SLOW = [tensors(), Squares(), data.Subset(tensors(20), range(0, 20, 2)), data.Subset(Squares(20), range(0, 20, 2))]


@pytest.mark.parametrize("dataset", FAST_AND_SLOW)
def test_batches_in_order(dataset):
    loader = data.DataLoader(dataset, batch_size=4)
    batches = list(loader)
    assert len(batches) == len(loader) == 3
    assert [len(b[0]) for b in batches] == [4, 4, 2]
    assert all(isinstance(b, list) for b in batches)
    expected = [dataset[k] for k in range(10)]
    for part in range(2):
        assert [v for b in batches for v in b[part].tolist()] == [np.asarray(e[part]).tolist() for e in expected]
    assert len(list(data.DataLoader(dataset, 4, drop_last=True))) == len(data.DataLoader(dataset, 4, drop_last=True)) == 2
    assert labels(loader) == labels(loader)


@pytest.mark.parametrize("dataset", FAST_AND_SLOW)
def test_shuffled_batches(dataset):
    make = lambda seed: data.DataLoader(dataset, 4, shuffle=True, generator=ag.Generator().manual_seed(seed))
    loader = make(1)
    first, second = labels(loader), labels(loader)
    flat = sorted(v for batch in first for v in batch)
    assert flat == sorted(v for batch in second for v in batch) == sorted(np.asarray(dataset[k][1]).tolist() for k in range(10))
    assert first != second
    again = make(1)
    assert [labels(again), labels(again)] == [first, second]
    ag.manual_seed(4)
    here = labels(data.DataLoader(dataset, 4, shuffle=True))
    ag.manual_seed(4)
    assert labels(data.DataLoader(dataset, 4, shuffle=True)) == here


def test_both_ways_shuffle_alike():
    fast, slow = tensors(30), data.ConcatDataset([tensors(30)])
    order = [labels(data.DataLoader(d, 7, shuffle=True, generator=ag.Generator().manual_seed(2))) for d in (fast, slow)]
    assert order[0] == order[1]


def test_two_passes_at_once_do_not_disturb_each_other():
    loader = data.DataLoader(tensors(), 5)
    assert [(a[1].tolist(), b[1].tolist()) for a, b in zip(loader, loader, strict=True)] == [([0, 1, 2, 3, 4],) * 2, ([5, 6, 7, 8, 9],) * 2]


@pytest.mark.parametrize("shuffle", [False, True])
def test_batches_are_copies(shuffle):
    dataset = tensors()
    for batch in data.DataLoader(dataset, 4, shuffle=shuffle):
        batch[0].fill_(-1)
    assert (dataset.tensors[0] >= 0).all()


def test_batches_of_tensors_that_record():
    x = ag.ones(4, 2, requires_grad=True)
    for (part,) in data.DataLoader(data.TensorDataset(x), 3, shuffle=True):
        part.sum().backward()
    assert (x.grad == 1).all()
    samples = [x[k] for k in range(4)]
    data.default_collate(samples).sum().backward()
    assert (x.grad == 2).all()


def test_samplers_and_functions_of_ones_own():
    dataset = tensors()
    assert labels(data.DataLoader(dataset, 2, sampler=[9, 1, 1])) == [[9, 1], [1]]
    assert labels(data.DataLoader(dataset, batch_sampler=[[1, 2, 3], [4]])) == [[1, 2, 3], [4]]
    assert len(data.DataLoader(dataset, batch_sampler=[[1, 2, 3], [4]])) == 2
    weighted = data.WeightedRandomSampler([0.0] * 9 + [1.0], 3)
    assert labels(data.DataLoader(dataset, 2, sampler=weighted)) == [[9, 9], [9]]
    sums = data.DataLoader(dataset, 5, collate_fn=lambda samples: sum(y.item() for _, y in samples))
    assert list(sums) == [10, 35]


def test_single_samples():
    loader = data.DataLoader(tensors(3), batch_size=None)
    assert [y.item() for _, y in loader] == [0, 1, 2]
    assert len(loader) == 3
    arrays = data.DataLoader([{"a": np.ones(2)}, {"a": np.zeros(2)}], batch_size=None)
    assert [s["a"].tolist() for s in arrays] == [[1, 1], [0, 0]]


def test_iterable_datasets():
    assert [b.tolist() for b in data.DataLoader(Counting(5), 2)] == [[0, 1], [2, 3], [4]]
    assert [b.tolist() for b in data.DataLoader(Counting(5), 2, drop_last=True)] == [[0, 1], [2, 3]]
    assert list(data.DataLoader(Counting(3), batch_size=None)) == [0, 1, 2]
    assert [len(data.DataLoader(Counting(5), 2, drop_last=d)) for d in (False, True)] == [3, 2]
    assert len(data.DataLoader(Counting(5), None)) == 5


def test_an_empty_dataset():
    for shuffle in (False, True):
        assert list(data.DataLoader(tensors(0), 2, shuffle=shuffle)) == []


EXCLUSIVE = [
    dict(num_workers=2),
    dict(shuffle=True, sampler=[0]),
    dict(batch_sampler=[[0]], batch_size=2),
    dict(batch_sampler=[[0]], shuffle=True),
    dict(batch_sampler=[[0]], drop_last=True),
    dict(batch_size=None, drop_last=True),
    dict(batch_size=0),
    dict(batch_size=1.5),
    dict(timeout=3),
    dict(persistent_workers=True),
    dict(prefetch_factor=2),
]


@pytest.mark.parametrize("settings", EXCLUSIVE, ids=str)
def test_arguments_that_exclude_one_another(settings):
    with pytest.raises(ValueError, match=next(iter(settings)) if len(settings) == 1 else "mutually exclusive"):
        data.DataLoader(tensors(), **settings)


@pytest.mark.parametrize("settings", [dict(shuffle=True), dict(sampler=[0]), dict(batch_sampler=[[0]])], ids=str)
def test_an_iterable_dataset_has_an_order_of_its_own(settings):
    with pytest.raises(ValueError, match="IterableDataset"):
        data.DataLoader(Counting(3), **settings)


# ---------------------------------------------------------------------- collating

Point = namedtuple("Point", "x y")


def test_collating():
    collate = data.default_collate
    assert collate([1, 2]).dtype == np.int64
    assert collate([True, False]).dtype == np.bool_
    assert collate([1.0, 2.0]).dtype == np.float64
    assert collate([np.float32(1), np.float32(2)]).dtype == np.float32
    assert collate([np.ones(2), np.zeros(2)]).tolist() == [[1, 1], [0, 0]]
    assert collate(["a", "b"]) == ["a", "b"]
    assert collate([{"k": 1}, {"k": 2}])["k"].tolist() == [1, 2]
    point = collate([Point(1, 2.0), Point(3, 4.0)])
    assert isinstance(point, Point)
    assert point.y.tolist() == [2, 4]
    assert collate([(1, [2, 3]), (4, [5, 6])])[1][0].tolist() == [2, 5]


def test_what_cannot_be_collated():
    with pytest.raises(RuntimeError, match="one shape"):
        data.default_collate([ag.ones(2), ag.ones(3)])
    with pytest.raises(RuntimeError, match="equal size"):
        data.default_collate([[1, 2], [3]])
    for samples in ([object()], [None], [np.array(["a"])]):
        with pytest.raises(TypeError, match="default_collate"):
            data.default_collate(samples)
