"""Module against PyTorch: what hooks see and change, and in which order; states, lazy modules, names, copies, errors.

Each scenario is written once, for a library, and notes what it sees; the notes must be equal.
"""

from __future__ import annotations

import copy
import inspect
import pickle
from collections import OrderedDict

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import autograd_core as ag  # noqa: E402
import nn  # noqa: E402
import nn.modules.module  # noqa: E402


def plain(value):
    """Numbers, names and shapes of whatever it is, the same for both libraries."""
    if isinstance(value, ag.Tensor | torch.Tensor):
        if "Uninitialized" in type(value).__name__:
            return type(value).__name__
        return str(value.dtype).removeprefix("torch."), plain(value.detach().numpy().tolist())
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {plain(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, nn.Module | torch.nn.Module):
        return type(value).__name__
    return value


def dtype(tensor):
    return str(tensor.dtype).removeprefix("torch.")


def fixed(lib, module):
    """The same numbers in the Parameters of either library's module."""
    for k, p in enumerate(module.parameters()):
        values = np.cos(np.arange(p.numel()) + k).reshape(tuple(p.shape)).astype(np.float32)
        p.data = lib.tensor(values)
    return module


def network(lib):
    class Twice(lib.nn.Module):
        def forward(self, x, *, scale=2.0):
            return x * scale

    return fixed(lib, lib.nn.Sequential(lib.nn.Linear(2, 3), Twice(), lib.nn.Linear(3, 1)))


# ---------------------------------------------------------------------- hooks of the call and of the backward pass


def order_of_all_hooks(lib, note):
    net = network(lib)
    everywhere = lib.nn.modules.module
    handles = [
        everywhere.register_module_forward_pre_hook(lambda m, args: note("any before", m, args)),
        everywhere.register_module_forward_hook(lambda m, args, out: note("any after", m, out)),
        everywhere.register_module_full_backward_pre_hook(lambda m, go: note("any backward before", m, go)),
        everywhere.register_module_full_backward_hook(lambda m, gi, go: note("any backward", m, gi, go)),
    ]
    net[0].register_forward_pre_hook(lambda m, args: note("before", m, args))
    net[0].register_forward_pre_hook(lambda m, args: note("first before", m), prepend=True)
    net[1].register_forward_hook(lambda m, args, out: note("after", m, args, out))
    net[1].register_forward_hook(lambda m, args, out: note("first after", m), prepend=True)
    net[2].register_full_backward_pre_hook(lambda m, go: note("backward before", m, go))
    net[2].register_full_backward_pre_hook(lambda m, go: note("first backward before", m), prepend=True)
    net[0].register_full_backward_hook(lambda m, gi, go: note("backward", m, gi, go))
    net[0].register_full_backward_hook(lambda m, gi, go: note("first backward", m), prepend=True)
    net(lib.ones(2, 2)).sum().backward()
    for handle in handles:
        handle.remove()
    note("removed")
    net(lib.ones(2, 2, requires_grad=True)).sum().backward()


def hooks_of_all_modules_that_replace(lib, note):
    net = network(lib)
    everywhere = lib.nn.modules.module
    x = lib.ones(2, 2, requires_grad=True)
    with everywhere.register_module_forward_hook(lambda m, args, out: out + 1):
        note(net(x))
    with everywhere.register_module_forward_pre_hook(lambda m, args: (args[0] * 3,)):
        note(net(x))
    with everywhere.register_module_full_backward_hook(lambda m, gi, go: (gi[0] * 2,) if gi[0] is not None else None):
        net(x).sum().backward()
    note(x.grad, [p.grad for p in net.parameters()])
    with everywhere.register_module_full_backward_pre_hook(lambda m, go: (go[0] * 3,)):
        net(x).sum().backward()
    note(x.grad, [p.grad for p in net.parameters()])
    with everywhere.register_module_forward_hook(lambda m, args, kwargs, out: note(plain(kwargs)), with_kwargs=True):
        net[1](x, scale=1.0)


def hooks_that_are_always_called(lib, note):
    class Broken(lib.nn.Module):
        def forward(self, x):
            raise KeyError("inside")

    net = lib.nn.Sequential(lib.nn.Identity(), Broken())
    net.register_forward_hook(lambda m, args, out: note("outer", m, out), always_call=True)
    net[1].register_forward_hook(lambda m, args, out: note("never"))
    net[1].register_forward_hook(lambda m, args, kwargs, out: note("inner", kwargs, out), always_call=True, with_kwargs=True)
    handle = lib.nn.modules.module.register_module_forward_hook(lambda m, args, out: note("any", m, out), always_call=True)
    for _ in range(2):
        try:
            net(lib.ones(1))
        except KeyError as error:
            note(str(error))
        handle.remove()


def arguments_by_keyword(lib, note):
    net = network(lib)
    net[1].register_forward_pre_hook(lambda m, args, kwargs: (args, {**kwargs, "scale": 5.0}), with_kwargs=True)
    net[1].register_forward_pre_hook(lambda m, args: note("plain", args))
    net[1].register_forward_hook(lambda m, args, kwargs, out: (note(args, kwargs), out * 2)[1], with_kwargs=True)
    note(net(lib.ones(1, 2)))
    net[1].register_full_backward_hook(lambda m, gi, go: note("backward", gi, go))
    x = lib.ones(1, requires_grad=True)
    net[1](x).sum().backward()
    net[1](x, scale=lib.ones(1, requires_grad=True)).sum().backward()
    note(x.grad)


def hooks_that_come_and_go_while_running(lib, note):
    layer = lib.nn.Identity()

    def once(m, args, out):
        note("once", out)
        handle.remove()
        layer.register_forward_hook(lambda m, args, out: note("later", out))

    handle = layer.register_forward_hook(once)
    for k in range(3):
        layer(k)


def hooks_of_copies(lib, note):
    layer = lib.nn.Identity()
    layer.register_forward_hook(lambda m, args, out: note("seen by", m is layer))
    twin = copy.deepcopy(layer)
    twin(1)
    layer(1)
    twin.register_forward_hook(lambda m, args, out: note("the twin's own"))
    layer(2)
    twin(2)


def a_backward_hook_and_tensors_without_gradients(lib, note):
    class Two(lib.nn.Module):
        def forward(self, x, k, i, y=None):
            return x * k, i, (x + i).detach()

    module = Two()
    module.register_full_backward_pre_hook(lambda m, go: note("before", go))
    module.register_full_backward_hook(lambda m, gi, go: note("after", gi[:2], go))
    x = lib.ones(2, requires_grad=True)
    a, *_ = module(x, 2.0, lib.ones(2))
    (a * 3).sum().backward()
    note(x.grad)


# ---------------------------------------------------------------------- states


def hooks_of_states(lib, note):
    net = network(lib)
    net[0].register_state_dict_pre_hook(lambda m, prefix, keep_vars: note("before", m, prefix, keep_vars))
    net[0].register_state_dict_post_hook(lambda m, state, prefix, local: note("after", list(state), prefix, local))
    net.register_state_dict_post_hook(lambda m, state, prefix, local: state.__setitem__(prefix + "added", lib.ones(1)))
    net[2]._register_state_dict_hook(lambda m, state, prefix, local: state.pop(prefix + "bias") and None)
    note(net.state_dict())
    note(net.state_dict(prefix="net.", keep_vars=True))
    mine = OrderedDict(first=1)
    note(net.state_dict(mine, "x.", False) is mine, list(mine))
    note(net.state_dict()._metadata)
    note(net.state_dict(destination={}).keys())
    with_error = lib.nn.Identity()
    with_error.register_state_dict_post_hook(lambda *a: 1)
    note_error(note, lambda: with_error.state_dict())
    replacing = lib.nn.Identity()
    replacing._register_state_dict_hook(lambda m, state, prefix, local: {"all": 1})
    note(replacing.state_dict())


def hooks_of_loading(lib, note):
    net = network(lib)
    state = {k: v * 0 + 1 for k, v in net.state_dict().items()}
    state["2.kernel"] = state.pop("2.weight")

    def rename(module, state_dict, prefix, local, strict, missing, unexpected, errors):
        note("before", module, prefix, strict, missing, errors)
        if prefix + "kernel" in state_dict:
            state_dict[prefix + "weight"] = state_dict.pop(prefix + "kernel")

    net[2].register_load_state_dict_pre_hook(rename)
    net[2].register_load_state_dict_post_hook(lambda m, keys: note("after", m, keys.missing_keys, keys.unexpected_keys))
    net[0]._register_load_state_dict_pre_hook(lambda state, prefix, *rest: note("without module", prefix, sorted(rest[0])))
    net[0]._register_load_state_dict_pre_hook(lambda m, state, prefix, *rest: note("with", m), with_module=True)
    note(str(net.load_state_dict(state)), sorted(state))
    note(net.state_dict())
    note(str(net.load_state_dict(state, assign=True)))
    net.register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear())
    del state["0.bias"]
    note(str(net.load_state_dict(state)))
    state["more"] = lib.ones(1)
    note_error(note, lambda: net.load_state_dict(state))
    note(net.load_state_dict(state, strict=False).unexpected_keys)


