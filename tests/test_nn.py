"""Operations in NumPy and torch with their gradients; optimizers, schedules, initialization."""

import dataclasses
import itertools
from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import gamma

from sigbench import InputError
from sigbench.core.errors import NoDerivative
from sigbench.networks import nn
from sigbench.networks.nn.sparse import shape_of

RNG = np.random.default_rng(5)


def normal(*shape):
    return RNG.standard_normal(shape)


def positive(*shape):
    return RNG.uniform(0.3, 2.0, shape)


@dataclass(frozen=True)
class Case:
    """Arguments of an operation: arrays with gradients, then arrays and options without."""

    op: str
    learned: list
    fixed: list = field(default_factory=list)
    options: dict = field(default_factory=dict)
    linear: bool = False  # in its first array, for fixed others


def linear(op, learned, *fixed, **options):
    return Case(op, learned, list(fixed), options, linear=True)


def curved(op, learned, *fixed, **options):
    return Case(op, learned, list(fixed), options)


def normed(space, statistics, *affine):
    """Batch norm of three channels; the running statistics are between x and gain, shift."""
    running = [normal(3), positive(3)]
    return Case("batch_norm", [normal(4, 3, *space), *affine], running, {"statistics": statistics})


def only_scaled(space, statistics, *affine):
    """Batch norm that subtracts no mean."""
    case = normed(space, statistics, *affine)
    return dataclasses.replace(case, fixed=[None, positive(3)])


STATISTICS = ("batch", "running", "input")

