"""Module: what is assigned is found again, saved, loaded all or nothing, copied, converted, hooked and printed."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections import OrderedDict

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.graph import thread


class Block(nn.Module):
    def __init__(self, width=3):
        super().__init__()
        self.weight = nn.Parameter(ag.ones(width, width))
        self.inner = nn.Linear(width, width)
        self.register_buffer("mean", ag.zeros(width))
        self.register_buffer("scratch", ag.zeros(2), persistent=False)
        self.plain = 7

    def forward(self, x):
        return self.inner(x @ self.weight) + self.mean


# ---------------------------------------------------------------------- parameters and buffers


def test_a_parameter_is_a_leaf_on_the_memory_of_its_data():
    data = ag.zeros(2)
    parameter = nn.Parameter(data)
    parameter.data.fill_(3)
    assert data.tolist() == [3, 3]
    assert parameter.requires_grad
    assert parameter.is_leaf
    assert isinstance(parameter, ag.Tensor)
    assert type(parameter * 2) is ag.Tensor
    assert nn.Parameter().shape == (0,)
    assert not nn.Parameter(ag.arange(3), requires_grad=False).requires_grad
    with ag.no_grad():
        assert nn.Parameter(ag.zeros(1)).requires_grad


def test_a_parameter_of_a_computed_tensor_is_a_leaf():
    x = ag.ones(2, requires_grad=True)
    assert nn.Parameter(x * 2).grad_fn is None


def test_a_parameter_takes_attributes_and_keeps_them_in_copies():
    parameter = nn.Parameter(ag.ones(2))
    parameter.kind = ["norm"]
    parameter.grad = ag.ones(2)
    for twin in (copy.deepcopy(parameter), pickle.loads(pickle.dumps(parameter))):
        assert type(twin) is nn.Parameter
        assert twin.kind == ["norm"]
        assert twin.kind is not parameter.kind
        assert twin.requires_grad
        assert twin.grad is None
        twin.data.zero_()
        assert parameter.tolist() == [1, 1]


def test_parameters_are_printed_as_such():
    assert repr(nn.Parameter(ag.ones(2))) == "Parameter containing:\ntensor([1., 1.], requires_grad=True)"


@pytest.mark.parametrize("data", [[1.0], np.ones(2), 3, "x"])
def test_a_parameter_of_what_is_no_tensor(data):
    for kind in (nn.Parameter, nn.Buffer):
        with pytest.raises(TypeError, match="must be a Tensor"):
            kind(data)


def test_integers_cannot_be_trained():
    with pytest.raises(RuntimeError, match="floating-point"):
        nn.Parameter(ag.arange(3))


def test_buffers_are_registered_by_assignment():
    module = nn.Module()
    module.kept = nn.Buffer(ag.ones(2))
    module.left = nn.Buffer(ag.ones(3), persistent=False)
    assert list(dict(module.named_buffers())) == ["kept", "left"]
    assert list(module.state_dict()) == ["kept"]
    module.left = ag.zeros(3)
    assert list(module.state_dict()) == ["kept"]
    assert copy.deepcopy(module).left.tolist() == [0, 0, 0]
    assert copy.deepcopy(nn.Buffer(ag.ones(2), persistent=False)).persistent is False


# ---------------------------------------------------------------------- attributes


def test_members_are_found_by_name():
    block = Block()
    assert [n for n, _ in block.named_parameters()] == ["weight", "inner.weight", "inner.bias"]
    assert [n for n, _ in block.named_parameters(recurse=False)] == ["weight"]
    assert [n for n, _ in block.named_parameters(prefix="top")] == ["top.weight", "top.inner.weight", "top.inner.bias"]
    assert [n for n, _ in block.named_buffers()] == ["mean", "scratch"]
    assert [n for n, _ in block.named_modules()] == ["", "inner"]
    assert [n for n, _ in block.named_children()] == ["inner"]
    assert list(block.children()) == [block.inner]
    assert list(block.modules()) == [block, block.inner]
    assert len(list(block.parameters())) == 3
    assert len(list(block.buffers())) == 2
    assert block.get_parameter("inner.bias") is block.inner.bias
    assert block.get_buffer("mean") is block.mean
    assert block.get_submodule("inner") is block.inner
    assert block.get_submodule("") is block
    assert {"weight", "inner", "mean", "forward"} <= set(dir(block))


def test_shared_members_are_listed_once_unless_asked_otherwise():
    first = nn.Linear(2, 2)
    model = nn.Sequential(first, first)
    model[0].extra = first.weight
    assert [n for n, _ in model.named_parameters()] == ["0.weight", "0.bias"]
    assert len(list(model.named_parameters(remove_duplicate=False))) == 6
    assert len(list(model.modules())) == 2
    assert len(list(model.modules(remove_duplicate=False))) == 3
    assert len(list(model.children())) == 1


@pytest.mark.parametrize("target", ["missing", "inner.missing", "weight", "inner.weight.x"])
def test_names_of_no_module(target):
    with pytest.raises(AttributeError, match=r"does not exist|is not a Module"):
        Block().get_submodule(target)


@pytest.mark.parametrize("target", ["missing", "inner", "mean", "plain", "inner.missing"])
def test_names_of_no_parameter(target):
    with pytest.raises(AttributeError, match=r"does not exist|is not a Parameter"):
        Block().get_parameter(target)


def test_a_misspelt_name_is_an_error():
    with pytest.raises(AttributeError, match="'Block' object has no attribute 'wieght'"):
        _ = Block().wieght
    assert not hasattr(Block(), "wieght")


@pytest.mark.parametrize("value", [lambda: nn.Parameter(ag.ones(1)), lambda: nn.Linear(1, 1), lambda: nn.Buffer(ag.ones(1))])
def test_assigning_before_init_says_what_is_missing(value):
    class Hasty(nn.Module):
        def __init__(self):
            self.member = value()

    with pytest.raises(AttributeError, match=r"before Module.__init__"):
        Hasty()


def test_plain_attributes_may_come_before_init():
    class Early(nn.Module):
        def __init__(self):
            self.size = 3
            super().__init__()

    assert Early().size == 3


def test_a_name_belongs_to_one_kind_at_a_time():
    module = Block()
    module.plain = nn.Parameter(ag.ones(1))
    assert "plain" in dict(module.named_parameters())
    module.plain = nn.Linear(1, 1)
    assert "plain" not in dict(module.named_parameters())
    assert module.plain is module.get_submodule("plain")
    module.mean = nn.Parameter(ag.ones(3))
    assert "mean" not in dict(module.named_buffers())
    module.scratch = ag.ones(5)
    assert module.get_buffer("scratch").tolist() == [1] * 5
    module.mean = None
    assert module.mean is None
    assert "mean" not in dict(module.named_parameters())


def test_members_keep_their_kind():
    module = Block()
    with pytest.raises(TypeError, match="parameter 'weight'"):
        module.weight = ag.ones(3, 3)
    with pytest.raises(TypeError, match="child module 'inner'"):
        module.inner = 3
    with pytest.raises(TypeError, match="buffer 'mean'"):
        module.mean = [1, 2]
    assert isinstance(module.weight, nn.Parameter)


def test_members_can_be_deleted():
    module = Block()
    del module.weight, module.mean, module.inner, module.plain, module.scratch
    assert list(module.state_dict()) == []
    for name in ("weight", "mean", "inner", "plain"):
        assert not hasattr(module, name)
    with pytest.raises(AttributeError):
        del module.weight
    module.scratch = nn.Buffer(ag.ones(1))
    assert list(module.state_dict()) == ["scratch"]


@pytest.mark.parametrize("register", ["register_parameter", "register_buffer", "register_module", "add_module"])
def test_names_are_checked(register):
    module = Block()
    value = {"register_parameter": nn.Parameter(ag.ones(1)), "register_buffer": ag.ones(1)}.get(register, nn.Identity())
    for name, error in (("a.b", KeyError), ("", KeyError), ("plain", KeyError), ("forward", KeyError), (3, TypeError)):
        with pytest.raises(error):
            getattr(module, register)(name, value)
    with pytest.raises(TypeError):
        getattr(module, register)("fine", "no such thing")
    getattr(module, register)("fine", value)
    assert module.fine is value
    getattr(module, register)("nothing", None)
    assert module.nothing is None


def test_a_computed_tensor_is_no_parameter():
    module, parameter = nn.Module(), nn.Parameter(ag.ones(2))
    parameter.node = (ag.ones(2, requires_grad=True) * 2).node
    with pytest.raises(ValueError, match="computed"):
        module.register_parameter("w", parameter)


# ---------------------------------------------------------------------- calling


def test_a_module_without_forward():
    with pytest.raises(NotImplementedError, match='missing the required "forward"'):
        nn.Module()(1)


def test_operations_know_the_module_they_were_done_in():
    block = Block()
    out = block(ag.ones(2, 3))
    assert out.grad_fn.scope.owner is block
    product = out.grad_fn.parents[0]
    assert product.scope.owner is block.inner
    assert product.scope.parent.owner is block
    assert thread.scope is None


def test_the_scope_is_left_when_forward_raises():
    class Broken(nn.Module):
        def forward(self, x):
            raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        nn.Sequential(Broken())(1)
    assert thread.scope is None


def test_a_finished_graph_does_not_keep_its_module():
    block = Block()
    out = block(ag.ones(2, 3)).sum()
    reference = weakref.ref(block)
    out.backward()
    del out, block
    gc.collect()
    assert reference() is None


# ---------------------------------------------------------------------- state


def test_state_shares_memory_and_is_detached():
    block = Block()
    state = block.state_dict()
    assert list(state) == ["weight", "mean", "inner.weight", "inner.bias"]
    assert isinstance(state, OrderedDict)
    assert not any(v.requires_grad for v in state.values())
    state["weight"].fill_(5)
    assert block.weight[0, 0].item() == 5
    assert block.state_dict(keep_vars=True)["weight"] is block.weight
    assert list(block.state_dict(prefix="net.")) == ["net.weight", "net.mean", "net.inner.weight", "net.inner.bias"]
    mine = {"first": 1}
    assert block.state_dict(destination=mine) is mine
    assert list(mine)[:2] == ["first", "weight"]


def filled(block, value):
    return {k: ag.zeros(*v.shape, dtype=v.dtype) + value for k, v in block.state_dict().items()}


def test_loading_copies_into_the_same_memory():
    block = Block()
    arrays = [p.array for p in block.parameters()]
    result = block.load_state_dict(filled(block, 2.0))
    assert all(a is p.array for a, p in zip(arrays, block.parameters(), strict=True))
    assert all((v == 2).all() for v in block.state_dict().values())
    assert str(result) == "<All keys matched successfully>"
    assert result == ([], [])


def test_loading_converts_to_a_dtype_that_holds_the_numbers():
    block = Block().double()
    block.load_state_dict({k: v.float() for k, v in filled(block, 2).items()})
    assert block.weight.dtype == np.float64
    assert block.weight[0, 0].item() == 2


def test_loading_some_of_the_keys():
    block = Block()
    state = filled(block, 3)
    del state["inner.bias"]
    state["other"] = ag.ones(1)
    missing, unexpected = block.load_state_dict(state, strict=False)
    assert (missing, unexpected) == (["inner.bias"], ["other"])
    assert block.weight[0, 0].item() == 3


def spoilt(block):
    """A state of which each of several things is wrong, and what the error says of it."""
    state = filled(block, 9)
    state["more"] = ag.ones(1)
    del state["mean"]
    state["weight"] = ag.ones(3, 4)
    state["inner.weight"] = np.ones((3, 3))
    state["inner.bias"] = ag.ones(3, dtype=ag.complex64)
    return state, [
        'Missing key(s) in state_dict: "mean"',
        'Unexpected key(s) in state_dict: "more"',
        "size mismatch for weight",
        "ndarray",
        "dtype",
    ]


@pytest.mark.parametrize("assign", [False, True])
@pytest.mark.parametrize("strict", [True, False])
def test_loading_what_does_not_fit_says_everything_and_changes_nothing(strict, assign):
    block = Block()
    before = {k: (v, v.clone()) for k, v in block.state_dict(keep_vars=True).items()}
    state, told = spoilt(block)
    with pytest.raises(RuntimeError) as caught:
        block.load_state_dict(state, strict=strict, assign=assign)
    message = str(caught.value)
    assert "Error(s) in loading state_dict for Block" in message
    for part in told[0 if strict else 2 : 4 if assign else 5]:
        assert part in message
    for key, (tensor, copy_) in before.items():
        assert block.state_dict(keep_vars=True)[key] is tensor
        assert (tensor == copy_).all(), key


@pytest.mark.parametrize("key", ["weight", "mean", "inner.weight", "inner.bias"])
def test_one_wrong_shape_anywhere_changes_nothing(key):
    block = Block()
    state = filled(block, 9)
    state[key] = ag.ones(1, 1, 1)
    for strict in (True, False):
        with pytest.raises(RuntimeError, match=f"size mismatch for {key}"):
            block.load_state_dict(state, strict=strict)
    assert not any((v == 9).any() for v in block.state_dict().values())


def test_keys_of_a_state_are_strings():
    layer = nn.Linear(1, 1)
    with pytest.raises(TypeError, match="keys must be strings, got 3"):
        layer.load_state_dict({**layer.state_dict(), 3: ag.ones(1)}, strict=False)


@pytest.mark.parametrize("state", [None, 3, [("weight", 1)]])
def test_loading_what_is_no_mapping(state):
    with pytest.raises(TypeError, match="dict-like"):
        Block().load_state_dict(state)


def test_integers_are_not_loaded_from_fractions():
    module = nn.Module()
    module.register_buffer("count", ag.tensor(3))
    with pytest.raises(RuntimeError, match="would lose information"):
        module.load_state_dict({"count": ag.tensor(2.5)})
    assert module.count.item() == 3


def test_read_only_memory_is_seen_before_anything_is_written():
    block = Block()
    block.inner.bias.data = ag.zeros(1).expand(3)
    with pytest.raises(RuntimeError, match=r"inner.bias is read-only"):
        block.load_state_dict(filled(block, 9))
    assert not (block.weight == 9).any()


def test_loading_by_assignment_takes_the_tensors_themselves():
    block = Block()
    block.inner.bias.requires_grad_(False)
    state = {k: v.double() for k, v in filled(block, 4).items()}
    block.load_state_dict(state, assign=True)
    assert block.weight.array is state["weight"].array
    assert isinstance(block.weight, nn.Parameter)
    assert block.weight.requires_grad
    assert not block.inner.bias.requires_grad
    assert block.mean is state["mean"]
    assert list(block.state_dict()) == list(state)


def test_a_backward_pass_after_loading_refuses_the_overwritten_weights():
    layer = nn.Linear(2, 2)
    x = ag.ones(1, 2, requires_grad=True)
    loss = layer(x).sum()
    layer.load_state_dict(filled(layer, 1))
    with pytest.raises(RuntimeError, match="in-place"):
        loss.backward()


def test_state_besides_tensors():
    class Counting(nn.Linear):
        calls = 0

        def get_extra_state(self):
            return {"calls": self.calls}

        def set_extra_state(self, state):
            self.calls = state["calls"]

    first, second = nn.Sequential(Counting(1, 1)), nn.Sequential(Counting(1, 1))
    first[0].calls = 5
    assert list(first.state_dict()) == ["0.weight", "0.bias", "0._extra_state"]
    second.load_state_dict(first.state_dict())
    assert second[0].calls == 5
    with pytest.raises(RuntimeError, match=r"Missing key.*0._extra_state"):
        second.load_state_dict({k: v for k, v in first.state_dict().items() if "extra" not in k})


# ---------------------------------------------------------------------- copies


def test_copies_are_independent_and_shared_parameters_stay_shared():
    model = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 2))
    model[2].weight = model[0].weight
    model.eval()
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin[0].weight is twin[2].weight
        assert not twin.training
        x = ag.ones(1, 2)
        assert (twin(x) == model(x)).all()
        twin[0].weight.data.zero_()
        assert not (model[0].weight == 0).any()


def test_a_shallow_copy_shares_the_parameters():
    model = nn.Linear(2, 2)
    assert copy.copy(model).weight is model.weight


# ---------------------------------------------------------------------- changing all members


def test_training_and_evaluation():
    model = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.Dropout()))
    assert model.train() is model
    assert model.eval() is model
    assert not any(m.training for m in model.modules())
    model.train()
    assert all(m.training for m in model.modules())
    with pytest.raises(ValueError, match="boolean"):
        model.train("yes")


def test_gradients_can_be_switched_and_dropped():
    model = Block()
    model(ag.ones(1, 3)).sum().backward()
    gradient = model.weight.grad
    model.zero_grad(set_to_none=False)
    assert model.weight.grad is gradient
    assert (gradient == 0).all()
    model.zero_grad()
    assert model.weight.grad is None
    assert not any(p.requires_grad for p in model.requires_grad_(False).parameters())


def test_apply_goes_from_the_children_to_the_parents():
    seen = []
    model = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.Tanh()))
    assert model.apply(lambda m: seen.append(m)) is model
    assert seen == [model[0], model[1][0], model[1], model]


def test_conversion_changes_floats_in_place_and_keeps_the_parameters():
    model = Block()
    model.register_buffer("count", ag.tensor(3))
    parameters = list(model.parameters())
    model(ag.ones(1, 3)).sum().backward()
    assert model.double() is model
    assert list(model.parameters()) == parameters
    assert all(p.dtype == np.float64 and p.grad.dtype == np.float64 for p in parameters)
    assert model.mean.dtype == np.float64
    assert model.count.dtype == np.int64
    assert model(ag.ones(1, 3, dtype=ag.float64)).dtype == np.float64
    for convert in (lambda: model.float(), lambda: model.to(ag.float32), lambda: model.to(dtype="float32"), lambda: model.to(ag.ones(1))):
        model.double()
        assert convert().weight.dtype == np.float32
    assert model.half().weight.dtype == np.float16
    assert model.to("cpu").cpu().weight.dtype == np.float16
    assert model.type(ag.float64).weight.dtype == np.float64
    assert model.to(device="cpu", dtype=ag.float32, non_blocking=True).weight.dtype == np.float32


def test_parameters_can_be_stored_in_half_the_space_and_come_back():
    pytest.importorskip("ml_dtypes", reason="bfloat16 extra not installed")
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    values, counts = model[0].weight.tolist(), model[1].num_batches_tracked
    for there in (lambda: model.bfloat16(), lambda: model.to(ag.bfloat16), lambda: model.type(ag.bfloat16)):
        for back in (lambda: model.float(), lambda: model.double(), lambda: model.half(), lambda: model.to(ag.float32)):
            assert there()[0].weight.dtype == model[1].running_mean.dtype == ag.bfloat16
            assert back()[0].weight.dtype == model[1].running_mean.dtype != ag.bfloat16
            assert model[0].weight.requires_grad
            np.testing.assert_allclose(model[0].weight.tolist(), values, 2**-7)
        model[1].num_batches_tracked = counts
    state = {name: t.bfloat16() if t.is_floating_point() else t for name, t in model.state_dict().items()}
    other = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    other.load_state_dict(state)
    assert other[0].weight.dtype == np.float32
    assert other[0].weight.tolist() == model.bfloat16().float()[0].weight.tolist()
    model.bfloat16().load_state_dict(other.state_dict())
    assert model[0].weight.dtype == ag.bfloat16
    assert model[0].weight.float().tolist() == other[0].weight.tolist()
    with pytest.raises(RuntimeError, match="num_batches_tracked: bfloat16"):
        other.load_state_dict({**state, "1.num_batches_tracked": ag.tensor(1.0).bfloat16()})


def test_conversion_keeps_shared_buffers_shared():
    model = nn.Sequential(Block(), Block())
    model[1].mean = model[0].mean
    model.double()
    assert model[0].mean is model[1].mean
    assert model[0].mean.dtype == np.float64


def test_converting_to_the_same_dtype_changes_nothing():
    model = nn.Linear(2, 2)
    array, node = model.weight.array, model.weight.node
    model.float()
    assert model.weight.array is array
    assert model.weight.node is node


def test_conversions_that_make_no_sense():
    model = Block()
    with pytest.raises(TypeError, match="floating-point or complex"):
        model.to(ag.int64)
    with pytest.raises(RuntimeError, match="CPU"):
        model.to("cuda")
    with pytest.raises(TypeError):
        model.to(3)
    with pytest.raises(TypeError, match="unexpected keyword"):
        model.to(dtyp=ag.float32)
    assert model.weight.dtype == np.float32


# ---------------------------------------------------------------------- hooks


def test_forward_hooks_see_and_replace():
    layer = nn.Identity()
    seen = []
    layer.register_forward_pre_hook(lambda m, args: seen.append(("before", m, args)))
    layer.register_forward_pre_hook(lambda m, args: args[0] + 1)
    layer.register_forward_hook(lambda m, args, out: seen.append(("after", args, out)))
    layer.register_forward_hook(lambda m, args, out: out * 10)
    assert layer(1) == 20
    assert seen == [("before", layer, (1,)), ("after", (2,), 2)]


def test_hooks_with_keyword_arguments():
    class Add(nn.Module):
        def forward(self, x, *, y):
            return x + y

    module = Add()
    module.register_forward_pre_hook(lambda m, args, kwargs: (args, {"y": kwargs["y"] * 2}), with_kwargs=True)
    module.register_forward_hook(lambda m, args, kwargs, out: (out, kwargs["y"]), with_kwargs=True)
    assert module(1, y=3) == (7, 6)
    module.register_forward_pre_hook(lambda m, args, kwargs: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match="new_args, new_kwargs"):
        module(1, y=3)


def test_hooks_can_come_first_and_be_removed():
    layer, order = nn.Identity(), []
    one = layer.register_forward_hook(lambda *_: order.append(1))
    layer.register_forward_hook(lambda *_: order.append(2), prepend=True)
    layer(0)
    assert order == [2, 1]
    one.remove()
    one.remove()
    layer(0)
    assert order == [2, 1, 2]
    with layer.register_forward_pre_hook(lambda *_: order.append(3)):
        layer(0)
    layer(0)
    assert order == [2, 1, 2, 3, 2, 2]


def test_hooks_that_are_always_called():
    class Broken(nn.Module):
        def forward(self, x):
            raise ValueError("inside")

    module, seen = Broken(), []
    module.register_forward_hook(lambda m, args, out: seen.append("never"))
    module.register_forward_hook(lambda m, args, out: seen.append(out), always_call=True)
    with pytest.raises(ValueError, match="inside"):
        module(1)
    assert seen == [None]
    assert thread.scope is None


def test_an_error_in_a_hook_that_is_always_called_does_not_hide_the_first():
    module = nn.Identity()
    module.register_forward_pre_hook(lambda m, args: 1 / 0)
    module.register_forward_hook(lambda m, args, out: [].pop(), always_call=True)
    with pytest.warns(UserWarning, match="silenced"), pytest.raises(ZeroDivisionError):
        module(1)


def test_backward_hooks_run_once_with_all_gradients():
    class Two(nn.Module):
        def forward(self, x, k, y):
            return x * k, x + y

    module, seen = Two(), []
    module.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go)))
    x, y = ag.tensor([1.0], requires_grad=True), ag.tensor([2.0], requires_grad=True)
    a, b = module(x, 3, y)
    (a + 5 * b).sum().backward()
    ((gi, go),) = seen
    assert [g if g is None else g.item() for g in gi] == [8.0, None, 5.0]
    assert [g.item() for g in go] == [1.0, 5.0]
    assert (x.grad.item(), y.grad.item()) == (8.0, 5.0)


def test_backward_hooks_where_no_input_takes_a_gradient():
    layer, seen = nn.Linear(2, 1), []
    layer.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go[0].tolist())))
    layer(ag.ones(1, 2)).sum().backward()
    assert seen == [((None,), [[1.0]])]
    layer.register_full_backward_hook(lambda m, gi, go: (ag.ones(1, 2),))
    with pytest.raises(RuntimeError, match="no input requires gradient"):
        layer(ag.ones(1, 2)).sum().backward()


def test_backward_hooks_can_be_differentiated_through():
    layer = nn.Tanh()
    layer.register_full_backward_hook(lambda m, gi, go: (gi[0] * gi[0],))
    x = ag.tensor(0.5, dtype=ag.float64, requires_grad=True)
    (g,) = ag.autograd.grad(layer(x), x, create_graph=True)
    (gg,) = ag.autograd.grad(g, x)
    t = np.tanh(0.5)
    assert g.item() == pytest.approx((1 - t * t) ** 2)
    assert gg.item() == pytest.approx(2 * (1 - t * t) * (-2 * t * (1 - t * t)))


def test_backward_hooks_must_return_as_many_gradients():
    layer = nn.Tanh()
    layer.register_full_backward_hook(lambda m, gi, go: (gi[0], gi[0]))
    with pytest.raises(RuntimeError, match="got 2, but expected 1"):
        layer(ag.ones(1, requires_grad=True)).backward()


def test_backward_hooks_do_nothing_without_recording():
    layer, seen = nn.Tanh(), []
    layer.register_full_backward_hook(lambda *a: seen.append(a))
    layer.register_full_backward_pre_hook(lambda *a: seen.append(a))
    with ag.no_grad():
        layer(ag.ones(1, requires_grad=True))
    layer(ag.ones(1))
    assert seen == []


def test_backward_hooks_want_tensors():
    class Listing(nn.Module):
        def forward(self, x):
            return [x]

    module = Listing()
    module.register_full_backward_hook(lambda *a: None)
    with pytest.warns(UserWarning, match="should be a Tensor or a tuple"):
        module(ag.ones(1))


def test_a_copy_has_hooks_of_its_own():
    layer, seen = nn.Identity(), []
    layer.register_forward_hook(lambda m, args, out: seen.append(m))
    twin = copy.deepcopy(layer)
    twin.register_forward_hook(lambda m, args, out: seen.append("new"))
    layer(1)
    assert seen == [layer]


# ---------------------------------------------------------------------- containers


def test_sequential_is_a_list_of_modules():
    a, b, c = nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1)
    model = nn.Sequential(a, b)
    assert model.append(c) is model
    assert (len(model), list(model), model[-1], model[1]) == (3, [a, b, c], c, b)
    assert list(model[1:]) == [b, c]
    assert list(model[1:]._modules) == ["1", "2"]
    model[1] = nn.Tanh()
    assert isinstance(model[1], nn.Tanh)
    model.insert(0, b)
    assert next(iter(model)) is b
    model.insert(-1, nn.Identity())
    assert isinstance(model[3], nn.Identity)
    del model[0], model[0:1]
    assert list(model._modules) == ["0", "1", "2"]
    assert model.pop(0) is not None
    assert list((model + model)._modules) == ["0", "1", "2", "3"]
    assert len(model * 3) == len(3 * model) == 6
    model.extend([nn.ReLU(), nn.ReLU()])
    model += nn.Sequential(nn.Tanh())
    assert len(model) == 5


def test_inserting_never_loses_a_module():
    whole = nn.Sequential(*[nn.Linear(k, k) for k in range(1, 5)])
    for part in (whole[1:], whole[-2:], nn.Sequential(OrderedDict(first=nn.ReLU(), second=nn.Tanh()))):
        names = list(part._modules)
        with pytest.raises(KeyError, match="not by their numbers"):
            part.insert(0, nn.ELU())
        assert list(part._modules) == names
    part = whole[1:]
    with pytest.raises(KeyError):
        part.insert(3, nn.ELU())  # "3" is the last one's name
    assert [m.in_features for m in part] == [2, 3, 4]


def test_sequential_with_names():
    model = nn.Sequential(OrderedDict(first=nn.Linear(1, 2), second=nn.ReLU()))
    assert list(model.state_dict()) == ["first.weight", "first.bias"]
    assert model.second is model[1]
    assert list(model[:1]._modules) == ["first"]
    assert model(ag.ones(3, 1)).shape == (3, 2)


def test_containers_refuse_what_is_no_module():
    for make in (
        lambda: nn.Sequential(3),
        lambda: nn.ModuleList([3]),
        lambda: nn.ModuleDict({"a": 3}),
        lambda: nn.Sequential().insert(0, 3),
    ):
        with pytest.raises(TypeError, match="not a Module"):
            make()
    with pytest.raises(TypeError, match="iterable"):
        nn.ModuleList().extend(3)
    with pytest.raises(TypeError, match="iterable"):
        nn.ModuleDict(3)
    with pytest.raises(ValueError, match="has length 1"):
        nn.ModuleDict([("a",)])
    with pytest.raises(ValueError, match="Sequential"):
        nn.Sequential() + [nn.ReLU()]
    with pytest.raises(ValueError, match="Non-positive"):
        nn.Sequential() * 0
    with pytest.raises(TypeError):
        nn.Sequential() * 1.5


@pytest.mark.parametrize("container", [nn.Sequential(nn.ReLU()), nn.ModuleList([nn.ReLU()]), nn.ParameterList([ag.ones(1)])])
def test_indices_out_of_range(container):
    for index in (1, -2):
        with pytest.raises(IndexError):
            container[index]


def test_module_lists():
    a, b = nn.ReLU(), nn.Tanh()
    modules = nn.ModuleList([a])
    modules += [b]
    modules.insert(0, b)
    assert list(modules) == [b, a, b]
    assert list(modules + [a]) == [b, a, b, a]
    assert list(modules[1:]) == [a, b]
    assert modules.pop(0) is b
    assert list(modules._modules) == ["0", "1"]
    with pytest.raises(NotImplementedError):
        modules(1)


def test_module_dicts():
    modules = nn.ModuleDict({"a": nn.ReLU(), "b": nn.Tanh()})
    modules["c"] = nn.Linear(1, 1)
    modules.update([("d", nn.Identity())])
    modules.update(nn.ModuleDict({"e": nn.Identity()}))
    assert list(modules) == list(modules.keys()) == ["a", "b", "c", "d", "e"]
    assert "c" in modules
    assert modules.pop("a") is not None
    del modules["b"]
    assert [k for k, _ in modules.items()] == ["c", "d", "e"]
    assert len(list(modules.values())) == len(modules) == 3
    modules.clear()
    assert not len(modules)


def test_parameter_lists():
    values = nn.ParameterList([ag.ones(1), "text"])
    values.append(ag.zeros(2))
    values += [3]
    values[1] = ag.ones(4)
    assert [type(v).__name__ for v in values] == ["Parameter", "Parameter", "Parameter", "int"]
    assert [n for n, _ in values.named_parameters()] == ["0", "2", "1"]
    assert len(values[1:]) == 3
    assert "(0): Parameter containing: [float32 of size 1]" in repr(values)
    assert "(3): Object of type: int" in repr(values)
    with pytest.raises(TypeError, match="iterable"):
        values.extend(ag.ones(2))
    with pytest.raises(RuntimeError, match="should not be called"):
        values(1)


def test_parameter_dicts():
    values = nn.ParameterDict({"b": ag.ones(1), "a": 2})
    values["c"] = ag.ones(2)
    assert list(values) == ["a", "b", "c"]
    assert list(reversed(values)) == ["c", "b", "a"]
    assert isinstance(values["b"], nn.Parameter)
    assert values.get("x", 5) == 5
    assert values.setdefault("d", ag.ones(1)).requires_grad
    assert values.popitem()[0] == "d"
    assert values.pop("a") == 2
    assert list((values | nn.ParameterDict({"z": 1})).keys()) == ["b", "c", "z"]
    assert list(values.fromkeys(["p", "q"], 0).values()) == [0, 0]
    assert [n for n, _ in values.copy().named_parameters()] == ["b", "c"]
    assert "(b): Parameter containing: [float32 of size 1]" in repr(values)
    values |= nn.ParameterDict({"y": 1})
    with pytest.raises(KeyError):
        values["nothing"]
    with pytest.raises(TypeError):
        values[3] = ag.ones(1)
    values.clear()
    assert len(values) == 0


# ---------------------------------------------------------------------- printing


def test_parameter_dicts_leave_their_own_attributes_alone():
    values = nn.ParameterDict({"a": 1})
    for name in ("items", "training", "_parameters"):
        with pytest.raises(KeyError, match="attribute"):
            values[name] = 3
    assert list(values.items()) == [("a", 1)]


def test_printing_goes_inwards():
    class Described(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Sequential(nn.Linear(1, 2))

        def extra_repr(self):
            return "first\nsecond"

    assert repr(Described()) == (
        "Described(\n  first\n  second\n  (layer): Sequential(\n    (0): Linear(in_features=1, out_features=2, bias=True)\n  )\n)"
    )
    assert repr(nn.ModuleList([nn.ReLU(), nn.ReLU()])) == "ModuleList(\n  (0-1): 2 x ReLU()\n)"