def complaints_of_hooks(lib, note):
    net = network(lib)

    def complain(module, state_dict, prefix, local, strict, missing, unexpected, errors):
        missing.append("mine")
        errors.append("told by a hook")

    net[0].register_load_state_dict_pre_hook(complain)
    note_error(note, lambda: net.load_state_dict(net.state_dict()))
    note_error(note, lambda: net.load_state_dict(net.state_dict(), strict=False))
    other = lib.nn.Identity()
    other.register_load_state_dict_post_hook(lambda m, keys: 3)
    note_error(note, lambda: other.load_state_dict({}), told=False)


def modules_that_save_and_load_in_their_own_way(lib, note):
    class Old(lib.nn.Linear):
        _version = 2

        def _load_from_state_dict(self, state_dict, prefix, local_metadata, *rest):
            note(local_metadata.get("version"))
            if prefix + "w" in state_dict:
                state_dict[prefix + "weight"] = state_dict.pop(prefix + "w")
            super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)

        def _save_to_state_dict(self, destination, prefix, keep_vars):
            super()._save_to_state_dict(destination, prefix, keep_vars)
            destination[prefix + "w"] = destination.pop(prefix + "weight") * 2

    net = lib.nn.Sequential(fixed(lib, Old(2, 2)))
    state = net.state_dict()
    note(state)
    note(str(net.load_state_dict(state)), net.state_dict())
    note(str(net.load_state_dict(dict(state))))

    class Different(lib.nn.Linear):
        def state_dict(self, *args, destination=None, prefix="", keep_vars=False):
            destination[prefix + "nothing else"] = lib.ones(1)
            return destination

    note(list(lib.nn.Sequential(Different(1, 1), lib.nn.PReLU()).state_dict()))