CASES = {
    "conv 1-D": linear("conv", [normal(3, 2, 11), normal(4, 2, 3)], padding=1),
    "conv 1-D, bias": curved("conv", [normal(3, 2, 11), normal(4, 2, 3), normal(4)]),
    "conv 1-D, 1×1": linear("conv", [normal(3, 2, 11), normal(4, 2, 1)]),
    "conv 1-D, even kernel": linear("conv", [normal(3, 2, 11), normal(4, 2, 4)], padding=2),
    "conv 1-D, stride 2": linear("conv", [normal(3, 2, 12), normal(4, 2, 3)], stride=2, padding=1),
    "conv 1-D, stride 3 > 2": linear("conv", [normal(3, 2, 11), normal(4, 2, 2)], stride=3),
    "conv 1-D, dilation": linear("conv", [normal(3, 2, 12), normal(4, 2, 3)], dilation=3, padding=4),
    "conv 1-D, all": linear(
        "conv", [normal(3, 2, 17), normal(4, 2, 3)], stride=2, dilation=2, padding=3
    ),
    "conv 2-D": linear("conv", [normal(2, 3, 7, 6), normal(4, 3, 3, 3)], padding=1),
    "conv 2-D, bias": curved("conv", [normal(2, 3, 7, 6), normal(4, 3, 3, 3), normal(4)]),
    "conv 2-D, all": linear(
        "conv", [normal(2, 3, 9, 8), normal(4, 3, 3, 3)], stride=2, dilation=2, padding=1
    ),
    "conv 2-D, oblong": linear("conv", [normal(2, 3, 7, 6), normal(4, 3, 3, 2)], padding=1),
    "conv_transpose 1-D": linear("conv_transpose", [normal(3, 2, 5), normal(2, 4, 3)]),
    "conv_transpose 1-D, all": linear(
        "conv_transpose", [normal(3, 2, 5), normal(2, 4, 3)], stride=2, padding=1, output_padding=1
    ),
    "conv_transpose 1-D, bias": curved(
        "conv_transpose", [normal(3, 2, 5), normal(2, 4, 2), normal(4)], stride=2
    ),
    "conv_transpose 1-D, gaps": linear(
        "conv_transpose", [normal(3, 2, 5), normal(2, 4, 2)], stride=3
    ),
    "conv_transpose 2-D": linear(
        "conv_transpose", [normal(2, 3, 4, 5), normal(3, 2, 4, 4)], stride=2, padding=1
    ),
    "modulated_conv": curved(
        "modulated_conv", [normal(3, 2, 9), normal(4, 2, 3), normal(4), normal(3, 4, 3)]
    ),
    "modulated_conv, 5 taps": curved(
        "modulated_conv", [normal(3, 2, 9), normal(4, 2, 5), normal(4), normal(3, 4, 5)]
    ),
    **{f"batch_norm 1-D, {s}": normed((7,), s, positive(3), normal(3)) for s in STATISTICS},
    **{f"batch_norm 2-D, {s}": normed((5, 4), s, positive(3), normal(3)) for s in STATISTICS},
    **{f"batch_norm, no gain, {s}": normed((7,), s) for s in STATISTICS},
    **{f"batch_norm, no mean 1-D, {s}": only_scaled((7,), s, positive(3)) for s in STATISTICS},
    **{f"batch_norm, no mean 2-D, {s}": only_scaled((5, 4), s, positive(3)) for s in STATISTICS},
    **{f"batch_norm, no mean, no gain, {s}": only_scaled((7,), s) for s in STATISTICS},
    **{
        f"batch_norm, no mean, shift, {s}": only_scaled((7,), s, positive(3), normal(3))
        for s in STATISTICS
    },
    "scale": curved("scale", [normal(3, 2, 5), normal(2), normal(2)]),
    "scale 2-D": curved("scale", [normal(3, 2, 5, 4), normal(2), normal(2)]),
    "shrink, p = 1.4": curved("shrink", [normal(3, 2, 9), positive(2)], np.array([1.4])),
    "shrink, p = 1": curved("shrink", [normal(3, 2, 9), positive(2)], np.array([1.0])),
    "shrink, p = 2": curved("shrink", [normal(3, 2, 9), positive(2)], np.array([2.0])),
    "shrink, p of each item": curved(
        "shrink", [3 * normal(4, 2, 5, 4), positive(2)],
        np.array([1.0, 1.05, 1.7, 2.0]).reshape(4, 1, 1, 1),
    ),
    "relu": curved("relu", [normal(3, 2, 9)]),
    "leaky_relu": curved("leaky_relu", [normal(3, 2, 9)], slope=0.1),
    "sigmoid": curved("sigmoid", [5 * normal(3, 2, 9)]),
    "softplus": curved("softplus", [5 * normal(3, 2, 9)]),
    "max_pool 1-D": curved("max_pool", [normal(3, 2, 9)], 2),
    "max_pool 1-D, stride 1": curved("max_pool", [normal(3, 2, 9)], 3, stride=1),
    "max_pool 1-D, gaps": curved("max_pool", [normal(3, 2, 9)], 2, stride=3),
    "max_pool 2-D": curved("max_pool", [normal(3, 2, 7, 6)], 2),
    "max_pool 2-D, overlapping": curved("max_pool", [normal(3, 2, 7, 6)], 3, stride=2),
    "avg_pool 1-D": linear("avg_pool", [normal(3, 2, 9)], 2),
    "avg_pool 1-D, padding": linear("avg_pool", [normal(3, 2, 9)], 3, stride=1, padding=1),
    "avg_pool 2-D": linear("avg_pool", [normal(3, 2, 7, 6)], 3, stride=2, padding=1),
    "upsample_nearest 1-D": linear("upsample_nearest", [normal(3, 2, 5)]),
    "upsample_nearest 2-D": linear("upsample_nearest", [normal(3, 2, 3, 4)]),
    **{
        f"upsample_linear {shape}, {aligned}": linear(
            "upsample_linear", [normal(2, 3, *shape)], align_corners=aligned
        )
        for shape in [(1,), (2,), (5,), (8,), (1, 1), (3, 4)]
        for aligned in (True, False)
    },
    "low_pass 1-D": linear("low_pass", [normal(3, 2, 8)]),
    "low_pass 1-D, odd": linear("low_pass", [normal(3, 2, 9)]),
    "low_pass 1-D, one sample": linear("low_pass", [normal(3, 2, 1)]),
    "low_pass 2-D": linear("low_pass", [normal(2, 3, 8, 7)]),
    "fit, even": linear("fit", [normal(3, 2, 5)], (9,)),
    "fit, odd": linear("fit", [normal(3, 2, 5)], (8,)),
    "fit, same": linear("fit", [normal(3, 2, 5)], (5,)),
    "fit 2-D": linear("fit", [normal(3, 2, 5, 4)], (6, 7)),
    "concat": curved("concat", [normal(3, 2, 5), normal(3, 1, 5), normal(3, 4, 5)]),
    "mean 1-D": linear("mean", [normal(3, 2, 5)]),
    "mean 2-D": linear("mean", [normal(3, 2, 5, 4)]),
    "pixel_unshuffle 1-D": linear("pixel_unshuffle", [normal(3, 2, 12)], 3),
    "pixel_unshuffle 2-D": linear("pixel_unshuffle", [normal(3, 2, 4, 6)], 2),
    "pixel_shuffle 1-D": linear("pixel_shuffle", [normal(3, 6, 5)], 3),
    "pixel_shuffle 2-D": linear("pixel_shuffle", [normal(3, 8, 3, 2)], 2),
    "add": curved("add", [normal(3, 2, 5), normal(3, 2, 5)]),
    "add, broadcast": curved("add", [normal(3, 2, 5), normal(2, 1)]),
    "multiply": curved("multiply", [normal(3, 2, 5), normal(3, 2, 5)]),
    "multiply, broadcast": curved("multiply", [normal(1, 2, 1), normal(3, 1, 5)]),
    "mse": curved("mse", [normal(3, 2, 5), normal(3, 2, 5)]),
    "smooth_l1": curved("smooth_l1", [3 * normal(3, 2, 5), normal(3, 2, 5)]),
    "log_mse": curved("log_mse", [normal(3, 2, 5), normal(3, 2, 5)]),
    **{
        f"stft, {n} samples": linear("stft", [normal(2, 1, n)], window=8, hop=2)
        for n in (1, 8, 21)
    },
    **{
        f"istft, {n} samples": linear(
            "istft", [normal(2, 10, -(-(n + 6) // 2))], window=8, hop=2, length=n
        )
        for n in (1, 8, 21)
    },
    "stft, half overlap": linear("stft", [normal(2, 1, 9)], window=6, hop=3),
    "power": curved("power", [normal(2, 6, 4)]),
    "masked": curved("masked", [normal(2, 6, 4), normal(2, 3, 4)]),
    "log": curved("log", [positive(2, 3, 4)]),
    "channel_mean": linear("channel_mean", [normal(2, 3, 4)]),
    "cumulative_mean": linear("cumulative_mean", [normal(2, 3, 7)]),
    **{
        f"depthwise_conv, {dilation=}, {causal=}": linear(
            "depthwise_conv", [normal(2, 3, 7), normal(3, 1, 3)], dilation=dilation, causal=causal
        )
        for dilation in (1, 2, 8)
        for causal in (False, True)
    },
    "depthwise_conv, bias": curved(
        "depthwise_conv", [normal(2, 3, 7), normal(3, 1, 4), normal(3)], causal=True
    ),
    "compressed_magnitudes": curved(
        "compressed_magnitudes", [normal(2, 1, 300)], 0.1 * normal(2, 1, 300)
    ),
}  # fmt: skip

LINEAR = [name for name, case in CASES.items() if case.linear]


def called(case, arrays):
    """Call an operation of `nn` with the arrays of the case replaced; return its result."""
    fixed = [np.copy(one) if isinstance(one, np.ndarray) else one for one in case.fixed]
    return getattr(nn, case.op)(*ordered(case, arrays, fixed), **case.options)


def ordered(case, learned, fixed):
    """Return the arguments in the order of the operation."""
    return [learned[0], *fixed, *learned[1:]] if case.op == "batch_norm" else [*learned, *fixed]


def along(y, direction):
    """Return the inner product of a result and a direction as a `Var`."""
    return nn.mse(y, y.value - direction * y.value.size / 2)  # its gradient is the direction


def gradients(case, direction, dtype=np.float64):
    """Return the result of a case, and the gradients of its inner product with a direction."""
    variables = [nn.Var(array.astype(dtype)) for array in case.learned]
    result = called(case, variables)
    along(result, direction).backward()
    return result.value, [v.grad for v in variables]


def like_result(case):
    return np.random.default_rng(1).standard_normal(np.shape(called(case, case.learned)))


def assert_close(a, b, relative):
    np.testing.assert_allclose(a, b, rtol=0, atol=relative * max(np.abs(b).max(), 1e-3))


@pytest.mark.parametrize("name", CASES)
def test_ops_and_gradients_are_those_of_torch(name):
    torch = pytest.importorskip("torch")
    from sigbench.networks.nn import torch_ops

    case = CASES[name]
    direction = like_result(case)
    y, grads = gradients(case, direction)
    tensors = [torch.from_numpy(np.copy(a)).requires_grad_() for a in case.learned]
    fixed = [torch.tensor(a) if isinstance(a, np.ndarray) else a for a in case.fixed]
    function = getattr(torch_ops, case.op, None) or BY_TORCH[case.op](torch)
    theirs = function(*ordered(case, tensors, fixed), **case.options)
    assert theirs.dtype == torch.float64
    (theirs * torch.from_numpy(direction)).sum().backward()
    assert_close(y, theirs.detach().numpy(), 1e-9)
    for ours, tensor in zip(grads, tensors, strict=True):
        assert_close(ours, tensor.grad.numpy(), 1e-9)


BY_TORCH = {
    "add": lambda torch: torch.add,
    "multiply": lambda torch: torch.mul,
    "mse": lambda torch: torch.nn.functional.mse_loss,
    "smooth_l1": lambda torch: torch.nn.functional.smooth_l1_loss,
}


@pytest.mark.parametrize("name", CASES)
def test_gradients_are_finite_differences(rng, name):
    case = CASES[name]
    direction, step = like_result(case), 1e-6
    for i, grad in enumerate(gradients(case, direction)[1]):
        for _ in range(3):
            move = rng.standard_normal(grad.shape)
            moved = [list(case.learned), list(case.learned)]
            moved[0][i], moved[1][i] = case.learned[i] + step * move, case.learned[i] - step * move
            up, down = (np.sum(called(case, arrays) * direction) for arrays in moved)
            wanted = (up - down) / (2 * step)
            assert np.sum(grad * move) == pytest.approx(wanted, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("name", LINEAR)
def test_linear_ops_have_their_adjoints_as_gradients(rng, name):
    """<Ax, z> = <x, Aᵀz>."""
    case = CASES[name]
    z = like_result(case)
    grad = gradients(case, z)[1][0]
    x = rng.standard_normal(grad.shape)
    assert np.sum(called(case, [x, *case.learned[1:]]) * z) == pytest.approx(np.sum(x * grad))


@pytest.mark.parametrize("name", CASES)
def test_float32_stays_and_nothing_given_is_changed(name):
    case = CASES[name]
    case = Case(
        case.op,
        [a.astype(np.float32) for a in case.learned],
        [a.astype(np.float32) if isinstance(a, np.ndarray) else a for a in case.fixed],
        case.options,
    )
    before = [a.copy() for a in case.learned]
    direction = like_result(case).astype(np.float32)
    y, grads = gradients(case, direction, np.float32)
    wide, wide_grads = gradients(CASES[name], direction)
    assert y.dtype == np.float32
    assert called(case, case.learned).dtype == np.float32
    assert_close(y, wide, 1e-5)
    for array, copy, grad, wide_grad in zip(case.learned, before, grads, wide_grads, strict=True):
        assert grad.dtype == np.float32
        assert grad.shape == array.shape
        np.testing.assert_array_equal(array, copy)
        assert_close(grad, wide_grad, 1e-4)


def test_every_op_has_a_case():
    classes = {name for name in nn.__all__ if isinstance(getattr(nn, name), type | dict)}
    others = {"Statistics", "constant", "sparseness", "starting"}
    assert {case.op for case in CASES.values()} == set(nn.__all__) - classes - others - {"Norm"}


def test_modulated_conv_is_a_convolution_with_each_items_own_kernel(rng):
    x, weight, bias, factors = (
        rng.standard_normal(s) for s in [(4, 2, 9), (3, 2, 5), 3, (4, 3, 5)]
    )
    y = nn.modulated_conv(x, weight, bias, factors)
    for i in range(4):
        own = nn.conv(x[i : i + 1], weight * factors[i][:, None], bias, padding=2)
        np.testing.assert_allclose(y[i : i + 1], own, atol=1e-13)


def test_inputs_may_be_views_and_read_only(rng):
    x = rng.standard_normal((9, 2, 3)).swapaxes(0, 2)
    x.flags.writeable = False
    for padding in (0, 1):
        weight = rng.standard_normal((4, 2, 3))
        wanted = nn.conv(np.ascontiguousarray(x), weight, padding=padding)
        # Sums of six products, which BLAS may take in another order where strides differ.
        bound = 2 * 6 * np.finfo(float).eps * nn.conv(np.abs(x), np.abs(weight), padding=padding)
        assert (np.abs(nn.conv(x, weight, padding=padding) - wanted) <= bound).all()


def test_what_is_shorter_than_the_kernel_is_refused():
    x = np.zeros((1, 2, 4))
    with pytest.raises(InputError, match=r"space=\(4,\) is too short for kernel=\(5,\), padding=0"):
        nn.conv(x, np.zeros((3, 2, 5)))
    with pytest.raises(InputError, match=r"space=\(4,\) is too short for kernel=\(5,\)"):
        nn.max_pool(x, 5)
    with pytest.raises(InputError, match=r"kernel=\(3,\), padding=0, dilation=2"):
        nn.conv(x, np.zeros((3, 2, 3)), dilation=2)


def test_numbers_that_are_not_legal_are_refused():
    x, w = np.zeros((1, 2, 5)), np.zeros((3, 2, 3))
    with pytest.raises(InputError, match="stride=0 and dilation=1 must be >= 1, padding=0"):
        nn.conv(x, w, stride=0)
    with pytest.raises(InputError, match="padding=-1 must be >= 0"):
        nn.conv(x, w, padding=-1)
    with pytest.raises(InputError, match=r"factor=2 must be >= 1 and divide every length of space"):
        nn.pixel_unshuffle(x, 2)
    with pytest.raises(InputError, match=r"factor=2 must be >= 1 and 4 divide channels=2"):
        nn.pixel_shuffle(np.zeros((1, 2, 3, 3)), 2)


def test_conv_by_hand(rng):
    x, w = rng.standard_normal(20), rng.standard_normal(5)
    y = nn.conv(x.reshape(1, 1, -1), w.reshape(1, 1, -1), padding=4)[0, 0]
    np.testing.assert_allclose(y, np.convolve(x, w[::-1]), atol=1e-13)


@pytest.mark.parametrize("space", [(16,), (15,), (1,), (16, 12), (9, 8)])
def test_low_pass_is_the_formula_and_a_projection(rng, space):
    """Re F⁻¹(F(x)·[|k| < n/4]), computed with the full transform."""
    x = rng.standard_normal((2, 3, *space))
    axes = tuple(range(2, x.ndim))
    spectrum = np.fft.fftn(x, axes=axes)
    for index in itertools.product(*(range(n) for n in space)):
        signed = [k if 2 * k <= n else k - n for k, n in zip(index, space, strict=True)]
        if any(abs(k) >= n / 4 for k, n in zip(signed, space, strict=True)):
            spectrum[:, :, *index] = 0
    low = nn.low_pass(x)
    np.testing.assert_allclose(low, np.fft.ifftn(spectrum, axes=axes).real, atol=1e-13)
    np.testing.assert_allclose(nn.low_pass(low), low, atol=1e-13)


def test_low_pass_takes_bfloat16_in_torch(rng):
    """torch.fft does not accept bfloat16."""
    torch = pytest.importorskip("torch")
    from sigbench.networks.nn import torch_ops

    x = rng.standard_normal((2, 3, 8, 8))
    low = torch_ops.low_pass(torch.from_numpy(x).bfloat16())
    assert low.dtype == torch.bfloat16
    np.testing.assert_allclose(low.float().numpy(), nn.low_pass(x), atol=0.02)


# Norms


@pytest.mark.parametrize("space", [(9,), (5, 4)])
def test_batch_norm_moves_the_running_statistics_as_torch_does(rng, space):
    torch = pytest.importorskip("torch")
    x = 3 + 2 * rng.standard_normal((4, 3, *space))
    ours, theirs = np.zeros(3), torch.zeros(3, dtype=torch.float64)
    our_var, their_var = np.ones(3), torch.ones(3, dtype=torch.float64)
    for _ in range(3):
        nn.batch_norm(x, ours, our_var, statistics="batch")
        torch.nn.functional.batch_norm(torch.from_numpy(x), theirs, their_var, training=True)
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-12)
    np.testing.assert_allclose(our_var, their_var.numpy(), rtol=1e-12)


def test_without_a_mean_the_running_variance_is_the_same(rng):
    torch = pytest.importorskip("torch")
    from sigbench.networks.nn import torch_ops

    x = 3 + 2 * rng.standard_normal((4, 3, 5, 4))
    mean, wanted, ours = np.zeros(3), np.ones(3), np.ones(3)
    theirs = torch.ones(3, dtype=torch.float64)
    for _ in range(3):
        nn.batch_norm(x, mean, wanted, statistics="batch")
        nn.batch_norm(x, None, ours, statistics="batch")
        torch_ops.batch_norm(torch.from_numpy(x), None, theirs, statistics="batch")
    np.testing.assert_array_equal(ours, wanted)
    np.testing.assert_allclose(theirs.numpy(), wanted, rtol=1e-12)


@pytest.mark.parametrize("level", [0.0, 3.0, 30.0])
def test_without_a_mean_bfloat16_does_not_cancel(rng, level):
    """Channels whose mean is many deviations: the gradient is accurate to the rounding of x."""
    torch = pytest.importorskip("torch")
    from sigbench.networks.nn import torch_ops

    x = torch.from_numpy(level + rng.standard_normal((16, 4, 8, 8))).bfloat16()
    direction = torch.from_numpy(rng.standard_normal(x.shape)).bfloat16()
    gradients = []
    for dtype in (torch.bfloat16, torch.float64):
        one = x.detach().clone().to(dtype).requires_grad_()
        gain = torch.ones(4, dtype=torch.promote_types(dtype, torch.float32))
        y = torch_ops.batch_norm(one, None, torch.ones_like(gain), gain, statistics="batch")
        (y * direction.to(dtype)).sum().backward()
        gradients.append(one.grad.double())
    rough, exact = gradients
    assert (rough - exact).norm() < 0.005 * exact.norm()  # eps is 0.004


@pytest.mark.parametrize("statistics", ["running", "input"])
def test_at_test_time_norms_keep_their_statistics_and_items_apart(rng, statistics):
    x = rng.standard_normal((4, 3, 9))
    mean, var, ratio = np.zeros(3), np.ones(3), np.array([0.75])
    y = nn.batch_norm(x, mean, var, statistics=statistics)
    p = np.broadcast_to(nn.sparseness(y, ratio, statistics=statistics), (4, 1, 1))
    for i in range(4):
        one = nn.batch_norm(x[i : i + 1], mean, var, statistics=statistics)
        np.testing.assert_allclose(one, y[i : i + 1], atol=1e-12)
        assert nn.sparseness(one, ratio, statistics=statistics) == pytest.approx(p[i : i + 1])
    assert (mean == 0).all()
    assert (var == 1).all()
    assert ratio == 0.75


@pytest.mark.parametrize("p", [1.0, 1.25, 1.5, 2.0])
def test_the_exponent_is_that_of_the_generalized_gaussian_law(rng, p):
    """|x|ᵖ has the gamma law of shape 1/p."""
    size = rng.gamma(1 / p, size=(1, 1, 1_000_000)) ** (1 / p)
    size /= np.sqrt(gamma(3 / p) / gamma(1 / p))
    running = np.array([0.0])
    found = nn.sparseness(size, running, statistics="batch")
    assert found.shape == (1, 1, 1)
    assert found == pytest.approx(p, abs=0.03)  # at p = 2 the standard deviation is 0.012
    assert running == pytest.approx(0.1 * size.mean())
    assert shape_of(np.array([0.3, 0.9])).tolist() == [1, 2]


def test_sparseness_is_the_same_in_torch(rng):
    torch = pytest.importorskip("torch")
    from sigbench.networks.nn import torch_ops

    x = rng.laplace(size=(4, 3, 50)) / np.sqrt(2)
    for statistics in STATISTICS:
        ours, theirs = np.array([0.75]), torch.tensor([0.75], dtype=torch.float64)
        given = x if statistics == "input" else nn.Var(x)
        p = nn.sparseness(given, ours, statistics=statistics)
        same = torch_ops.sparseness(torch.from_numpy(x), theirs, statistics=statistics)
        np.testing.assert_allclose(p, same.numpy(), rtol=1e-12)
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-12)


def test_what_has_no_derivative_says_so(rng):
    torch = pytest.importorskip("torch")
    from sigbench.networks.nn import torch_ops

    x = rng.standard_normal((1, 1, 5))
    tensor = torch.from_numpy(x).requires_grad_()
    ratio = np.array([0.75])
    for run in (
        lambda: nn.constant(np.sort, nn.Var(x)),
        lambda: torch_ops.constant(np.sort, tensor),
        lambda: nn.sparseness(nn.Var(x), ratio, statistics="input"),
        lambda: torch_ops.sparseness(tensor, torch.from_numpy(ratio), statistics="input"),
    ):
        with pytest.raises(NoDerivative, match="no gradient passes through"):
            run()


@pytest.mark.parametrize("p", [1.0, 1.01, 1.2, 1.5, 1.9, 2.0])
@pytest.mark.parametrize("lam", [0.01, 1.0, 5.0])
def test_shrink_minimizes_its_objective(rng, p, lam):
    x = 4 * rng.standard_normal(20)
    ours = nn.shrink(x.reshape(1, 1, -1), np.array([lam]), np.array(p))[0, 0]
    for value, t in zip(x, ours, strict=True):

        def objective(t, value=value):
            return 0.5 * (value - t) ** 2 + lam * np.abs(t) ** p

        best = minimize_scalar(objective, bounds=sorted((0, value)), method="bounded")
        assert objective(t) <= best.fun + 1e-12
        assert t == pytest.approx(best.x, abs=1e-4)


@pytest.mark.parametrize("p", [1.0001, 1.005, 1.05, 1.2, 1.5, 1.9, 2.0])
def test_shrink_solves_its_equation(p):
    """t + λ·p·tᵖ⁻¹ = x, unless t is less than the least of numbers."""
    x = np.geomspace(1e-6, 1e3, 500).reshape(1, 1, -1)
    lam = np.geomspace(1e-4, 10, 40)
    t = nn.shrink(np.repeat(x, 40, axis=1), lam, np.array(p))
    pull = lam[:, None] * p * t ** (p - 1)
    seen = t > 1e-300
    np.testing.assert_allclose((t + pull)[seen], np.broadcast_to(x, t.shape)[seen], rtol=1e-12)
    assert ((x < lam[:, None] * p * 1e-300 ** (p - 1)) | seen).all()
    assert (np.diff(t) >= 0).all()
    assert (np.diff(t, axis=1) <= 0).all()


def test_shrink_is_the_soft_threshold_at_1_and_divides_at_2(rng):
    x, lam = 3 * rng.standard_normal((2, 3, 50)), np.array([0.5, 1.0, 2.0])
    soft = np.sign(x) * np.maximum(np.abs(x) - lam[:, None], 0)
    np.testing.assert_allclose(nn.shrink(x, lam, np.array(1.0)), soft, atol=1e-15)
    np.testing.assert_allclose(nn.shrink(x, lam, np.array(1 + 1e-6)), soft, atol=1e-4)
    np.testing.assert_allclose(nn.shrink(x, lam, np.array(2.0)), x / (1 + 2 * lam[:, None]))
    for p in (1.0, 1.5, 2.0):
        np.testing.assert_allclose(nn.shrink(x, 0 * lam, np.array(p)), x)


@pytest.mark.parametrize("p", [1.0, 1.3, 2.0])
def test_shrink_is_a_proximal_step(rng, p):
    """Odd and firmly nonexpansive, and x is the sum of its steps on f and on its conjugate f*.

    Of λ|t|ᵖ the conjugate is (p − 1)·λ·|s/(λp)|^(p/(p−1)); for p = 1 the step on it clips to ±λ.
    """
    x, y = 3 * rng.standard_normal((2, 1, 1, 500))
    lam = np.array([0.8])
    a, b = (nn.shrink(z, lam, np.array(p)) for z in (x, y))
    np.testing.assert_array_equal(nn.shrink(-x, lam, np.array(p)), -a)
    assert ((a - b) ** 2 <= (a - b) * (x - y) + 1e-12).all()
    if p == 1:
        other = np.clip(x, -lam, lam)
    else:
        q = p / (p - 1)
        dual = (p - 1) * lam * (lam * p) ** -q
        if q > 2:  # shrink has 1 <= p <= 2: solve s + dual·q·s^(q−1) = |x| by its monotony
            low, high = np.zeros_like(x), np.abs(x)
            for _ in range(60):
                s = (low + high) / 2
                above = s + dual * q * s ** (q - 1) > np.abs(x)
                low, high = np.where(above, low, s), np.where(above, s, high)
            other = np.copysign(low, x)
        else:
            other = nn.shrink(x, dual, np.array(q))
    np.testing.assert_allclose(a + other, x, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("p", [1.0, 1 + 1e-6, 1.01, 1.5, 2.0])
def test_shrink_has_finite_gradients_everywhere(dtype, p):
    """At 0, near 0, for zero arrays and for the largest numbers; warnings are errors here."""
    tiny = np.finfo(dtype).tiny
    for values in ([0.0, tiny, -1e-20, 1e-10, -0.5, 1.0, 1e3, 1e15], [0.0] * 8):
        for weight in (0.0, 1e-6, 1.0, 50.0):
            x = nn.Var(np.array(values, dtype).reshape(2, 1, 4))
            lam = nn.Var(np.array([weight], dtype))
            y = nn.shrink(x, lam, np.array(p))
            nn.mse(y, np.ones_like(y.value)).backward()
            for array in (y.value, x.grad, lam.grad):
                assert array.dtype == dtype
                assert np.isfinite(array).all()
            assert (np.abs(y.value) <= np.abs(x.value)).all()
            assert (y.value[x.value == 0] == 0).all()


# Resampling


def test_of_equal_values_the_first_has_the_gradient():
    x = nn.Var(np.array([[[2.0, 2.0, 1.0, 1.0, 3.0, 3.0]]]))
    nn.mse(nn.max_pool(x, 3), np.zeros((1, 1, 2))).backward()
    assert x.grad.tolist() == [[[2, 0, 0, 0, 3, 0]]]


def test_of_equal_values_torch_takes_the_first_too(rng):
    torch = pytest.importorskip("torch")
    x = rng.integers(0, 3, (2, 3, 8, 9)).astype(float)
    ours, theirs = nn.Var(x), torch.tensor(x, requires_grad=True)
    nn.mse(nn.max_pool(ours, 3, stride=2), np.zeros((2, 3, 3, 4))).backward()
    pooled = torch.nn.functional.max_pool2d(theirs, 3, 2)
    torch.nn.functional.mse_loss(pooled, torch.zeros_like(pooled)).backward()
    np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), atol=1e-15)


@pytest.mark.parametrize("shape", [(2, 3, 12), (2, 3, 6, 4)])
def test_pixel_shuffle_undoes_unshuffle(rng, shape):
    x = rng.standard_normal(shape)
    np.testing.assert_array_equal(nn.pixel_shuffle(nn.pixel_unshuffle(x, 2), 2), x)


@pytest.mark.parametrize("aligned", [True, False])
def test_linear_upsampling_keeps_constants_and_lines(aligned):
    line = np.arange(7.0).reshape(1, 1, -1)
    np.testing.assert_allclose(nn.upsample_linear(line * 0 + 3, align_corners=aligned), 3)
    steps = np.diff(nn.upsample_linear(line, align_corners=aligned)[0, 0])
    np.testing.assert_allclose(steps if aligned else steps[1:-1], 6 / 13 if aligned else 0.5)


# Var


def test_what_is_used_twice_adds_its_gradients():
    """A value that is used several times: f = mean((a·x + x² − 1)²)."""
    x = nn.Var(np.array([1.0, -2.0, 3.0]))
    inner = 3 * x + x * x - 1.0
    nn.mse(inner + x, np.zeros(3)).backward()
    value = 4 * x.value + x.value**2 - 1
    np.testing.assert_allclose(x.grad, 2 / 3 * value * (4 + 2 * x.value))


def test_arithmetic_of_arrays_and_variables():
    a, x = np.array([1.0, 2.0]), nn.Var(np.array([3.0, 5.0]))
    for found, wanted in [
        (a + x, [4, 7]), (x + a, [4, 7]), (a - x, [-2, -3]), (x - a, [2, 3]),
        (a * x, [3, 10]), (x * a, [3, 10]), (-x, [-3, -5]), (1 + x, [4, 6]), (x * x, [9, 25]),
    ]:  # fmt: skip
        assert isinstance(found, nn.Var)
        assert found.value.tolist() == wanted


def test_gradients_add_up_over_calls_and_pass_no_constants():
    x = nn.Var(np.array([2.0]))
    for times in (1, 2):
        nn.mse(x, np.zeros(1)).backward()
        assert x.grad.tolist() == [4.0 * times]
    p = nn.Var(np.array(1.0)) * 1.5  # the exponent of shrink gets no gradient
    nn.mse(nn.shrink(nn.Var(np.ones((1, 1, 3))), np.ones(1), p), np.zeros((1, 1, 3))).backward()
    assert p.grad is None


def test_only_a_number_has_gradients():
    with pytest.raises(InputError, match=r"the gradient has shape \(3,\), not \(2, 3\)"):
        nn.Var(np.zeros((2, 3))).backward(np.zeros(3))
    with pytest.raises(InputError, match=r"the loss must be a scalar, but has shape \(2, 3\)"):
        nn.relu(nn.Var(np.zeros((2, 3)))).backward()


def test_a_long_chain_is_no_recursion():
    x = nn.Var(np.array(1.0))
    y = x
    for _ in range(5000):
        y = y + x
    y.backward()
    assert x.grad == 5001


# Optimizers and schedules

OPTIMIZED = {
    "plain": (nn.SGD(lr=0.1), "SGD", {}),
    "momentum": (nn.SGD(lr=0.1, momentum=0.9), "SGD", {"momentum": 0.9}),
    "all": (
        nn.SGD(lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.01),
        "SGD",
        {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01},
    ),
    "decay": (nn.SGD(lr=0.1, weight_decay=0.1), "SGD", {"weight_decay": 0.1}),
    "Adam": (nn.Adam(lr=0.1), "Adam", {}),
    "Adam, decay": (
        nn.Adam(lr=0.1, beta1=0.8, beta2=0.99, eps=1e-3, weight_decay=0.1),
        "Adam",
        {"betas": (0.8, 0.99), "eps": 1e-3, "weight_decay": 0.1},
    ),
}


@pytest.mark.parametrize("name", OPTIMIZED)
def test_optimizers_are_those_of_torch(rng, name):
    """Take twenty steps; the learning rate is halved after ten."""
    torch = pytest.importorskip("torch")
    ours, cls, settings = OPTIMIZED[name]
    weights = {"a": rng.standard_normal((3, 4)), "b": rng.standard_normal(5)}
    tensors = {k: torch.tensor(w, requires_grad=True) for k, w in weights.items()}
    theirs = getattr(torch.optim, cls)(tensors.values(), lr=0.1, **settings)
    state = {}
    for i in range(20):
        lr = 0.1 if i < 10 else 0.05
        gradients = {k: rng.standard_normal(w.shape) for k, w in weights.items()}
        ours.step(weights, gradients, state, lr)
        theirs.param_groups[0]["lr"] = lr
        for k, tensor in tensors.items():
            tensor.grad = torch.from_numpy(gradients[k])
        theirs.step()
    for k, tensor in tensors.items():
        np.testing.assert_allclose(weights[k], tensor.detach().numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("optimizer", [nn.SGD(0.1, 0.9, 0.1, 0.1), nn.Adam(0.1, weight_decay=0.1)])
def test_optimizers_keep_float32_and_the_gradients(optimizer):
    weights, gradients = {"a": np.ones(3, np.float32)}, {"a": np.ones(3, np.float32)}
    state = {}
    for _ in range(3):
        optimizer.step(weights, gradients, state, 0.1)
    assert weights["a"].dtype == np.float32
    assert {s.dtype for name, s in state.items() if not name.endswith("/t")} == {np.dtype("f4")}
    assert (gradients["a"] == 1).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.SGD(lr=-1.0), "lr=-1 must be >= 0"),
        (lambda: nn.SGD(lr=1.0, momentum=1.0), "momentum=1 must be >= 0 and < 1"),
        (lambda: nn.Adam(lr=1.0, beta2=1.5), "beta2=1.5 must be >= 0 and < 1"),
        (lambda: nn.Cosine(period=0.0), "period=0 must be >= 1e-09"),
        (lambda: nn.Cosine(growth=0.5), "growth=0.5 must be >= 1"),
        (lambda: nn.Step(every=0.0), "every=0 must be >= 1e-09"),
    ],
)
def test_wrong_settings_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


