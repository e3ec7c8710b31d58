"""The public names that the engine is to have, with PyTorch's meaning. `test_names.py` fails where one is missing."""

MAKING = """
    tensor as_tensor asarray from_numpy from_dlpack zeros ones empty full eye arange linspace logspace zeros_like ones_like empty_like
    full_like rand_like randn_like rand randn randint randperm normal bernoulli multinomial meshgrid tril_indices triu_indices
    manual_seed Generator get_rng_state set_rng_state
"""
ELEMENTWISE = """
    abs neg sign add sub mul div true_divide floor_divide remainder fmod pow exp exp2 expm1 log log2 log10 log1p sqrt rsqrt square
    reciprocal sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh sigmoid logit erf erfc erfinv lgamma digamma floor ceil
    round trunc frac clamp clip maximum minimum fmax fmin where lerp addcmul addcdiv logaddexp logaddexp2 hypot sinc xlogy copysign
    heaviside nan_to_num isnan isinf isfinite isclose allclose equal eq ne lt le gt ge logical_and logical_or logical_not logical_xor
    bitwise_and bitwise_or bitwise_xor bitwise_not relu softmax log_softmax real imag conj angle view_as_real view_as_complex
    complex polar
"""
REDUCTIONS = """
    sum mean prod std var std_mean median max min amax amin aminmax argmax argmin all any norm logsumexp nansum nanmean nanmedian
    quantile nanquantile mode count_nonzero cumsum cumprod cummax cummin logcumsumexp diff trapezoid cov corrcoef bincount histc unique
    unique_consecutive searchsorted bucketize
"""
SHAPES = """
    reshape flatten unflatten ravel squeeze unsqueeze transpose t permute movedim moveaxis swapaxes swapdims broadcast_to
    broadcast_tensors broadcast_shapes repeat_interleave tile cat concat concatenate stack hstack vstack dstack column_stack split
    tensor_split chunk hsplit vsplit unbind flip fliplr flipud roll rot90 as_strided diag diagonal diag_embed diagflat tril triu narrow
    select clone detach atleast_1d atleast_2d atleast_3d block_diag cartesian_prod combinations
"""
INDEXING = """
    index_select gather scatter scatter_add scatter_reduce index_add index_copy index_fill index_put masked_select masked_fill
    masked_scatter take take_along_dim nonzero argwhere sort argsort topk kthvalue msort isin
"""
PRODUCTS = """
    matmul mm bmm mv dot vdot inner outer einsum tensordot kron addmm addmv addr addbmm baddbmm cross cdist trace
"""
LINALG = """
    norm vector_norm matrix_norm det slogdet inv pinv solve solve_triangular lstsq cholesky qr svd svdvals eigh eigvalsh eig eigvals
    matrix_power matrix_exp matrix_rank multi_dot cond cross vecdot vander lu lu_factor lu_solve tensorsolve tensorinv diagonal
"""
FFT = """
    fft ifft rfft irfft fft2 ifft2 rfft2 irfft2 fftn ifftn rfftn irfftn hfft ihfft fftshift ifftshift fftfreq rfftfreq
"""
TYPES = """
    dtype device half float double bfloat16 int long bool finfo iinfo is_floating_point is_complex result_type promote_types can_cast
    numel set_default_dtype get_default_dtype set_printoptions set_num_threads get_num_threads
"""
GRADIENTS = "no_grad enable_grad inference_mode set_grad_enabled is_grad_enabled save load"
FURTHER = """
    bitwise_left_shift bitwise_right_shift clamp_min clamp_max cumulative_trapezoid trapz deg2rad rad2deg diagonal_scatter select_scatter
    slice_scatter dist dsplit fill float_power gradient isneginf isposinf isreal logdet pinverse positive put rsub sgn
    signbit split_with_sizes Size is_tensor FloatTensor LongTensor ByteTensor DoubleTensor
"""
SECOND = """
    polygamma igamma igammac mvlgamma nextafter ldexp frexp gcd lcm stft istft absolute arccos arcsin arctan arccosh arcsinh arctanh
    arctan2 subtract multiply divide negative greater greater_equal less less_equal not_equal fix row_stack
"""
METHODS_ONLY = """
    new_zeros new_ones new_full new_tensor new_empty view view_as expand expand_as repeat unfold T mT contiguous is_contiguous detach_ to
    type float double half bfloat16 int long bool cpu numpy item tolist dim size ndim nbytes element_size reshape_as sum_to_size backward
    grad requires_grad requires_grad_ is_leaf grad_fn retain_grad register_hook register_post_accumulate_grad_hook cuda
"""
SUBMODULES = {
    "linalg": LINALG,
    "fft": FFT,
    "special": "entr expit i0 i0e i1 i1e log_ndtr ndtr ndtri polygamma zeta bessel_j0 bessel_j1 gammaln",
    "autograd": "grad backward Function detect_anomaly gradcheck gradgradcheck Variable",
    "autograd.functional": "vjp jvp jacobian hessian hvp vhp",
    "func": "grad grad_and_value value_and_grad vjp jvp jacrev jacfwd hessian vmap functional_call",
    "utils.checkpoint": "checkpoint",
    "utils.data": "Dataset DataLoader TensorDataset",
    "cuda": "is_available",
    "distributions": "Normal Categorical Bernoulli Uniform kl_divergence",
}
FUNCTIONS = " ".join(
    [MAKING, ELEMENTWISE, REDUCTIONS, SHAPES, INDEXING, PRODUCTS, TYPES, GRADIENTS, FURTHER, SECOND],
).split()  # fmt: skip
