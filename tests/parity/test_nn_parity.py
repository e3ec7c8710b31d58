"""nn against PyTorch: what is printed and saved, outputs, first and second derivatives from the same state."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import autograd_core as ag  # noqa: E402
import nn  # noqa: E402
from nn import functional as F  # noqa: E402
from tests.parity.agreement import close, gradients_agree, pair  # noqa: E402

TF = torch.nn.functional


def agree(mine, theirs, inputs, tolerance=1e-9):
    """Values, gradients and gradients of gradients of two results by their inputs (pairs) agree."""
    close(mine, theirs)
    once = "HardsigmoidBackward" in str(theirs.grad_fn)  # which PyTorch cannot differentiate again
    gradients_agree(mine, theirs, [m for m, _ in inputs], [t for _, t in inputs], 1 if once else 2, tolerance)


# ---------------------------------------------------------------------- names and defaults

CLASSES = [
    "Linear Bilinear Flatten Unflatten ReLU LeakyReLU ELU SELU CELU GELU SiLU Softmax LogSoftmax Softplus Hardtanh ReLU6",
    "Hardsigmoid Hardswish Mish PReLU RReLU GLU Threshold Hardshrink Softshrink Softmin Dropout Dropout1d Dropout2d Dropout3d",
    "AlphaDropout FeatureAlphaDropout MSELoss L1Loss SmoothL1Loss HuberLoss CrossEntropyLoss NLLLoss BCELoss BCEWithLogitsLoss",
    "Parameter Buffer ModuleList",
]
FUNCTIONS = [
    "relu relu6 leaky_relu elu selu celu silu mish hardtanh hardsigmoid hardswish glu softmax log_softmax softmin threshold rrelu",
    "dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout gumbel_softmax mse_loss l1_loss smooth_l1_loss",
    "huber_loss cross_entropy nll_loss binary_cross_entropy binary_cross_entropy_with_logits",
]
METHODS = [
    "register_buffer register_parameter add_module register_module get_submodule get_parameter get_buffer named_parameters parameters",
    "named_buffers buffers named_modules modules children named_children train eval requires_grad_ zero_grad apply load_state_dict",
    "register_forward_pre_hook register_forward_hook register_full_backward_hook register_full_backward_pre_hook",
]
UTILITIES = ["clip_grad_norm_ clip_grad_value_ clip_grads_with_norm_ get_total_norm parameters_to_vector vector_to_parameters"]
INITS = [
    "calculate_gain uniform_ normal_ trunc_normal_ constant_ ones_ zeros_ eye_ dirac_ xavier_uniform_ xavier_normal_",
    "kaiming_uniform_ kaiming_normal_ orthogonal_ sparse_",
]
DATA = [
    "TensorDataset Subset ConcatDataset DataLoader default_collate SequentialSampler RandomSampler SubsetRandomSampler",
    "WeightedRandomSampler BatchSampler",
]
HOMES = [
    (nn, torch.nn, CLASSES),
    (F, TF, FUNCTIONS),
    (nn.Module, torch.nn.Module, METHODS),
    (nn.utils, torch.nn.utils, UTILITIES),
    (nn.init, torch.nn.init, INITS),
    (nn.data, torch.utils.data, DATA),
]


def parameters(function):
    found = inspect.signature(function).parameters.values()
    return [(p.name, p.kind, p.default if not callable(p.default) else None) for p in found]


@pytest.mark.parametrize(("mine", "theirs"), [(getattr(a, n), getattr(b, n)) for a, b, lists in HOMES for n in " ".join(lists).split()])
def test_arguments_are_named_ordered_and_preset_as_in_pytorch(mine, theirs):
    assert parameters(mine) == parameters(theirs)


# ---------------------------------------------------------------------- activations

ACTIVATIONS = [
    ("relu", ()),
    ("relu6", ()),
    ("leaky_relu", (0.2,)),
    ("elu", (1.3,)),
    ("selu", ()),
    ("celu", ()),
    ("celu", (0.7,)),
    ("gelu", ()),
    ("silu", ()),
    ("mish", ()),
    ("sigmoid", ()),
    ("tanh", ()),
    ("logsigmoid", ()),
    ("softplus", ()),
    ("softplus", (2.0, 1.0)),
    ("softsign", ()),
    ("hardtanh", ()),
    ("hardtanh", (-0.5, 0.7)),
    ("hardsigmoid", ()),
    ("hardswish", ()),
    ("threshold", (0.3, 20.0)),
    ("hardshrink", ()),
    ("softshrink", (0.3,)),
    ("tanhshrink", ()),
    ("softmax", (1,)),
    ("log_softmax", (0,)),
    ("softmin", (-1,)),
    ("glu", ()),
    ("glu", (0,)),
    ("rrelu", ()),
]


ROUGH = {"celu": 1e-7, "hardsigmoid": 1e-7}  # PyTorch rounds 1 / alpha and 1 / 6 to float32 in these gradients


@pytest.mark.parametrize(("name", "settings"), ACTIVATIONS)
def test_activation(name, settings, rng):
    x = pair(rng.standard_normal((4, 6)) * 3, True)
    agree(getattr(F, name)(x[0], *settings), getattr(TF, name)(x[1], *settings), [x], ROUGH.get(name, 1e-9))


def test_gelu_by_its_tanh_formula(rng):
    x = pair(rng.standard_normal((4, 6)) * 3, True)
    agree(F.gelu(x[0], approximate="tanh"), TF.gelu(x[1], approximate="tanh"), [x])


AT_THE_KINKS = "relu relu6 leaky_relu elu selu celu hardtanh hardsigmoid softsign softshrink hardshrink softplus mish silu".split()


@pytest.mark.parametrize("name", AT_THE_KINKS)
def test_gradient_at_the_points_where_the_formula_changes(name):
    points = np.array([-6.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0, 20.0, 30.0, -700.0, 700.0])
    mine, theirs = pair(points, True)
    out, expected = getattr(F, name)(mine), getattr(TF, name)(theirs)
    close(out, expected)
    out.sum().backward()
    expected.sum().backward()
    close(mine.grad, theirs.grad, ROUGH.get(name, 1e-9))


@pytest.mark.parametrize(
    "name", ["relu", "leaky_relu", "elu", "selu", "celu", "silu", "mish", "hardtanh", "hardsigmoid", "hardswish", "relu6"]
)
def test_inplace_writes_the_input_and_keeps_the_gradient(name, rng):
    x = pair(rng.standard_normal((3, 4)), True)
    mine, theirs = x[0] * 1, x[1] * 1
    out, expected = getattr(F, name)(mine, inplace=True), getattr(TF, name)(theirs, inplace=True)
    assert out is mine
    close(mine, theirs)
    agree(out, expected, [x], ROUGH.get(name, 1e-9))


@pytest.mark.parametrize("entries", [1, 4])
def test_prelu(entries, rng):
    x, w = pair(rng.standard_normal((3, 4, 2)), True), pair(rng.random(entries), True)
    agree(F.prelu(x[0], w[0]), TF.prelu(x[1], w[1]), [x, w])


def test_float32_stays_float32(rng):
    x = pair(rng.standard_normal((4, 6)).astype(np.float32))
    for name, settings in ACTIVATIONS:
        close(getattr(F, name)(x[0], *settings), getattr(TF, name)(x[1], *settings), 1e-5)


# ---------------------------------------------------------------------- linear


@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 5, 3), (0, 3), (2, 0, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear(shape, bias, rng):
    x, w, b = pair(rng.standard_normal(shape), True), pair(rng.standard_normal((4, 3)), True), pair(rng.standard_normal(4), True)
    mine, theirs = F.linear(x[0], w[0], b[0] if bias else None), TF.linear(x[1], w[1], b[1] if bias else None)
    agree(mine, theirs, [x, w, b] if bias else [x, w])


@pytest.mark.parametrize("bias", [True, False])
def test_bilinear(bias, rng):
    a, b = pair(rng.standard_normal((5, 2, 3)), True), pair(rng.standard_normal((5, 2, 4)), True)
    w, c = pair(rng.standard_normal((6, 3, 4)), True), pair(rng.standard_normal(6), True)
    mine = F.bilinear(a[0], b[0], w[0], c[0] if bias else None)
    agree(mine, TF.bilinear(a[1], b[1], w[1], c[1] if bias else None), [a, b, w, c] if bias else [a, b, w])


def test_one_hot(rng):
    labels = rng.integers(0, 4, (3, 2))
    for classes in (-1, 4, 7):
        close(F.one_hot(ag.tensor(labels), classes), TF.one_hot(torch.tensor(labels), classes))


# ---------------------------------------------------------------------- losses

REDUCTIONS = ["mean", "sum", "none"]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("mse_loss", {}),
        ("l1_loss", {}),
        ("smooth_l1_loss", {}),
        ("smooth_l1_loss", {"beta": 0.3}),
        ("smooth_l1_loss", {"beta": 0.0}),
        ("huber_loss", {}),
        ("huber_loss", {"delta": 0.4}),
    ],
)
def test_losses_element_by_element(name, settings, reduction, rng):
    x, t = pair(rng.standard_normal((4, 3)), True), pair(rng.standard_normal((4, 3)), True)
    settings = {**settings, "reduction": reduction}
    agree(getattr(F, name)(x[0], t[0], **settings), getattr(TF, name)(x[1], t[1], **settings), [x, t])


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
def test_losses_with_weights_of_elements(name, reduction, rng):
    x, t, w = pair(rng.standard_normal((4, 3)), True), pair(rng.standard_normal((4, 3))), pair(rng.random((4, 3)))
    mine = getattr(F, name)(x[0], t[0], weight=w[0], reduction=reduction)
    agree(mine, getattr(TF, name)(x[1], t[1], weight=w[1], reduction=reduction), [x])


LAYOUTS = [((5,), ()), ((4, 5), (4,)), ((2, 5, 3), (2, 3)), ((2, 5, 3, 2), (2, 3, 2)), ((1, 1), (1,))]


def indices(rng, sizes, shape):
    return rng.integers(0, sizes[1 if len(sizes) > 1 else 0], shape)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.2, 1.0])
@pytest.mark.parametrize(("sizes", "shape"), LAYOUTS)
def test_cross_entropy_of_class_indices(sizes, shape, smoothing, weighted, reduction, rng):
    x, t = pair(rng.standard_normal(sizes), True), pair(indices(rng, sizes, shape))
    w = pair(rng.random(sizes[1 if len(sizes) > 1 else 0])) if weighted else (None, None)
    settings = {"reduction": reduction, "label_smoothing": smoothing}
    agree(F.cross_entropy(x[0], t[0], w[0], **settings), TF.cross_entropy(x[1], t[1], w[1], **settings), [x])


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("ignored", [-100, -1, 2])
def test_cross_entropy_ignores_an_index(ignored, smoothing, weighted, reduction, rng):
    labels = rng.integers(0, 5, (6, 3))
    labels[::2, 1] = ignored
    x, t, w = pair(rng.standard_normal((6, 5, 3)), True), pair(labels), pair(rng.random(5)) if weighted else (None, None)
    settings = {"reduction": reduction, "label_smoothing": smoothing, "ignore_index": ignored}
    agree(F.cross_entropy(x[0], t[0], w[0], **settings), TF.cross_entropy(x[1], t[1], w[1], **settings), [x])


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("sizes", [(5,), (4, 5), (2, 5, 3)])
def test_cross_entropy_of_probabilities(sizes, smoothing, weighted, reduction, rng):
    axis = 1 if len(sizes) > 1 else 0
    probabilities = rng.random(sizes)
    x, t = pair(rng.standard_normal(sizes), True), pair(probabilities / probabilities.sum(axis, keepdims=True), True)
    w = pair(rng.random(5)) if weighted else (None, None)
    settings = {"reduction": reduction, "label_smoothing": smoothing}
    agree(F.cross_entropy(x[0], t[0], w[0], **settings), TF.cross_entropy(x[1], t[1], w[1], **settings), [x, t])


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_losses_of_no_class_at_all(reduction):
    for labels, sizes in ((np.full((2, 3), -100), (2, 4, 3)), (np.zeros((0,), np.int64), (0, 4))):
        x, t = pair(np.ones(sizes), True), pair(labels)
        for name in ("cross_entropy", "nll_loss"):
            close(getattr(F, name)(x[0], t[0], reduction=reduction), getattr(TF, name)(x[1], t[1], reduction=reduction))


def test_cross_entropy_of_large_float32_scores(rng):
    x, t = pair((rng.standard_normal((300, 1000)) * 50).astype(np.float32), True), pair(rng.integers(0, 1000, 300))
    mine, theirs = F.cross_entropy(x[0], t[0]), TF.cross_entropy(x[1], t[1])
    close(mine, theirs, 1e-5)
    mine.backward()
    theirs.backward()
    np.testing.assert_allclose(x[0].grad.numpy(), x[1].grad.numpy(), 1e-4, 1e-7)


def test_cross_entropy_where_scores_are_masked_by_infinity():
    scores = np.array([[0.0, -np.inf, 1.0], [-np.inf, 2.0, -np.inf], [-np.inf] * 3])
    x, t = pair(scores, True), pair(np.array([0, 1, 2]))
    mine, theirs = F.cross_entropy(x[0], t[0], reduction="none"), TF.cross_entropy(x[1], t[1], reduction="none")
    close(mine, theirs)
    mine.backward(ag.ones(3, dtype=ag.float64))
    theirs.backward(torch.ones(3, dtype=torch.float64))
    close(x[0].grad, x[1].grad)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("sizes", "shape"), LAYOUTS)
def test_nll_loss(sizes, shape, weighted, reduction, rng):
    x, t = pair(rng.standard_normal(sizes), True), pair(indices(rng, sizes, shape))
    w = pair(rng.random(sizes[1 if len(sizes) > 1 else 0])) if weighted else (None, None)
    mine = F.nll_loss(x[0], t[0], w[0], reduction=reduction, ignore_index=0)
    agree(mine, TF.nll_loss(x[1], t[1], w[1], reduction=reduction, ignore_index=0), [x])


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
def test_binary_cross_entropy(weighted, reduction, rng):
    x, t = pair(rng.uniform(0.05, 0.95, (4, 3)), True), pair(rng.random((4, 3)), True)
    w = pair(rng.random(3)) if weighted else (None, None)
    mine = F.binary_cross_entropy(x[0], t[0], w[0], reduction=reduction)
    agree(mine, TF.binary_cross_entropy(x[1], t[1], w[1], reduction=reduction), [x, t])


def test_binary_cross_entropy_at_certainty():
    x, t = pair(np.array([0.0, 0.0, 1.0, 1.0, 1e-30]), True), pair(np.array([0.0, 1.0, 0.0, 1.0, 1.0]))
    mine, theirs = F.binary_cross_entropy(x[0], t[0], reduction="none"), TF.binary_cross_entropy(x[1], t[1], reduction="none")
    close(mine, theirs)
    mine.sum().backward()
    theirs.sum().backward()
    close(x[0].grad, x[1].grad, 1e-7)  # PyTorch rounds the smallest denominator, 1e-12, to float32


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("positive", [False, True])
def test_binary_cross_entropy_with_logits(positive, weighted, reduction, rng):
    x, t = pair(rng.standard_normal((4, 3)) * 10, True), pair(rng.random((4, 3)), True)
    w, p = (pair(rng.random(3)) if given else (None, None) for given in (weighted, positive))
    mine = F.binary_cross_entropy_with_logits(x[0], t[0], w[0], reduction=reduction, pos_weight=p[0])
    agree(mine, TF.binary_cross_entropy_with_logits(x[1], t[1], w[1], reduction=reduction, pos_weight=p[1]), [x, t])


def test_old_names_of_reductions(rng):
    x, t = pair(rng.standard_normal(4)), pair(rng.standard_normal(4))
    for average in (None, True, False):
        for reduce in (None, True, False):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                close(F.mse_loss(x[0], t[0], average, reduce), TF.mse_loss(x[1], t[1], average, reduce))
    with pytest.warns(UserWarning, match="reduction='sum'"):
        nn.MSELoss(size_average=False)


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])
def test_targets_of_another_size_warn_and_broadcast(name, rng):
    x, t = pair(rng.standard_normal((4, 1))), pair(rng.standard_normal((4,)))
    with pytest.warns(UserWarning, match="target size") as mine:
        out = getattr(F, name)(x[0], t[0])
    with pytest.warns(UserWarning, match="target size") as theirs:
        expected = getattr(TF, name)(x[1], t[1])
    close(out, expected)
    assert mine[0].filename == theirs[0].filename == __file__


LOSS_MODULES = [
    ("MSELoss", {}, "floats"),
    ("L1Loss", {"reduction": "sum"}, "floats"),
    ("SmoothL1Loss", {"beta": 0.5}, "floats"),
    ("HuberLoss", {"delta": 0.5, "reduction": "none"}, "floats"),
    ("CrossEntropyLoss", {"ignore_index": 1, "label_smoothing": 0.1, "weight": True}, "classes"),
    ("NLLLoss", {"ignore_index": 1, "weight": True, "reduction": "sum"}, "classes"),
    ("BCELoss", {"weight": True}, "chances"),
    ("BCEWithLogitsLoss", {"weight": True, "pos_weight": True}, "chances"),
]


@pytest.mark.parametrize(("name", "settings", "kind"), LOSS_MODULES)
def test_loss_modules(name, settings, kind, rng):
    weights = rng.random(3)
    made = [getattr(nn, name), getattr(torch.nn, name)]
    mine, theirs = (
        make(**{k: lib.tensor(weights) if v is True else v for k, v in settings.items()})
        for make, lib in zip(made, (ag, torch), strict=True)
    )
    target = rng.integers(0, 3, 4) if kind == "classes" else rng.random((4, 3)) if kind == "chances" else rng.standard_normal((4, 3))
    x, t = pair(rng.random((4, 3)), True), pair(target)
    agree(mine(x[0], t[0]), theirs(x[1], t[1]), [x])
    assert list(mine.state_dict()) == list(theirs.state_dict())
    assert repr(mine) == repr(theirs)


# ---------------------------------------------------------------------- modules


def model(lib, nested=True):
    layers = [
        lib.Linear(4, 6),
        lib.PReLU(6),
        lib.Sequential(lib.Linear(6, 8, bias=False), lib.GELU(), lib.Dropout(0.3)) if nested else lib.Identity(),
        lib.Flatten(),
        lib.ModuleList([lib.ReLU(), lib.ReLU(), lib.Tanh()]),
        lib.ModuleDict({"a": lib.Softmax(dim=-1), "b": lib.LeakyReLU(0.2, inplace=True)}),
    ]
    return lib.Sequential(*layers)


PRINTED = [
    "Sequential()",
    "Sequential(lib.ReLU())",
    "ModuleList()",
    "ModuleDict()",
    "ModuleList([lib.Linear(2, 2) for _ in range(3)])",
    "ModuleList([lib.Sequential(lib.Linear(2, 2)), lib.Sequential(lib.Linear(2, 2)), lib.Linear(2, 2)])",
    "Identity(3)",
    "Flatten(0, 1)",
    "Unflatten(1, (2, 3))",
    "Bilinear(2, 3, 4)",
    "Linear(2, 3, bias=False)",
    "ReLU(inplace=True)",
    "ReLU6(inplace=True)",
    "ELU(0.5, True)",
    "CELU()",
    "SELU(inplace=True)",
    "GELU(approximate='tanh')",
    "SiLU(True)",
    "Mish()",
    "Hardtanh(-2, 2, True)",
    "Hardsigmoid(True)",
    "Hardswish(True)",
    "Softplus(2, 10)",
    "Softmin(1)",
    "Softmax2d()",
    "LogSoftmax(dim=1)",
    "GLU(0)",
    "Threshold(0.1, 20)",
    "Hardshrink()",
    "Softshrink(0.3)",
    "RReLU()",
    "PReLU(3)",
    "Sigmoid()",
    "Softsign()",
    "LogSigmoid()",
    "Tanhshrink()",
    "Dropout(0.1)",
    "Dropout2d(inplace=True)",
    "AlphaDropout(0.2)",
]


@pytest.mark.parametrize("made", PRINTED)
def test_modules_are_printed_as_in_pytorch(made):
    assert repr(eval(f"lib.{made}", {"lib": nn})) == repr(eval(f"lib.{made}", {"lib": torch.nn}))


def test_a_nested_model_is_printed_and_saved_as_in_pytorch():
    mine, theirs = model(nn), model(torch.nn)
    assert repr(mine) == repr(theirs)
    assert [(k, tuple(v.shape)) for k, v in mine.state_dict().items()] == [(k, tuple(v.shape)) for k, v in theirs.state_dict().items()]
    assert [n for n, _ in mine.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    assert [n for n, _ in mine.named_modules()] == [n for n, _ in theirs.named_modules()]


def test_parameter_containers_are_saved_as_in_pytorch():
    made = []
    for lib, tensors in ((nn, ag), (torch.nn, torch)):
        container = lib.Module()
        container.several = lib.ParameterList([tensors.ones(2), lib.Parameter(tensors.zeros(3)), "text"])
        container.named = lib.ParameterDict({"b": tensors.ones(1), "a": tensors.ones(2)})
        container.several.append(tensors.ones(4))
        made.append([(k, tuple(v.shape)) for k, v in container.state_dict().items()])
        made.append([len(container.several), list(container.named.keys()), list(lib.ParameterDict([("b", 1), ("a", 2)]))])
    assert made[:2] == made[2:]


class Net:
    """The same model in either library."""

    @staticmethod
    def make(lib):
        class Inner(lib.Module):
            def __init__(self):
                super().__init__()
                self.first = lib.Linear(5, 7)
                self.mix = lib.Bilinear(7, 7, 3)
                self.register_buffer("shift", None)

            def forward(self, x):
                h = lib.functional.gelu(self.first(x))
                return self.mix(h, h)

        return lib.Sequential(Inner(), lib.ELU(), lib.Unflatten(1, (3, 1)), lib.Flatten(), lib.Linear(3, 2))


def same_state(mine, theirs, rng):
    values = {k: rng.standard_normal(tuple(v.shape)) for k, v in mine.state_dict().items()}
    mine.double().load_state_dict({k: ag.tensor(v) for k, v in values.items()})
    theirs.double().load_state_dict({k: torch.tensor(v) for k, v in values.items()})


def test_outputs_and_all_gradients_from_the_same_state(rng):
    mine, theirs = Net.make(nn), Net.make(torch.nn)
    same_state(mine, theirs, rng)
    x = pair(rng.standard_normal((6, 5)), True)
    leaves = [x, *zip(mine.parameters(), theirs.parameters(), strict=True)]
    agree(mine(x[0]), theirs(x[1]), leaves)


def test_hooks_see_and_change_what_they_do_in_pytorch(rng):
    def run(lib, tensors, net, x):
        seen = []
        numbers = lambda grads: [None if g is None else g.detach().numpy().copy() for g in grads]
        net[0].first.register_full_backward_hook(lambda m, gi, go: seen.append(("after first", numbers(gi), numbers(go))))
        net[4].register_full_backward_hook(lambda m, gi, go: (gi[0] * 2,))
        net[4].register_full_backward_pre_hook(lambda m, go: (go[0] * 3,))
        net[1].register_forward_hook(lambda m, args, out: out + args[0])
        net[4].register_forward_pre_hook(lambda m, args: (args[0] * 0.5,))
        net[0].mix.register_full_backward_hook(lambda m, gi, go: seen.append(("mix", numbers(gi), numbers(go))))
        out = net(x)
        (out * out).sum().backward()
        return seen, out, [p.grad for p in net.parameters()], x.grad

    mine, theirs = Net.make(nn), Net.make(torch.nn)
    same_state(mine, theirs, rng)
    x = pair(rng.standard_normal((6, 5)), True)
    got, expected = run(nn, ag, mine, x[0]), run(torch.nn, torch, theirs, x[1])
    assert [name for name, *_ in got[0]] == [name for name, *_ in expected[0]]
    for (_, *g), (_, *e) in zip(got[0], expected[0], strict=True):
        for a, b in zip([*g[0], *g[1]], [*e[0], *e[1]], strict=True):
            np.testing.assert_allclose(a, b, 1e-9, 1e-9)
    close(got[1], expected[1])
    for g, e in zip([*got[2], got[3]], [*expected[2], expected[3]], strict=True):
        close(g, e)


# ---------------------------------------------------------------------- initialisation and utilities


@pytest.mark.parametrize("name", ["linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"])
def test_gains(name):
    assert nn.init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    assert nn.init.calculate_gain("leaky_relu", 0.3) == torch.nn.init.calculate_gain("leaky_relu", 0.3)


@pytest.mark.parametrize(("shape", "groups"), [((4, 6), 1), ((6, 3, 3), 1), ((6, 3, 5), 2), ((4, 2, 3, 3), 2), ((2, 2, 3, 3, 3), 1)])
def test_dirac_and_eye(shape, groups):
    mine, theirs = ag.empty(*shape), torch.empty(*shape)
    if len(shape) == 2:
        close(nn.init.eye_(mine), torch.nn.init.eye_(theirs))
    else:
        close(nn.init.dirac_(mine, groups), torch.nn.init.dirac_(theirs, groups))


@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3.0, float("inf")])
@pytest.mark.parametrize("limit", [0.5, 100.0])
def test_clipping_gradients_by_norm(norm_type, limit, rng):
    made = []
    arrays = [rng.standard_normal((3, 4)), rng.standard_normal(5)]
    for lib, tensors in ((nn, ag), (torch.nn, torch)):
        params = [lib.Parameter(tensors.tensor(a)) for a in [*arrays, np.ones(2)]]
        for p, a in zip(params, arrays, strict=False):
            p.grad = tensors.tensor(a)
        made.append((params, lib.utils.clip_grad_norm_(params, limit, norm_type)))
    (mine, total), (theirs, expected) = made
    close(total, expected)
    for a, b in zip(mine[:2], theirs[:2], strict=True):
        close(a.grad, b.grad)
    assert mine[2].grad is None


def test_clipping_gradients_by_value(rng):
    mine, theirs = (lib.Parameter(t.tensor(np.ones(6))) for lib, t in ((nn, ag), (torch.nn, torch)))
    numbers = rng.standard_normal(6)
    mine.grad, theirs.grad = pair(numbers)
    nn.utils.clip_grad_value_(mine, 0.5)
    torch.nn.utils.clip_grad_value_(theirs, 0.5)
    close(mine.grad, theirs.grad)


def test_parameters_as_a_vector(rng):
    mine, theirs = Net.make(nn), Net.make(torch.nn)
    same_state(mine, theirs, rng)
    close(nn.utils.parameters_to_vector(mine.parameters()), torch.nn.utils.parameters_to_vector(theirs.parameters()))
    vector = rng.standard_normal(sum(p.numel() for p in mine.parameters()))
    nn.utils.vector_to_parameters(ag.tensor(vector), mine.parameters())
    torch.nn.utils.vector_to_parameters(torch.tensor(vector), theirs.parameters())
    for a, b in zip(mine.parameters(), theirs.parameters(), strict=True):
        close(a, b)


def test_collating(rng):
    samples = [{"x": rng.standard_normal(3), "y": (k, float(k)), "z": ["s", k % 2 == 0]} for k in range(4)]
    mine, theirs = nn.data.default_collate(samples), torch.utils.data.default_collate(samples)
    close(mine["x"], theirs["x"])
    for a, b in zip(mine["y"], theirs["y"], strict=True):
        close(a, b)
    assert list(mine["z"][0]) == list(theirs["z"][0])
    close(mine["z"][1], theirs["z"][1])