SCHEDULED = {
    "one descent": (nn.Cosine(restarts=False), "CosineAnnealingLR", {"T_max": 30}),
    "up again": (nn.Cosine(period=7, restarts=False), "CosineAnnealingLR", {"T_max": 7}),
    "floor": (
        nn.Cosine(period=10, floor=0.01, restarts=False),
        "CosineAnnealingLR",
        {"T_max": 10, "eta_min": 0.002},
    ),
    "restarts": (nn.Cosine(period=7), "CosineAnnealingWarmRestarts", {"T_0": 7}),
    "longer restarts": (
        nn.Cosine(period=3, growth=2, floor=0.1),
        "CosineAnnealingWarmRestarts",
        {"T_0": 3, "T_mult": 2, "eta_min": 0.02},
    ),
    "step": (nn.Step(every=4, factor=0.3), "StepLR", {"step_size": 4, "gamma": 0.3}),
}


@pytest.mark.parametrize("name", SCHEDULED)
def test_schedules_are_those_of_torch(name):
    torch = pytest.importorskip("torch")
    ours, cls, settings = SCHEDULED[name]
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.2)
    theirs = getattr(torch.optim.lr_scheduler, cls)(optimizer, **settings)
    for epoch in range(30):
        assert 0.2 * ours(epoch, 30) == pytest.approx(theirs.get_last_lr()[0], rel=1e-9, abs=1e-12)
        optimizer.step()
        theirs.step()