def state_besides_tensors(lib, note):
    class Both(lib.nn.Module):
        def get_extra_state(self):
            return {"k": 1}

        def set_extra_state(self, state):
            note("set", state)

    class OnlyGet(lib.nn.Module):
        def get_extra_state(self):
            return 5

    net = lib.nn.Sequential(Both(), lib.nn.PReLU())
    state = net.state_dict()
    note(state, str(net.load_state_dict(state)))
    del state["0._extra_state"]
    note_error(note, lambda: net.load_state_dict(state))
    note_error(note, lambda: OnlyGet().load_state_dict(OnlyGet().state_dict()))
    note_error(note, lambda: lib.nn.PReLU().load_state_dict({"weight": lib.ones(1), "_extra_state": 1}))


def errors_of_loading(lib, note):
    net = network(lib)
    good = net.state_dict()
    for change in (
        lambda s: s.pop("0.weight"),
        lambda s: s.update(new=lib.ones(1)),
        lambda s: s.update({"0.weight": lib.ones(2, 2)}),
        lambda s: s.update({"9.x": lib.ones(1), "0.weight.deeper": lib.ones(2, 2)}),
        lambda s: (s.pop("2.bias"), s.update({"0.bias": lib.ones(()), "z": lib.ones(1)})),
    ):
        state = OrderedDict(good)
        change(state)
        for strict in (True, False):
            note_error(note, lambda state=state, strict=strict: note(net.load_state_dict(state, strict=strict)))
    note_error(note, lambda: net.load_state_dict(3), told=False)
    note_error(note, lambda: net.load_state_dict({**good, "0.weight": 3}), told=False)
    scalar = lib.nn.Module()
    scalar.x = lib.nn.Parameter(lib.tensor(1.0))
    for assign in (False, True):
        note(str(scalar.load_state_dict({"x": lib.tensor([7.0 + assign])}, assign=assign)), scalar.x)


