"""Every name of PyTorch's nn and optim that is to be here is here, takes the same arguments, and is of the same family."""

from __future__ import annotations

import importlib
import inspect

import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import nn  # noqa: E402
import optim  # noqa: E402

MODULES = """
    Module Parameter Buffer Sequential ModuleList ModuleDict ParameterList ParameterDict Identity Flatten Unflatten Linear Bilinear
    Embedding Conv1d Conv2d ConvTranspose1d ConvTranspose2d MaxPool1d MaxPool2d AvgPool1d AvgPool2d AdaptiveAvgPool1d
    AdaptiveAvgPool2d AdaptiveMaxPool2d ZeroPad1d ZeroPad2d ConstantPad1d ConstantPad2d ReflectionPad2d ReplicationPad2d Upsample
    Unfold Fold PixelShuffle BatchNorm1d BatchNorm2d LayerNorm GroupNorm InstanceNorm1d InstanceNorm2d RMSNorm LocalResponseNorm
    Dropout Dropout1d Dropout2d AlphaDropout ReLU ReLU6 LeakyReLU PReLU ELU SELU CELU GELU SiLU Mish Sigmoid Tanh Softmax LogSoftmax
    LogSigmoid Softplus Softsign Hardtanh Hardsigmoid Hardswish GLU RNN LSTM GRU RNNCell LSTMCell GRUCell MultiheadAttention
    Transformer TransformerEncoder TransformerEncoderLayer TransformerDecoder TransformerDecoderLayer MSELoss L1Loss SmoothL1Loss
    HuberLoss CrossEntropyLoss NLLLoss BCELoss BCEWithLogitsLoss KLDivLoss TripletMarginLoss CosineEmbeddingLoss HingeEmbeddingLoss
    MarginRankingLoss MultiMarginLoss CosineSimilarity PairwiseDistance
    Conv3d ConvTranspose3d MaxPool3d AvgPool3d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool3d MaxUnpool1d MaxUnpool2d
    MaxUnpool3d LPPool1d LPPool2d LPPool3d BatchNorm3d InstanceNorm3d Dropout3d FeatureAlphaDropout EmbeddingBag CTCLoss
    GaussianNLLLoss PoissonNLLLoss MultiLabelMarginLoss MultiLabelSoftMarginLoss SoftMarginLoss TripletMarginWithDistanceLoss
    AdaptiveLogSoftmaxWithLoss PixelUnshuffle ChannelShuffle UpsamplingNearest2d UpsamplingBilinear2d CircularPad1d CircularPad2d
    ConstantPad3d ReflectionPad1d ReflectionPad3d ReplicationPad1d ReplicationPad3d ZeroPad3d Hardshrink Softshrink Tanhshrink
    Threshold RReLU Softmin Softmax2d LazyLinear LazyConv1d LazyConv2d LazyConv3d LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d
    RNNBase RNNCellBase UninitializedParameter UninitializedBuffer
"""
FUNCTIONAL = """
    linear bilinear embedding one_hot conv1d conv2d conv_transpose1d conv_transpose2d unfold fold pad max_pool1d max_pool2d
    max_pool1d_with_indices max_pool2d_with_indices avg_pool1d avg_pool2d adaptive_avg_pool1d adaptive_avg_pool2d
    adaptive_max_pool2d adaptive_max_pool2d_with_indices interpolate grid_sample affine_grid pixel_shuffle batch_norm layer_norm
    group_norm instance_norm rms_norm local_response_norm normalize dropout dropout1d dropout2d alpha_dropout relu relu6 leaky_relu
    prelu elu selu celu gelu silu mish sigmoid tanh softmax log_softmax logsigmoid softplus softsign hardtanh hardsigmoid hardswish
    glu gumbel_softmax scaled_dot_product_attention multi_head_attention_forward mse_loss l1_loss smooth_l1_loss huber_loss
    cross_entropy nll_loss binary_cross_entropy binary_cross_entropy_with_logits kl_div triplet_margin_loss cosine_embedding_loss
    hinge_embedding_loss margin_ranking_loss multi_margin_loss cosine_similarity pairwise_distance
    conv3d conv_transpose3d max_pool3d max_pool3d_with_indices avg_pool3d adaptive_avg_pool3d adaptive_max_pool1d
    adaptive_max_pool1d_with_indices adaptive_max_pool3d adaptive_max_pool3d_with_indices max_unpool1d max_unpool2d max_unpool3d
    lp_pool1d lp_pool2d lp_pool3d dropout3d feature_alpha_dropout embedding_bag ctc_loss gaussian_nll_loss poisson_nll_loss
    multilabel_margin_loss multilabel_soft_margin_loss soft_margin_loss triplet_margin_with_distance_loss pixel_unshuffle
    channel_shuffle pdist hardshrink softshrink tanhshrink threshold rrelu softmin
"""
INIT = """
    calculate_gain uniform_ normal_ trunc_normal_ constant_ ones_ zeros_ eye_ dirac_ xavier_uniform_ xavier_normal_ kaiming_uniform_
    kaiming_normal_ orthogonal_ sparse_
"""
OPTIM = "Optimizer SGD Adam AdamW RMSprop Adagrad Adadelta Adamax NAdam RAdam LBFGS ASGD Rprop Muon Adafactor"
SCHEDULES = """
    LRScheduler LambdaLR StepLR MultiStepLR ExponentialLR ConstantLR LinearLR PolynomialLR CosineAnnealingLR
    CosineAnnealingWarmRestarts OneCycleLR ReduceLROnPlateau SequentialLR MultiplicativeLR ChainedScheduler CyclicLR
"""
SWA = "AveragedModel SWALR update_bn get_ema_avg_fn get_ema_multi_avg_fn get_swa_avg_fn get_swa_multi_avg_fn"
UTILS = """
    clip_grad_norm_ clip_grad_value_ get_total_norm parameters_to_vector vector_to_parameters clip_grads_with_norm_ weight_norm
    remove_weight_norm spectral_norm remove_spectral_norm fuse_conv_bn_eval fuse_linear_bn_eval fuse_conv_bn_weights
    fuse_linear_bn_weights
"""
RNN = """
    PackedSequence invert_permutation pack_padded_sequence pad_packed_sequence pad_sequence unpad_sequence pack_sequence unpack_sequence
"""
PLACES = {
    "nn": MODULES,
    "nn.functional": FUNCTIONAL,
    "nn.init": INIT,
    "nn.utils": UTILS,
    "nn.utils.rnn": RNN,
    "nn.utils.parametrize": """
        cached register_parametrization is_parametrized remove_parametrizations ParametrizationList type_before_parametrizations
        transfer_parametrizations_and_params
    """,
    "nn.utils.parametrizations": "orthogonal spectral_norm weight_norm",
    "nn.utils.stateless": "functional_call",
    "optim": OPTIM,
    "optim.lr_scheduler": SCHEDULES,
    "optim.swa_utils": SWA,
}
NAMES = [(place, name) for place, names in PLACES.items() for name in names.split()]