def test_the_constant_schedule_and_times_within_an_epoch():
    assert nn.Constant()(3.5, 10) == 1
    assert nn.Cosine()(5.0, 10) == pytest.approx(0.5)
    assert nn.Cosine(period=2)(3.0, 10) == pytest.approx(0.5)
    assert nn.Step(every=0.5, factor=0.1)(0.75, 10) == pytest.approx(0.1)


# Initialization


@pytest.mark.parametrize(
    ("scheme", "bound", "variance"),
    [
        ("uniform", 1 / np.sqrt(60), 1 / 180),
        ("xavier", np.sqrt(6 / 300), 2 / 300),
        ("kaiming", np.inf, 2 / 60),
    ],
)
def test_first_weights_have_their_law(scheme, bound, variance):
    """Fans 20·3 and 80·3: U(−b, b) has variance b²/3."""
    make = nn.starting(scheme, seed=1)
    drawn = make("conv.weight", (80, 20, 3), (60, 240))
    assert drawn.dtype == np.float32
    assert np.abs(drawn).max() <= bound
    assert drawn.var() == pytest.approx(variance, rel=0.05)
    assert abs(drawn.mean()) < 0.1 * np.sqrt(variance)
    constants = make("conv.bias", (80,), (60, 240))
    assert (np.abs(constants).max() > 0) == (scheme == "uniform")
    assert np.abs(constants).max() <= 1 / np.sqrt(60)


