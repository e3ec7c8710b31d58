"""Random numbers: streams, generators and their states, and that what is drawn has the distribution it should.

The statistical tests have fixed seeds and bounds of six standard deviations: they say the same on every run.
"""

import contextlib
import copy
import pickle
import threading

import numpy as np
import pytest

import autograd_core as ag

N = 200_000


def generator(seed=0):
    return ag.Generator().manual_seed(seed)


def near(sample, mean, std, fourth=3.0):
    """Whether a sample's mean and variance are within six standard errors; `fourth` is the distribution's kurtosis."""
    x = np.asarray(sample.numpy(), np.float64).ravel()
    assert abs(x.mean() - mean) < 6 * std / len(x) ** 0.5
    assert abs(x.var() - std**2) < 6 * std**2 * ((fourth - 1) / len(x)) ** 0.5


def chi_square(counts, expected):
    """Whether counts are those of the expected ones: the statistic is within six standard deviations of its mean."""
    counts, expected = np.asarray(counts, float), np.asarray(expected, float)
    never = expected == 0
    assert not counts[never].any()
    freedom = (~never).sum() - 1
    statistic = ((counts - expected)[~never] ** 2 / expected[~never]).sum()
    assert statistic <= freedom + 6 * (2 * freedom) ** 0.5


# ---------------------------------------------------------------------- streams and states


def test_seeding_starts_the_stream_again():
    ag.manual_seed(3)
    first = ag.rand(5), ag.randn(4), ag.randint(9, (3,)), ag.randperm(6)
    assert ag.manual_seed(3).initial_seed() == ag.initial_seed() == 3
    for a, b in zip(first, (ag.rand(5), ag.randn(4), ag.randint(9, (3,)), ag.randperm(6)), strict=True):
        assert (a == b).all()
    seed = ag.seed()
    assert seed == ag.initial_seed()
    drawn = ag.rand(3)
    assert (ag.rand(3, generator=generator(seed)) == drawn).all()


def test_negative_seeds_count_down_from_2_to_the_64():
    assert (ag.rand(4, generator=generator(-1)) == ag.rand(4, generator=generator(2**64 - 1))).all()
    with pytest.raises(ValueError, match=r"manual_seed: the seed is from -2\*\*63 to 2\*\*64 - 1"):
        generator(2**64)