# ---------------------------------------------------------------------- names and members


def submodules_by_name(lib, note):
    net = lib.nn.Sequential(OrderedDict(a=network(lib), b=lib.nn.PReLU()))
    net.plain = 1
    note(net.get_submodule("a.0"), net.get_submodule(""), net.get_parameter("a.0.bias"))
    net.set_submodule("a.0", lib.nn.Tanh())
    net.set_submodule("b", lib.nn.Identity(), strict=True)
    net.set_submodule("new", lib.nn.ReLU())
    net.set_submodule("a.new", lib.nn.ReLU())
    note(repr(net))
    for target, module, strict in (
        ("", lib.nn.ReLU(), False), ("a.zz", lib.nn.ReLU(), True), ("zz.a", lib.nn.ReLU(), False), ("plain", lib.nn.ReLU(), False),
        ("plain.x", lib.nn.ReLU(), False), ("a", 3, False), ("plain", lib.nn.ReLU(), True),
    ):  # fmt: skip
        note_error(note, lambda t=target, m=module, s=strict: net.set_submodule(t, m, s), told=False)
    for name in ("a.9", "plain", "a.0.x", "b.weight"):
        for get in (net.get_submodule, net.get_parameter, net.get_buffer):
            note_error(note, lambda n=name, g=get: g(n), told=False)