# PyTorch's signature is not shown or not meant to be used, so that there is nothing to compare with; and what takes its place here.
OTHERWISE = {
    "nn.Module": "PyTorch's takes anything and refuses it with a TypeError, as Python does for the one here, which takes nothing",
    "nn.Parameter": "PyTorch's makes it in __new__; tested in test_nn_parity",
    "nn.Buffer": "as Parameter",
    "nn.UninitializedParameter": "as Parameter",
    "nn.UninitializedBuffer": "as Parameter",
    "nn.LazyLinear": "takes the same; PyTorch's metaclass does not show it",
    **{f"nn.{name}": "as Module" for name in "Sigmoid Tanh LogSigmoid Softsign Tanhshrink Softmax2d".split()},
    "nn.Sequential": "overloaded: any number of modules, or one OrderedDict, in both",
    "nn.RNN": "overloaded: PyTorch shows *args",
    "nn.LSTM": "overloaded: PyTorch shows *args",
    "nn.GRU": "overloaded: PyTorch shows *args",
    "nn.utils.rnn.PackedSequence": "PyTorch makes it in __new__",
}

# PyTorch's function chooses by return_indices between two, of which the other shows the arguments.
SHOWN_BY = {
    f"nn.functional.{kind}max_pool{dims}d": f"{kind}max_pool{dims}d_with_indices" for kind in ("", "adaptive_") for dims in (1, 2, 3)
}