def drawn_in_threads(*tasks):
    results = [None] * len(tasks)

    def run(k, task):
        results[k] = task()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(tasks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_threads_draw_streams_of_their_own():
    ag.manual_seed(0)
    a, b = drawn_in_threads(lambda: ag.rand(8), lambda: ag.rand(8))
    assert not (a == b).any()
    assert (ag.rand(8) == ag.rand(8, generator=generator(0))).all()  # this thread's stream stood still


def test_a_seed_in_a_thread_is_that_threads():
    def seeded():
        ag.manual_seed(7)
        return ag.rand(8)

    ag.manual_seed(1)
    a, b = drawn_in_threads(seeded, seeded)
    assert (a == b).all()
    assert (a == ag.rand(8, generator=generator(7))).all()
    assert ag.initial_seed() == 1


@pytest.mark.parametrize("before", [lambda: None, lambda: ag.rand(3), lambda: ag.randint(5, (7,)), lambda: ag.randn(2)])
def test_a_state_saves_and_restores_exactly(before):
    ag.manual_seed(5)
    before()  # float32 draws leave half of a number over, which belongs to the state
    state = ag.get_rng_state()
    assert (state.dtype, state.ndim) == (ag.uint8, 1)
    saved = state.clone()
    first = [ag.rand(5), ag.randn(3, dtype=ag.float64), ag.randint(100, (4,)), ag.get_rng_state()]
    assert (state == saved).all()  # it is not a view of the stream
    ag.set_rng_state(state)
    assert ag.initial_seed() == 5
    for a, b in zip(first, [ag.rand(5), ag.randn(3, dtype=ag.float64), ag.randint(100, (4,)), ag.get_rng_state()], strict=True):
        assert (a == b).all()


def test_a_state_moves_between_generators():
    one = generator(9)
    ag.rand(3, generator=one)
    other = ag.Generator().set_state(one.get_state())
    clone, copied, pickled = one.clone_state(), copy.deepcopy(one), pickle.loads(pickle.dumps(one))
    expected = ag.rand(6, generator=one)
    for g in (other, clone, copied, pickled):
        assert g.initial_seed() == 9
        assert (ag.rand(6, generator=g) == expected).all()


def broken(where, value):
    state = generator(1).get_state()
    state[where] = value
    return state


@pytest.mark.parametrize(
    ("state", "error", "match"),
    [
        (5, TypeError, "a state is a uint8 tensor, as get_state gives, got int"),
        ({"state": 1}, TypeError, "got dict"),
        (lambda: ag.zeros(53), TypeError, "got float32"),
        (lambda: ag.zeros(5, dtype=ag.uint8), RuntimeError, r"this tensor of shape \(5,\) is not a state that get_state made"),
        (lambda: broken(7, 2), RuntimeError, "is not a state that get_state made"),  # of another version
        (lambda: broken(slice(24, 40), 0), RuntimeError, "the state was changed since"),
        (lambda: broken(40, 2), RuntimeError, "the state was changed since"),
    ],
)
def test_a_wrong_state_changes_nothing(state, error, match):
    ag.manual_seed(4)
    ag.rand(3)
    before = ag.get_rng_state()
    with pytest.raises(error, match=match):
        ag.set_rng_state(state() if callable(state) else state)
    assert (ag.get_rng_state() == before).all()
    assert ag.initial_seed() == 4


def test_fork_rng():
    ag.manual_seed(0)
    expected = ag.rand(4)
    ag.manual_seed(0)
    with ag.random.fork_rng():
        ag.manual_seed(99)
        ag.rand(10)
    assert (ag.rand(4) == expected).all()

    @ag.random.fork_rng()
    def draws():
        return ag.rand(4)

    ag.manual_seed(0)
    assert (draws() == draws()).all()
    with ag.random.fork_rng(enabled=False):
        assert (ag.rand(4) == expected).all()
    assert not (ag.rand(4) == expected).any()
    state = ag.get_rng_state()
    with contextlib.suppress(ZeroDivisionError), ag.random.fork_rng():
        ag.rand(1 // 0)
    assert (ag.get_rng_state() == state).all()
    with pytest.raises(RuntimeError, match="CPU"):
        ag.random.fork_rng(devices=["cuda"]).__enter__()


def test_the_module_has_pytorchs_names():
    for name in ("manual_seed", "seed", "initial_seed", "get_rng_state", "set_rng_state", "fork_rng", "Generator"):
        assert hasattr(ag.random, name)


def test_a_generator_is_a_generator():
    for draw in (
        lambda: ag.rand(2, generator=3),
        lambda: ag.normal(0.0, 1.0, (2,), generator=np.random.default_rng()),
        lambda: ag.ones(2).exponential_(generator="a"),
        lambda: ag.multinomial(ag.ones(3), 1, generator=0),
    ):
        with pytest.raises(TypeError, match=r"generator: must be an autograd_core\.Generator or None"):
            draw()
    with pytest.raises(RuntimeError, match="CPU"):
        ag.Generator("cuda")


@pytest.mark.parametrize(
    "draw",
    [
        lambda **g: ag.rand(4, **g),
        lambda **g: ag.randn(4, dtype=ag.complex64, **g),
        lambda **g: ag.rand_like(ag.ones(4), **g),
        lambda **g: ag.randn_like(ag.ones(4), **g),
        lambda **g: ag.randint(1000, (4,), **g),
        lambda **g: ag.randint_like(ag.ones(4), 1000, **g),
        lambda **g: ag.randperm(50, **g),
        lambda **g: ag.normal(ag.zeros(4), 1.0, **g),
        lambda **g: ag.normal(0.0, 1.0, (4,), **g),
        lambda **g: ag.bernoulli(ag.full((100,), 0.5), **g),
        lambda **g: ag.multinomial(ag.ones(50), 9, **g),
        lambda **g: ag.multinomial(ag.ones(50), 9, True, **g),
        lambda **g: ag.poisson(ag.full((20,), 50.0), **g),
        *(
            lambda name=name, args=args, **g: getattr(ag.ones(50), name)(*args, **g)
            for name, args in (
                ("normal_", ()),
                ("uniform_", ()),
                ("random_", ()),
                ("bernoulli_", ()),
                ("exponential_", ()),
                ("geometric_", (0.1,)),
                ("cauchy_", ()),
                ("log_normal_", ()),
            )
        ),
    ],
)
def test_all_draw_from_the_generator_or_the_stream(draw):
    ag.manual_seed(5)
    first = draw()
    ag.manual_seed(5)
    before = ag.get_rng_state()
    assert (draw(generator=generator(5)) == first).all()
    assert (ag.get_rng_state() == before).all()
    assert (draw() == first).all()
    assert not (draw() == first).all()


def test_errors_draw_and_write_nothing():
    ag.manual_seed(0)
    ag.rand(1)
    state = ag.get_rng_state()
    x = ag.ones(3)
    for wrong in (
        lambda: x.normal_(0, -1),
        lambda: x.uniform_(1, 0),
        lambda: x.bernoulli_(2.0),
        lambda: x.bernoulli_(ag.tensor([0.5, 0.5])),
        lambda: x.exponential_(0),
        lambda: x.geometric_(1.0),
        lambda: x.cauchy_(0, 0),
        lambda: x.log_normal_(0, 0),
        lambda: x.random_(3, 3),
        lambda: ag.ones(2, requires_grad=True).normal_(),
        lambda: ag.multinomial(ag.tensor([1.0, -1.0]), 1),
        lambda: ag.multinomial(ag.tensor([1.0, 0.0]), 2),
        lambda: ag.bernoulli(ag.tensor([2.0])),
        lambda: ag.poisson(ag.tensor([-1.0])),
        lambda: ag.randint(3, 3, (2,)),
    ):
        with pytest.raises(RuntimeError):
            wrong()
    assert x.tolist() == [1, 1, 1]
    assert (ag.get_rng_state() == state).all()


# ---------------------------------------------------------------------- distributions of what is drawn

FLOATS = [ag.float16, ag.float32, ag.float64]


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_rand(dtype):
    x = ag.rand(N, dtype=dtype, generator=generator())
    assert x.dtype == dtype
    assert x.numpy().min() >= 0
    assert x.numpy().max() < 1
    near(x.double() + (2**-12 if dtype == ag.float16 else 0), 0.5, 12**-0.5, 1.8)
    counts = np.histogram(x.numpy().astype(float), 16, (0, 1))[0]
    chi_square(counts, np.full(16, N / 16))


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_randn(dtype):
    x = ag.randn(N, dtype=dtype, generator=generator())
    assert x.dtype == dtype
    near(x, 0, 1)


@pytest.mark.parametrize("dtype", [ag.complex64, ag.complex128], ids=str)
def test_complex(dtype):
    z = ag.randn(N, dtype=dtype, generator=generator())
    assert z.dtype == dtype
    for part in (z.numpy().real, z.numpy().imag):
        near(ag.tensor(part), 0, 0.5**0.5)
    assert abs(np.corrcoef(z.numpy().real, z.numpy().imag)[0, 1]) < 6 / N**0.5
    z = ag.rand(N, dtype=dtype, generator=generator())
    for part in (z.numpy().real, z.numpy().imag):
        near(ag.tensor(part), 0.5, 12**-0.5, 1.8)
    z = ag.empty(N, dtype=dtype).normal_(1, 2, generator=generator())
    near(ag.tensor(z.numpy().imag), 1, 2 * 0.5**0.5)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_uniform_stays_below_its_upper_bound(dtype):
    x = ag.empty(N, dtype=dtype).uniform_(3, 3.01, generator=generator())
    assert x.numpy().min() >= np.array(3, dtype)
    assert x.numpy().max() < 3.01
    near(ag.empty(N, dtype=ag.float64).uniform_(-2, 4, generator=generator()), 1, 3**0.5, 1.8)


def test_normal():
    near(ag.normal(2.0, 3.0, (N,), generator=generator()), 2, 3)
    means, stds = ag.tensor([[0.0], [10.0]]), ag.linspace(1, 3, 5)
    x = ag.normal(means.expand(2, 1).reshape(2, 1, 1).expand(2, 1, N // 10), stds.reshape(5, 1), generator=generator())
    assert x.shape == (2, 5, N // 10)
    for i in range(2):
        for j in range(5):
            near(x[i, j], means[i].item(), stds[j].item())


def test_randint():
    x = ag.randint(-3, 7, (N,), generator=generator())
    assert x.dtype == ag.int64
    chi_square(np.bincount(x.numpy() + 3, minlength=10), np.full(10, N / 10))
    assert ag.randint(5, (3,), dtype=ag.int8).dtype == ag.int8
    assert set(ag.randint(2, (50,), dtype=ag.bool, generator=generator()).tolist()) == {True, False}


def test_randperm():
    draw = generator()
    first = np.zeros((4, 4))
    for _ in range(4000):
        p = ag.randperm(4, generator=draw).numpy()
        first[np.arange(4), p] += 1
    for row in first:
        chi_square(row, np.full(4, 1000))


@pytest.mark.parametrize("dtype", [ag.float32, ag.int64, ag.bool, ag.uint8], ids=str)
def test_bernoulli(dtype):
    x = ag.empty(N, dtype=dtype).bernoulli_(0.3, generator=generator())
    assert x.dtype == dtype
    chi_square(np.bincount(x.numpy().astype(int), minlength=2), [0.7 * N, 0.3 * N])
    p = ag.tensor([0.0, 0.2, 0.5, 1.0])
    x = ag.empty(N // 4, 4, dtype=dtype).bernoulli_(p, generator=generator())
    for column, q in zip(x.numpy().T.astype(int), p.tolist(), strict=True):
        chi_square(np.bincount(column, minlength=2), np.array([1 - q, q]) * (N // 4))
    chi_square(np.bincount(ag.bernoulli(ag.full((N,), 0.1), generator=generator()).numpy().astype(int)), [0.9 * N, 0.1 * N])


def test_exponential():
    near(ag.empty(N).exponential_(2.0, generator=generator()), 0.5, 0.5, 9)
    assert (ag.empty(5, dtype=ag.float16).exponential_(generator=generator()) >= 0).all()


@pytest.mark.parametrize("dtype", [ag.float32, ag.int64, ag.int32], ids=str)
def test_geometric(dtype):
    x = ag.empty(N, dtype=dtype).geometric_(0.3, generator=generator())
    assert x.dtype == dtype
    k = np.arange(1, 12)
    chi_square(np.bincount(x.numpy().astype(int), minlength=12)[1:12], 0.3 * 0.7 ** (k - 1) * N)
    assert (ag.empty(9, dtype=ag.uint8).geometric_(1e-9, generator=generator()) == 255).all()
    assert (ag.empty(9, dtype=ag.int64).geometric_(1e-30, generator=generator()) == 2**63 - 1).all()


def test_cauchy():
    x = ag.empty(N).cauchy_(1.0, 2.0, generator=generator()).numpy()
    quartiles = np.array([-np.inf, -1, 1, 3, np.inf])
    chi_square(np.histogram(x, quartiles)[0], np.full(4, N / 4))


def test_log_normal():
    near(ag.empty(N).log_normal_(0.5, 0.25, generator=generator()).log(), 0.5, 0.25)
    x = ag.empty(N).log_normal_(generator=generator()).log()
    near(x, 1, 2)


def test_random_():
    for dtype, most in (
        (ag.float32, 2**24),
        (ag.float16, 2**11),
        (ag.float64, 2**53),
        (ag.int8, 127),
        (ag.uint8, 255),
        (ag.int64, 2**63 - 1),
    ):
        x = ag.empty(N, dtype=dtype).random_(generator=generator()).numpy().astype(np.float64)
        assert x.min() >= 0
        assert 0.99 * most < x.max() <= most
    x = ag.empty(N).random_(2, 7, generator=generator())
    chi_square(np.bincount(x.numpy().astype(int), minlength=7)[2:], np.full(5, N / 5))
    x = ag.empty(N, dtype=ag.int8).random_(-128, None, generator=generator()).numpy().astype(int)
    chi_square(np.bincount(x + 128, minlength=256), np.full(256, N / 256))
    with pytest.raises(TypeError, match=r"random_: takes \(from, to\)"):
        ag.empty(3).random_(1, 2, 3)


def test_poisson():
    rate = 3.0
    x = ag.poisson(ag.full((N,), rate), generator=generator()).numpy().astype(int)
    k = np.arange(9)
    expected = np.exp(-rate) * rate**k / np.cumprod([1, *range(1, 9)])
    chi_square(np.bincount(x, minlength=9)[:9], expected * N)


WEIGHTS = np.array([0.0, 1.0, 2.0, 0.0, 5.0, 0.5, 0.0])


def test_multinomial_with_replacement():
    x = ag.multinomial(ag.tensor(WEIGHTS), N, True, generator=generator()).numpy()
    chi_square(np.bincount(x, minlength=7), WEIGHTS / WEIGHTS.sum() * N)


def test_multinomial_of_many_rows():
    rows = np.stack([np.roll(WEIGHTS, k) * 10.0 ** (k - 3) for k in range(7)])
    for replacement in (True, False):
        x = ag.multinomial(ag.tensor(np.tile(rows, (3000, 1))), 1, replacement, generator=generator()).numpy().reshape(3000, 7)
        for k in range(7):
            chi_square(np.bincount(x[:, k], minlength=7), rows[k] / rows[k].sum() * 3000)
    x = ag.multinomial(ag.tensor(rows), 20_000, True, generator=generator()).numpy()
    for k in range(7):
        chi_square(np.bincount(x[k], minlength=7), rows[k] / rows[k].sum() * 20_000)


def test_multinomial_without_replacement():
    w = np.array([1.0, 2.0, 0.0, 3.0, 0.5])
    pairs = ag.multinomial(ag.tensor(np.tile(w, (N // 4, 1))), 2, generator=generator()).numpy()
    counts = np.bincount(pairs[:, 0] * 5 + pairs[:, 1], minlength=25)
    p = w / w.sum()
    expected = p[:, None] * p[None, :] / (1 - p[:, None])
    np.fill_diagonal(expected, 0)
    chi_square(counts, expected.ravel() * len(pairs))
    whole = ag.multinomial(ag.ones(50), 50, generator=generator()).numpy()
    assert sorted(whole) == list(range(50))


def test_multinomial_of_extremes():
    for weights in ([1e-300, 0.0, 1e300], [0.0, 5e-324, 5e-324], [1e308, 1e308, 0.0]):
        assert weights.index(0) not in ag.multinomial(ag.tensor(weights, dtype=ag.float64), 2, generator=generator()).tolist()
        for replacement in (True, False):
            x = ag.multinomial(ag.tensor(weights, dtype=ag.float64), 1, replacement, generator=generator())
            assert weights[x.item()] > 0
    assert ag.multinomial(ag.ones(0, 3), 2).shape == (0, 2)
    assert ag.multinomial(ag.ones(0, 3), 2, True).shape == (0, 2)
    with pytest.raises(RuntimeError, match="3 categories are to be drawn without replacement, but a row has only 2 of positive weight"):
        ag.multinomial(ag.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, 1.0]]), 3)
    with pytest.raises(RuntimeError, match="weights of a row are all 0"):
        ag.multinomial(ag.tensor([[1.0, 1.0], [0.0, 0.0]]), 1, True)


def test_sampling_is_a_constant_of_the_graph():
    x = ag.full((3,), 0.5, requires_grad=True)
    y = x * 2
    y.exponential_()
    (y * x).sum().backward()
    assert np.allclose(x.grad.numpy(), y.detach().numpy())
    view = (z := x * 1)[1:]
    view.uniform_()
    z.sum().backward(inputs=[x])
    assert np.allclose(x.grad.numpy() - y.detach().numpy(), [1, 0, 0])