def test_first_weights_go_by_name_and_seed():
    one, other = nn.starting("uniform", seed=1), nn.starting("uniform", seed=1)
    a, b = one("a", (5,), (3, 3)), one("b", (5,), (3, 3))
    assert (other("b", (5,), (3, 3)) == b).all()
    assert (other("a", (5,), (3, 3)) == a).all()
    assert not (a == b).any()
    assert not (nn.starting("uniform", seed=2)("a", (5,), (3, 3)) == a).any()
    assert one("c", (2,), 0.5).tolist() == [0.5, 0.5]


def test_an_unknown_initialization_is_refused():
    with pytest.raises(InputError, match="unknown initialization 'unifrom'"):
        nn.starting("unifrom", seed=1)


# Edge cases of schedules and losses


def test_restarts_fall_on_whole_periods_whatever_the_rounding():
    cosine = nn.Cosine(period=0.1)
    assert [cosine(step / 30, 10) for step in range(0, 300, 3)] == pytest.approx([1.0] * 100)
    assert nn.Cosine(period=1e-6)(100, 100) <= 1  # at once, not in a loop of 10⁸


@pytest.mark.parametrize("growth", [1.0, 1.5, 2.0])
def test_a_period_begins_at_one_and_ends_at_the_floor(growth):
    cosine = nn.Cosine(period=3.0, growth=growth, floor=0.1)
    starts = [sum(3 * growth**j for j in range(k)) for k in range(5)]
    for start, end in itertools.pairwise(starts):
        assert cosine(start, 100) == pytest.approx(1.0)
        assert cosine(end - 1e-5, 100) == pytest.approx(0.1)


def test_a_step_does_not_climb():
    with pytest.raises(InputError, match="factor=10 must be >= 0 and < 1"):
        nn.Step(every=1, factor=10)


@pytest.mark.parametrize("loss", nn.LOSSES.values())
def test_losses_do_not_broadcast(loss):
    with pytest.raises(InputError, match=r"estimate \(2, 1\) and target \(1, 3\) differ in shape"):
        loss(np.zeros((2, 1)), np.ones((1, 3)))


def test_adam_follows_torch_without_memory():
    """β = 0 leaves v = g²: added and taken away, it would be lost in rounding."""
    torch = pytest.importorskip("torch")
    weights, state = {"a": np.ones(3, np.float32)}, {}
    other = torch.ones(3, requires_grad=True)
    ours, theirs = nn.Adam(lr=0.1, beta1=0, beta2=0), torch.optim.Adam([other], 0.1, (0.0, 0.0))
    for scale in (1.0, 1e3, 1e-3):
        gradient = scale * np.array([1.0, -2.0, 3.0], np.float32)
        other.grad = torch.tensor(gradient)
        theirs.step()
        ours.step(weights, {"a": gradient}, state, 0.1)
    np.testing.assert_allclose(weights["a"], other.detach().numpy(), rtol=1e-5)