def members_in_order(lib, note):
    class Block(lib.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = lib.nn.Linear(2, 2)
            self.register_buffer("late", lib.ones(1))
            self.w = lib.nn.Parameter(lib.zeros(1))
            self.register_buffer("hidden", lib.zeros(1), persistent=False)
            self.register_parameter("none", None)
            self.register_module("nothing", None)
            self.again = self.inner
            self.b = lib.nn.Buffer(lib.ones(2), persistent=False)

    outer = lib.nn.ModuleDict({"x": Block(), "y": lib.nn.ModuleList([Block()])})
    outer["z"] = outer["x"]
    for duplicates in (True, False):
        note([n for n, _ in outer.named_parameters(remove_duplicate=duplicates)])
        note([n for n, _ in outer.named_buffers(remove_duplicate=duplicates)])
        note([n for n, _ in outer.named_modules(remove_duplicate=duplicates)])
    note([n for n, _ in outer.named_parameters("top", recurse=False)], [n for n, _ in outer["x"].named_parameters("top", False)])
    note([n for n, _ in outer.named_children()], list(outer.state_dict()), repr(outer))
    block = Block()
    block.w = None
    block.none = lib.nn.Parameter(lib.ones(3))
    block.late = None
    note(list(block.state_dict()), [n for n, _ in block.named_buffers()])
    del block.inner
    block.inner = lib.nn.Parameter(lib.ones(3))
    block.hidden = lib.nn.Buffer(lib.ones(3))
    note(list(block.state_dict()), sorted(n for n in dir(block) if n in {"w", "none", "late", "inner", "hidden", "again", "b"}))
    for wrong in (
        lambda: setattr(block, "inner", lib.ones(1)), lambda: setattr(block, "again", 5), lambda: setattr(block, "late", "x"),
        lambda: block.misspelt, lambda: delattr(block, "misspelt"), lambda: block.register_buffer("w.x", None),
        lambda: block.register_parameter("forward", None), lambda: block.register_module("", lib.nn.ReLU()),
        lambda: block.register_parameter("fine", lib.ones(1)), lambda: block.register_buffer("fine", 3),
        lambda: block.add_module("fine", 3), lambda: block.register_module(3, lib.nn.ReLU()),
    ):  # fmt: skip
        note_error(note, wrong, told=False)


def conversions(lib, note):
    net = network(lib)
    net.register_buffer("count", lib.tensor(3))
    weight = net[0].weight
    net(lib.ones(1, 2)).sum().backward()
    for change in (
        lambda: net.double(), lambda: net.half(), lambda: net.float(), lambda: net.to(lib.float64), lambda: net.to(dtype=lib.float32),
        lambda: net.to("cpu", lib.float64), lambda: net.to(lib.ones(1)), lambda: net.to(device="cpu"), lambda: net.cpu(),
        lambda: net.to_empty(device="cpu"), lambda: net.type(lib.float64),
    ):  # fmt: skip
        note(change() is net, [dtype(p) for p in [*net.parameters(), *net.buffers()]], weight is net[0].weight)
        note(None if weight.grad is None else dtype(weight.grad), weight.requires_grad)
    note(net.requires_grad_(False) is net, [p.requires_grad for p in net.parameters()])
    for wrong in (lambda: net.to(lib.int64), lambda: net.to("nowhere"), lambda: net.train("yes")):
        note_error(note, wrong, told=False)


def copies(lib, note):
    net = network(lib)
    net[2].extra = net[0].weight
    net[0].kept = [1]
    for twin in (copy.deepcopy(net), copy.copy(net)):
        note(twin[2].extra is twin[0].weight, twin[0].weight is net[0].weight, twin[0].kept is net[0].kept, twin[0].weight.requires_grad)
        note(twin.state_dict())


def lazies(lib, note):
    net = lib.nn.Sequential(lib.nn.LazyLinear(3), lib.nn.ReLU(), lib.nn.LazyLinear(2, bias=False))
    note(repr(net), net.state_dict(), [type(p).__name__ for p in net.parameters()], net[0].has_uninitialized_params())
    for wrong in (lambda: net[0].weight + 1, lambda: net[0].weight.shape, lambda: net[0].weight.sum(), lambda: net[0].load_state_dict({})):
        note_error(note, wrong, told=False)
    twin, again = copy.deepcopy(net), pickle.loads(pickle.dumps(net))
    net[0].register_forward_pre_hook(lambda m, args: note("hook", m))
    parameters = list(net.parameters())
    for module in (net.double(), twin, again):
        x = lib.ones(4, 5, dtype=module[0].weight.dtype)
        note(module(x).shape[1], repr(module), [tuple(p.shape) for p in module.parameters()])
    note([p is q for p, q in zip(parameters, net.parameters(), strict=True)], [dtype(p) for p in parameters])
    fresh = lib.nn.Sequential(lib.nn.LazyLinear(3), lib.nn.ReLU(), lib.nn.LazyLinear(2, bias=False))
    fixed(lib, again)
    note(str(fresh.load_state_dict(again.state_dict())), repr(fresh), fresh.state_dict())
    note(fresh(lib.ones(1, 5)), repr(fresh))
    still = lib.nn.LazyLinear(3)
    note(str(still.load_state_dict(lib.nn.LazyLinear(3).state_dict())), repr(still))
    note_error(note, lambda: lib.nn.Linear(2, 3).load_state_dict(still.state_dict()), told=False)
    note_error(note, lambda: lib.nn.utils.weight_norm(still), told=False)


def lazies_of_the_users_own(lib, note):
    mixin = lib.nn.modules.lazy.LazyModuleMixin

    class Scale(mixin, lib.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = lib.nn.UninitializedParameter()
            self.register_buffer("mean", lib.nn.UninitializedBuffer())

        def initialize_parameters(self, x, *, scale):
            note("initialize", scale)
            self.weight.materialize(x.shape[1:])
            if scale:
                self.mean.materialize(x.shape[1:])
                lib.nn.init.constant_(self.weight, scale)
                self.mean.zero_()

        def forward(self, x, *, scale):
            return x * self.weight + self.mean

    module = Scale()
    note(module(lib.ones(2, 3), scale=2.0), module(lib.ones(2, 3), scale=3.0), type(module.weight).__name__)
    note_error(note, lambda: Scale()(lib.ones(2, 3), scale=0), told=False)

    class Forgotten(mixin, lib.nn.Module):
        pass

    note_error(note, lambda: Forgotten()(1), told=False)


def sequences(lib, note):
    made = lambda n: lib.nn.Sequential(*[lib.nn.Linear(k + 1, k + 1) for k in range(n)])
    for change in (
        lambda s: s.append(lib.nn.ReLU()), lambda s: s.insert(1, lib.nn.ReLU()) and None,
        lambda s: s.extend(made(2)), lambda s: s.pop(1), lambda s: s.__delitem__(0), lambda s: s.__delitem__(slice(0, 2)),
        lambda s: s.__setitem__(-1, lib.nn.ReLU()), lambda s: s[1:], lambda s: s[-1], lambda s: s + made(1), lambda s: s.__iadd__(made(1)),
        lambda s: s * 2, lambda s: 2 * s, lambda s: s.__imul__(3), lambda s: s[5], lambda s: s * 0, lambda s: s * 1.5, lambda s: s + 3,
        lambda s: s.append(3), lambda s: s.__setitem__(7, lib.nn.ReLU()),
        lambda s: s.extend(3), lambda s: s.pop(9), lambda s: s.__delitem__(9), lambda s: s["0"], lambda s: len(s), lambda s: list(s),
    ):  # fmt: skip
        for container in (made(3), lib.nn.ModuleList(made(3))):
            try:
                result = change(container)
            except Exception as error:
                note(type(error).__name__ if type(error).__name__ != "AttributeError" else "")
            else:
                note(repr(result), repr(container), list(container.state_dict()))
    inserted = made(2)
    note(repr(inserted.insert(-1, lib.nn.ReLU())), repr(inserted.insert(0, lib.nn.Tanh())))
    note_error(note, lambda: inserted.insert(9, lib.nn.ReLU()), told=False)
    named = lib.nn.Sequential(OrderedDict(a=lib.nn.ReLU(), b=lib.nn.Tanh(), c=lib.nn.ReLU()))
    note(repr(named[1:]), repr(named[-1]), named.b is named[1])
    del named[1]
    note(repr(named))


def dictionaries(lib, note):
    made = lib.nn.ModuleDict({"b": lib.nn.ReLU(), "a": lib.nn.Tanh()})
    note(list(made), list(made.keys()), len(made), "a" in made, [k for k, _ in made.items()], repr(made["a"]))
    made.update([("c", lib.nn.ReLU())])
    made.update({"z": lib.nn.ReLU(), "y": lib.nn.ReLU()})
    note(repr(made), repr(made.pop("z")), repr(made))
    for wrong in (
        lambda: made["nothing"], lambda: made.pop("nothing"), lambda: made.update(3), lambda: made.update([3]), lambda: made.update([(1,)]),
        lambda: made.__setitem__("d", 3), lambda: made.__setitem__("keys", lib.nn.ReLU()), lambda: made.__delitem__("nothing"),
        lambda: made.__setitem__("a.b", lib.nn.ReLU()), lambda: made(1),
    ):  # fmt: skip
        note_error(note, wrong, told=False)
    made.clear()
    note(repr(made))
    values = lib.nn.ParameterDict({"b": lib.ones(2), "a": lib.ones(1), "n": 3})
    values.update(OrderedDict(z=lib.ones(1), k=lib.zeros(1)))
    note(list(values), repr(values).replace("torch.FloatTensor", "float32"), values.get("q", 5), values.pop("n"), list(values.state_dict()))
    values["new"] = lib.nn.Parameter(lib.ones(3), requires_grad=False)
    note([(k, v.requires_grad) for k, v in values.items()], [k for k, _ in values.named_parameters()])
    listed = lib.nn.ParameterList([lib.ones(2), 5])
    listed.append(lib.zeros(1)).extend([lib.ones(1)])
    listed[0] = lib.zeros(4)
    note(len(listed), [plain(v) for v in listed], [k for k, _ in listed.named_parameters()], listed[-1], len(listed[1:3]))
    for wrong in (
        lambda: listed[9], lambda: listed.extend(3), lambda: listed(1), lambda: values(1),
        lambda: values.__setitem__(3, lib.ones(1)), lambda: values.update(3),
    ):  # fmt: skip
        note_error(note, wrong, told=False)


def other_parameters_for_one_call(lib, note):
    net = network(lib)
    net[2].tied = net[0].weight
    call = lib.nn.utils.stateless.functional_call
    new = {"0.weight": lib.ones(3, 2), "2.bias": lib.zeros(1)}
    note(call(net, new, lib.ones(1, 2)), call(net, new, (lib.ones(1, 2),), {}), net(lib.ones(1, 2)))
    for wrong in (lambda: call(net, {"0.weight": lib.ones(3, 2)}, lib.ones(1, 2), strict=True),):
        note_error(note, wrong, told=False)


def note_error(note, call, told=True):
    try:
        call()
    except Exception as error:
        note(type(error).__name__, str(error).replace("autograd_core.Size", "torch.Size") if told else "")
    else:
        note("no error")


SCENARIOS = [
    order_of_all_hooks, hooks_of_all_modules_that_replace, hooks_that_are_always_called, arguments_by_keyword,
    hooks_that_come_and_go_while_running, hooks_of_copies, a_backward_hook_and_tensors_without_gradients,
    hooks_of_states, hooks_of_loading, complaints_of_hooks, modules_that_save_and_load_in_their_own_way, state_besides_tensors,
    errors_of_loading, submodules_by_name, members_in_order, conversions, copies, lazies, lazies_of_the_users_own,
    other_parameters_for_one_call, sequences, dictionaries,
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature:UserWarning", "ignore:.*weight_norm. is deprecated:FutureWarning")
@pytest.mark.filterwarnings("ignore:.*deprecated:FutureWarning", "ignore:Positional args:FutureWarning")
@pytest.mark.filterwarnings("ignore:Full backward hook is firing:UserWarning")
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


METHODS = [
    "register_state_dict_pre_hook register_state_dict_post_hook register_load_state_dict_pre_hook register_load_state_dict_post_hook",
    "_register_state_dict_hook _register_load_state_dict_pre_hook set_submodule to_empty state_dict load_state_dict half bfloat16",
    "_load_from_state_dict _save_to_state_dict float double type cpu cuda get_extra_state set_extra_state extra_repr forward",
]
GLOBAL = "forward_hook forward_pre_hook full_backward_hook full_backward_pre_hook".split()
PAIRS = [
    *[(getattr(nn.Module, n), getattr(torch.nn.Module, n)) for n in " ".join(METHODS).split()],
    *[(getattr(nn.modules.module, f"register_module_{n}"), getattr(torch.nn.modules.module, f"register_module_{n}")) for n in GLOBAL],
]


@pytest.mark.parametrize(("mine", "theirs"), PAIRS, ids=lambda f: f.__name__)
def test_signatures(mine, theirs):
    listed = [[(p.name, p.kind, p.default) for p in inspect.signature(f).parameters.values()] for f in (mine, theirs)]
    assert [p[0] for p in listed[0]] == [p[0] for p in listed[1]] or "_forward_unimplemented" in theirs.__qualname__
    assert listed[0] == listed[1] or "_forward_unimplemented" in theirs.__qualname__