def found(root, place):
    home, *path = place.split(".")
    for part in path:
        root = getattr(root, part)
    return root


def both(place, name):
    mine = getattr(importlib.import_module(place), name)
    return mine, getattr(found(torch, "torch." + place), name)


def arguments(function):
    """Name, kind and default of each argument; None where Python cannot tell."""
    try:
        listed = inspect.signature(function).parameters.values()
    except ValueError:
        return None
    return [(p.name, p.kind, settled(p.default)) for p in listed]


def settled(default):
    """Defaults that are equal for what they mean: a function here and one there, a dtype here and one there."""
    if callable(default) and default is not inspect.Parameter.empty:
        return "a function"
    return str(default).removeprefix("torch.")


@pytest.mark.parametrize(("place", "name"), NAMES)
def test_names_are_here_and_take_the_same_arguments(place, name):
    mine, theirs = both(place, name)
    expected = arguments(both(place, SHOWN_BY[f"{place}.{name}"])[1] if f"{place}.{name}" in SHOWN_BY else theirs)
    if f"{place}.{name}" in OTHERWISE or expected is None:
        return
    assert arguments(mine) == expected


def families():
    """The classes of PyTorch that both have, with the bases that both have."""
    for place, name in NAMES:
        theirs = getattr(found(torch, "torch." + place), name)
        if inspect.isclass(theirs):
            yield place, name, [b.__name__ for b in theirs.__mro__[1:] if b.__name__ in set(PLACES[place].split())]


@pytest.mark.parametrize(("place", "name", "bases"), list(families()))
def test_classes_are_derived_from_what_pytorchs_are(place, name, bases):
    mine, _ = both(place, name)
    assert [b.__name__ for b in mine.__mro__[1:] if b.__name__ in bases] == bases
    if place == "nn" and "Module" in bases:
        assert issubclass(mine, nn.Module)
    if place == "optim":
        assert issubclass(mine, optim.Optimizer)


PATHS = [
    ("nn.modules.module", "Module"),
    ("nn.modules.batchnorm", "_BatchNorm BatchNorm1d BatchNorm2d BatchNorm3d"),
    ("nn.modules.instancenorm", "_InstanceNorm InstanceNorm1d InstanceNorm2d InstanceNorm3d"),
    ("nn.modules.conv", "_ConvNd Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d"),
    ("nn.modules.lazy", "LazyModuleMixin"),
    ("nn.modules.loss", "_Loss _WeightedLoss CrossEntropyLoss MSELoss"),
    ("nn.modules.linear", "Linear Bilinear Identity LazyLinear"),
    ("nn.modules.normalization", "LayerNorm GroupNorm RMSNorm LocalResponseNorm"),
    ("nn.modules.dropout", "_DropoutNd Dropout Dropout2d AlphaDropout"),
    ("nn.modules.activation", "ReLU GELU MultiheadAttention Softmax"),
    ("nn.modules.container", "Sequential ModuleList ModuleDict ParameterList ParameterDict"),
    ("nn.modules.pooling", "MaxPool2d AvgPool2d AdaptiveAvgPool2d"),
    ("nn.modules.rnn", "RNNBase LSTM GRU RNN RNNCellBase LSTMCell"),
    ("nn.modules.transformer", "Transformer TransformerEncoderLayer"),
    ("nn.modules.sparse", "Embedding EmbeddingBag"),
    ("nn.parameter", "Parameter Buffer UninitializedParameter UninitializedBuffer is_lazy"),
    ("nn.modules", "Module Linear Conv2d BatchNorm2d"),
]


@pytest.mark.parametrize(("path", "name"), [(path, name) for path, names in PATHS for name in names.split()])
def test_paths_that_code_imports_from(path, name):
    mine = getattr(importlib.import_module(path), name)
    assert hasattr(importlib.import_module("torch." + path), name)
    if not name.startswith("_") and hasattr(nn, name):
        assert mine is getattr(nn, name)
