"""Module against PyTorch in its corners: gradients that nobody asked for, loading done in one's own way, ties, odd dimensions."""

from __future__ import annotations

from collections import OrderedDict

import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import autograd_core as ag  # noqa: E402
from tests.parity.test_module_parity import fixed, network, note_error, plain  # noqa: E402


def hooks_and_outputs_that_nothing_was_computed_from(lib, note):
    class Two(lib.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = fixed(lib, lib.nn.Linear(2, 2)), fixed(lib, lib.nn.Linear(2, 3))

        def forward(self, x, y):
            return self.first(x), self.second(y)

    for used in (0, 1):
        module, x, y = Two(), lib.ones(2, requires_grad=True), lib.ones(2, requires_grad=True)
        module.register_full_backward_pre_hook(lambda m, go: note("before", go))
        module.register_full_backward_hook(lambda m, gi, go: note("after", gi, go))
        module(x, y)[used].sum().backward()
        note(x.grad, y.grad, [p.grad for p in module.parameters()])


def hooks_that_take_a_gradient_away(lib, note):
    class Two(lib.nn.Module):
        def forward(self, x, y):
            return x * 2, y * x

    module, x, y = Two(), lib.ones(2, requires_grad=True), lib.ones(2, requires_grad=True)
    module.register_full_backward_pre_hook(lambda m, go: (go[0], None))
    module.register_full_backward_hook(lambda m, gi, go: note(gi, go))
    sum(module(x, y)).sum().backward()
    note(x.grad, y.grad)
    x.grad = y.grad = None
    module.register_full_backward_hook(lambda m, gi, go: (None, gi[0]))
    sum(module(x, y)).sum().backward()
    note(x.grad, y.grad)


def modules_that_load_without_the_base_class(lib, note):
    class Own(lib.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = lib.nn.Parameter(lib.zeros(2))
            self.inner = lib.nn.Identity()

        def _load_from_state_dict(self, state_dict, prefix, local, strict, missing, unexpected, errors):
            note(prefix, strict, sorted(state_dict))
            if prefix + "x" in state_dict:
                self.w.data = state_dict[prefix + "x"]
            else:
                missing.append(prefix + "x")

    for make, prefix in ((Own, ""), (lambda: lib.nn.Sequential(Own()), "0.")):
        for state in (
            {"x": lib.ones(2)},
            {"y": lib.ones(2)},
            {"x": lib.ones(2), "z.a": lib.ones(1)},
            {"x": lib.ones(2), "inner.a": lib.ones(1)},
        ):
            module = make()
            note_error(note, lambda m=module, s=state, p=prefix: note(m.load_state_dict({p + k: v for k, v in s.items()})))
            note([p.detach() for p in module.parameters()])


def lists_that_modules_change_while_loading(lib, note):
    class Forgiving(lib.nn.Linear):
        def _load_from_state_dict(self, state_dict, prefix, local, strict, missing, unexpected, errors):
            super()._load_from_state_dict(state_dict, prefix, local, strict, missing, unexpected, errors)
            note(list(missing), list(unexpected))
            missing[:] = [key for key in missing if not key.endswith("bias")]
            unexpected[:] = [key for key in unexpected if not key.endswith("scale")]

    net = lib.nn.Sequential(Forgiving(2, 2), lib.nn.Linear(2, 1))
    state = {"0.weight": lib.ones(2, 2), "0.scale": lib.ones(1), "1.weight": lib.ones(1, 2), "1.bias": lib.ones(1)}
    note_error(note, lambda: note(net.load_state_dict(state)))
    note_error(note, lambda: note(net.load_state_dict({**state, "1.scale": lib.ones(1), "0.a.b": lib.ones(1), "first": lib.ones(1)})))


def what_loading_hooks_see(lib, note):
    net = lib.nn.Sequential(network(lib), lib.nn.PReLU())
    for name, module in net.named_modules():
        module.register_load_state_dict_pre_hook(lambda m, state, prefix, local, *rest, n=name: note(n, prefix, sorted(state), rest))
    state = OrderedDict((k, v.clone()) for k, v in net.state_dict().items())
    state["0.0.more"] = state["2.x"] = state["0.0.weight.x"] = lib.ones(1)
    del state["0.2.bias"]
    note(net.load_state_dict(state, strict=False))
    net[0][0].register_load_state_dict_pre_hook(lambda m, state, prefix, *rest: [state.pop(k) for k in list(state) if "x" in k])
    note_error(note, lambda: net.load_state_dict(state))


def other_parameters_of_tied_modules(lib, note):
    class Tied(lib.nn.Module):
        def __init__(self):
            super().__init__()
            self.a = lib.nn.Linear(2, 2)
            self.b = lib.nn.Linear(2, 2)
            self.b.weight = self.a.weight

        def forward(self, x):
            return self.b(self.a(x))

    net, x = fixed(lib, Tied()), lib.ones(1, 2)
    own = {name: p.detach() * 2 for name, p in net.named_parameters()}
    both = {**own, "b.weight": own["a.weight"]}
    for call in (lib.func.functional_call, lib.nn.utils.stateless.functional_call):
        for given in (own, both, {**own, "b.weight": lib.ones(2, 2)}, {"a.weight": lib.ones(2, 2)}, {**own, "more": x}):
            for tie in (True, False):
                note_error(note, lambda c=call, g=given, t=tie: note(c(net, g, x, strict=True, tie_weights=t)), told=False)


def lengths_along_every_dimension(lib, note):
    for shape in ((3, 4), (3,), (2, 3, 4)):
        for dim in (None, 0, 1, 2, 3, -1, -2, -3, -4):
            for on in (lib.nn.utils.parametrizations.weight_norm, lib.nn.utils.weight_norm):
                module = lib.nn.Module()
                module.weight = lib.nn.Parameter(lib.arange(1.0, 1 + torch.Size(shape).numel()).reshape(shape))
                note_error(note, lambda m=module, d=dim, on=on: on(m, dim=d) and None, told=False)
                note([(k, tuple(v.shape)) for k, v in module.state_dict().items() if k != "weight"])
                if len(module.state_dict()) > 1:
                    note(module.weight)


def spectral_norm_of_a_vector(lib, note):
    module = lib.nn.Module()
    module.forward = lambda x: module.weight * x
    module.weight = lib.nn.Parameter(lib.tensor([1.0, -2.0, 2.0]))
    lib.nn.utils.spectral_norm(module)
    note([(k, tuple(v.shape)) for k, v in module.state_dict().items()], module(2.0).abs())


def containers_with_names_of_their_own(lib, note):
    make = lambda: lib.nn.Sequential(OrderedDict([("a", lib.nn.ReLU()), ("b", lib.nn.Tanh()), ("2", lib.nn.Sigmoid())]))
    for index in (0, 1, 2, 3, -1, -3):
        container = make()
        note_error(note, lambda c=container, i=index: c.insert(i, lib.nn.ELU()) and None, told=False)
        note([k for k, m in container.named_children()] if index != 2 else repr(container))
    note_error(note, lambda: lib.nn.ParameterDict().popitem(), told=False)


def parameters_cannot_be_integers(lib, note):
    layer = fixed(lib, lib.nn.Linear(2, 2))
    note_error(note, lambda: setattr(layer.weight, "data", lib.ones(2, 2, dtype=lib.int64)), told=False)
    note_error(note, lambda: layer.type(lib.int64), told=False)
    note_error(note, lambda: lib.nn.utils.vector_to_parameters(lib.ones(6, dtype=lib.int64), layer.parameters()), told=False)
    note(layer.weight, layer.bias)
    layer.requires_grad_(False)
    layer.weight.data = lib.ones(2, 2, dtype=lib.int64)
    note(layer.weight)


def modules_that_convert_more_than_their_members(lib, note):
    class More(lib.nn.Linear):
        def _apply(self, fn, recurse=True):
            super()._apply(fn, recurse)
            self.more = fn(self.more)
            return self

    class Old(lib.nn.Identity):
        def _apply(self, fn):
            super()._apply(fn)
            note("old", [str(p.dtype).removeprefix("torch.") for p in self.parameters()])
            return self

    net = lib.nn.Sequential(lib.nn.Sequential(More(1, 1)), Old())
    net[1].inner = lib.nn.Linear(1, 1)
    net[0][0].more = lib.ones(1)
    for change in (lambda: net.double(), lambda: net.to(lib.float32), lambda: net.half()):
        note(change() is net, *[str(t.dtype).removeprefix("torch.") for t in (net[0][0].more, *net.parameters())])


def modules_with_methods_of_their_own(lib, note):
    class Mine(lib.nn.Linear):
        def parameters(self, recurse=True):
            note("parameters")
            return iter([self.weight])

        def children(self):
            note("children")
            return super().children()

        def train(self, mode=True):
            note("train", mode)
            return super().train(mode)

        def extra_repr(self):
            note("extra_repr")
            return super().extra_repr()

    net = lib.nn.Sequential(Mine(1, 1))
    for use in (
        lambda: net.double(), lambda: net.eval(), lambda: net.zero_grad(), lambda: net.requires_grad_(False), lambda: net[0].zero_grad(),
        lambda: repr(net), lambda: net.load_state_dict(net.state_dict()), lambda: len(list(net.parameters())),
        lambda: net.apply(lambda m: None),
    ):  # fmt: skip
        use()
        note("--", [str(p.dtype).removeprefix("torch.") for _, p in net.named_parameters()])


def submodules_that_are_none_or_properties(lib, note):
    class Seen(lib.nn.Module):
        def __init__(self):
            super().__init__()
            self._inner = lib.nn.Linear(1, 1)
            self.register_module("nothing", None)

        @property
        def inner(self):
            return self._inner

        @property
        def broken(self):
            return self.misspelt

    module = Seen()
    note(module.get_submodule("inner"), module.get_parameter("inner.weight").shape, module.get_submodule("").inner is module.inner)
    for name in ("nothing", "broken", "nothing.x", "inner.weight.x", "training"):
        note_error(note, lambda n=name: module.get_submodule(n), told=False)


def a_module_that_forgot_to_begin(lib, note):
    class Hasty(lib.nn.Module):
        def __init__(self):
            self.size = 3

    for use in (lambda m: list(m.parameters()), lambda m: list(m.buffers()), lambda m: list(m.modules()), lambda m: m.state_dict(), repr):
        note_error(note, lambda u=use: u(Hasty()), told=False)


def a_tensor_named_in_a_conversion(lib, note):
    layer = lib.nn.Linear(1, 1)
    layer.to(tensor=lib.ones(1, dtype=lib.float64))
    note(str(layer.weight.dtype).removeprefix("torch."))


def flattening_one_number(lib, note):
    for dims in ((0, -1), (0, 0), (1, -1), (0, 1), (-2, -1)):
        note_error(note, lambda d=dims: note(lib.nn.Flatten(*d)(lib.tensor(3.0))), told=False)


SCENARIOS = [
    hooks_and_outputs_that_nothing_was_computed_from, hooks_that_take_a_gradient_away, modules_that_load_without_the_base_class,
    lists_that_modules_change_while_loading, what_loading_hooks_see, other_parameters_of_tied_modules, lengths_along_every_dimension,
    spectral_norm_of_a_vector, containers_with_names_of_their_own, parameters_cannot_be_integers, a_module_that_forgot_to_begin,
    a_tensor_named_in_a_conversion, modules_that_convert_more_than_their_members,
    modules_with_methods_of_their_own, submodules_that_are_none_or_properties, flattening_one_number,
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*deprecated:FutureWarning")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.__name__)
def test_scenarios_are_as_in_pytorch(scenario):
    noted = []
    for lib in (ag, torch):
        notes = []
        scenario(lib, lambda *values, notes=notes: notes.append(plain(values)))
        noted.append(notes)
    assert len(noted[0]) == len(noted[1])
    for mine, theirs in zip(*noted, strict=True):
        assert mine == theirs
