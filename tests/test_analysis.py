"""Jacobians of denoisers: known cases, networks, and `sigbench analyze`."""

import csv
import re
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
import pywt
from scipy.ndimage import gaussian_filter1d

import sigbench
from sigbench import InputError, Pretrained, TorchModule
from sigbench.analysis.jacobian import linearize, stability
from sigbench.analysis.study import places_of, prepared, study
from sigbench.benchmark.methods.resolve import resolve
from sigbench.cli.main import main
from sigbench.core.errors import NoDerivative
from sigbench.networks.models.padding import padded
from sigbench.networks.pretrained.weights import SHIPPED, shipped


def entry(text):
    (method,) = resolve(text)
    return method.entry


def item(shape, seed=0):
    """Return a smooth item with noise."""
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.standard_normal(shape), axis=-1)
    return 100 + 10 * walk + 20 * rng.standard_normal(shape)


# Known cases


def test_the_jacobian_of_a_linear_filter_is_the_filter():
    y = item((1, 60))
    around = linearize(entry("gaussian-blur[width=1.5]"), y)
    delta = np.zeros(60)
    delta[30] = 1
    kernel = gaussian_filter1d(delta, 1.5)
    np.testing.assert_allclose(around.filter_at((0, 30))[0], kernel, atol=1e-7)
    np.testing.assert_allclose(around.constant, 0, atol=1e-6)
    # With half-sample reflection, a symmetric filter is diagonal in the DCT-II.
    response = np.cos(np.pi * np.outer(np.arange(60), np.arange(60) - 30) / 60) @ kernel
    np.testing.assert_allclose(around.svd.s, np.sort(np.abs(response))[::-1], atol=1e-6)
    assert around.effective_dimension == pytest.approx(np.sum(response**2))
    assert around.asymmetry < 1e-6


@dataclass(frozen=True)
class Circular:
    """A circular filter of four taps."""

    def __call__(self, noisy, *, sigma=None):
        return sum(w * np.roll(noisy, k, axis=-1) for k, w in enumerate((0.4, 0.3, 0.2, 0.1)))


def test_singular_values_of_a_circular_filter_are_its_frequency_response():
    around = linearize(Circular(), item((1, 32)))
    response = np.abs(np.fft.fft([0.4, 0.3, 0.2, 0.1], 32))
    np.testing.assert_allclose(around.svd.s, np.sort(response)[::-1], atol=1e-8)
    assert around.effective_dimension == pytest.approx(32 * (0.16 + 0.09 + 0.04 + 0.01))
    assert around.trace == pytest.approx(32 * 0.4)
    np.testing.assert_allclose(
        around.filter_at((0, 5))[0, [5, 4, 3, 2]], [0.4, 0.3, 0.2, 0.1], 1e-7
    )
    assert around.error < 1e-6


@pytest.mark.parametrize("shape", [(1, 64), (1, 16, 16)])
@pytest.mark.parametrize("shrink", ["soft", "hard"])
def test_a_threshold_in_an_orthonormal_frame_is_a_projection(shape, shrink):
    """Its rank is the number of kept coefficients."""
    lam, y = 40.0, item(shape)
    coefficients = pywt.wavedecn(y[0], "haar", mode="periodization", level=3)
    details = [d for level in coefficients[1:] for d in level.values()]
    kept = coefficients[0].size + sum(int((np.abs(d) > lam).sum()) for d in details)
    method = f"wavelet[wavelet=haar,level=3,rule=visu,shrink={shrink},sigma=given]"
    scale = lam / np.sqrt(2 * np.log(y.size))  # the universal threshold is σ·√(2 ln n)
    around = linearize(entry(method), y, sigma=float(scale))
    assert 0 < kept < y.size
    s = around.svd.s
    np.testing.assert_allclose(s[:kept], 1, atol=1e-6)
    np.testing.assert_allclose(s[kept:], 0, atol=1e-6)
    assert around.effective_dimension == pytest.approx(kept, abs=1e-4)
    assert around.trace == pytest.approx(kept, abs=1e-4)
    np.testing.assert_allclose(around.svd.symmetry[:kept], 1, atol=1e-6)
    assert around.asymmetry < 1e-6
    projection = around.jacobian
    np.testing.assert_allclose(projection @ projection, projection, atol=1e-5)


def test_the_constant_of_a_soft_threshold_is_what_it_subtracts():
    y = item((1, 50)) - 100
    around = linearize(entry("l1[transform=identity,lam=5]"), y)
    large = np.abs(y) > 5
    np.testing.assert_allclose(around.constant, np.where(large, -5 * np.sign(y), 0), atol=1e-6)
    assert around.effective_dimension == pytest.approx(large.sum())


def test_a_median_moves_samples():
    y = item((1, 40))
    around = linearize(sigbench.Median(window=3), y)
    rows = around.jacobian
    np.testing.assert_allclose(np.sort(rows, axis=1)[:, -1], 1, atol=1e-6)
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-6)
    assert around.effective_dimension == pytest.approx(40, abs=1e-4)  # not divided by the samples


def test_the_linearization_of_a_linear_filter_is_exact():
    y = item((1, 40))
    exact = stability(Circular(), linearize(Circular(), y))
    assert all(one.error < 1e-6 and np.isnan(one.switched) for one in exact)


def test_the_error_of_a_zero_jacobian_is_0_without_changes_and_1_with_changes():
    def above(noisy, sigma=None):
        return np.where(noisy > 1.0, noisy, 0.0)

    below = linearize(above, np.full((1, 200), 0.5), level=0.5)
    assert (below.effective_dimension, below.error) == (0.0, 0.0)
    near, *_, far = stability(above, below)
    assert (near.error, far.error) == (0.0, 1.0)


@dataclass(frozen=True)
class Halved:
    """y/2, computed in float32."""

    def __call__(self, noisy, *, sigma=None):
        return (noisy.astype(np.float32) / 2).astype(noisy.dtype)


@pytest.mark.parametrize("level", [25.0, 1.0, 0.1])
def test_steps_hidden_by_rounding_give_an_error(level):
    y = 128 + 50 * np.random.default_rng(0).standard_normal((1, 16))
    rough = linearize(Halved(), y, level=level, step=1e-6)
    wrong = np.abs(rough.jacobian - np.eye(16) / 2).max()
    assert wrong > 0.05
    assert rough.error > 0.02
    fine = linearize(Halved(), y, level=level, step=1.0)
    np.testing.assert_allclose(fine.jacobian, np.eye(16) / 2, atol=1e-3)
    assert fine.error < 1e-3


@pytest.mark.parametrize("level", [100.0, 30.0, 3.0])
def test_the_step_is_as_fine_as_the_arithmetic_allows(level):
    y = 128 + 50 * np.random.default_rng(0).standard_normal((1, 16))
    around = linearize(Halved(), y, level=level)
    np.testing.assert_allclose(around.jacobian, np.eye(16) / 2, atol=2e-3)
    assert around.error < 2e-3


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_step_that_is_fine_for_a_few_samples_only_is_not_used(dtype):
    """Zeros change by any step, even where all other samples are rounded."""
    y = 128 + 50 * np.random.default_rng(0).standard_normal((1, 64))
    y[0, :5] = 0
    around = linearize(
        lambda noisy, sigma=None: (noisy.astype(dtype) / 2).astype(np.float64), y, level=30.0
    )
    np.testing.assert_allclose(around.jacobian, np.eye(64) / 2, atol=0.02)
    assert around.error < 0.02


def test_rounded_estimates_need_steps_larger_than_the_rounding():
    y = item((1, 200))
    around = linearize(lambda noisy, sigma=None: np.round(noisy), y, level=30.0)
    np.testing.assert_allclose(around.jacobian, np.eye(200), atol=0.2)
    fine = linearize(lambda noisy, sigma=None: np.round(noisy), y, level=30.0, step=1e-6)
    assert (fine.effective_dimension, fine.error) == (0.0, 1.0)


def test_the_jacobian_of_a_constant_is_zero():
    around = linearize(lambda noisy, sigma=None: np.ones_like(noisy), item((1, 20)))
    assert (around.effective_dimension, around.error) == (0.0, 0.0)


@pytest.mark.parametrize("options", [{"level": 1e-9}, {"level": 1e-3, "step": 1e-12}])
def test_no_step_is_too_small_for_float64(options):
    y = np.full((1, 8), 200.0)
    np.testing.assert_allclose(linearize(Circular(), y, **options).trace, 3.2, rtol=1e-4)


def test_a_module_without_a_derivative_is_measured():
    torch = pytest.importorskip("torch")

    class Detached(torch.nn.Module):
        def forward(self, y):
            return 0.5 * y.detach()

    class InPlace(torch.nn.Module):
        def forward(self, y):
            return y.mul_(0.5)

    y = item((1, 12)).astype(np.float32)
    with pytest.raises(NoDerivative, match="torch cannot differentiate Detached"):
        linearize(TorchModule(Detached()), y, by="autograd")
    assert linearize(TorchModule(Detached()), y, step=0.05).by == "differences"
    around = linearize(TorchModule(InPlace()), y)
    assert around.by == "autograd"
    np.testing.assert_allclose(around.jacobian, np.eye(12) / 2, atol=1e-6)


def test_a_jump_gives_an_error():
    """A hard threshold is not differentiable at its threshold: differences across it disagree."""

    @dataclass(frozen=True)
    class Jump:
        def __call__(self, noisy, *, sigma=None):
            return np.where(noisy + np.roll(noisy, 1, axis=-1) > 200.0, noisy, 0.0)

    y = np.full((1, 20), 100.0)
    assert linearize(Jump(), y).error > 0.05
    assert linearize(Jump(), y + 1).error < 1e-6


# Networks


def items_of(name):
    """Return an item for a network, of a size that is not a multiple of its strides."""
    network = shipped(name).network
    shape = (77,) if network.axes == 1 else (7, 6)
    y = item((network.channels[0], *shape), seed=3)
    return y if network.axes == 2 else (y - 100) / 20


@pytest.mark.parametrize("engine", ["numpy", "torch"])
@pytest.mark.parametrize("name", SHIPPED)
def test_autograd_and_differences_agree(name, engine):
    if engine == "torch":
        pytest.importorskip("torch")
    y, net = items_of(name), Pretrained(name, engine=engine)
    by_differences = linearize(net, y, by="differences", step=1e-7)
    if getattr(shipped(name).network, "prior", False):  # this branch has no derivative
        with pytest.raises(NoDerivative, match="no gradient passes through local_mean_response"):
            linearize(net, y, by="autograd")
        assert linearize(net, y).by == "differences"
        return
    by_autograd = linearize(net, y)
    assert (by_autograd.by, by_differences.by) == ("autograd", "differences")
    size = np.linalg.norm(by_autograd.jacobian)
    assert np.linalg.norm(by_autograd.jacobian - by_differences.jacobian) < 1e-4 * size
    assert by_autograd.error < 1e-3


def test_the_derivative_in_float32_differs_by_rounding_only():
    name = next(name for name in SHIPPED if shipped(name).network.axes == 2)
    y = items_of(name)
    wide, narrow = (linearize(Pretrained(name), y.astype(d)) for d in (np.float64, np.float32))
    difference = np.linalg.norm(wide.jacobian - narrow.jacobian)
    assert 0 < difference < 1e-3 * np.linalg.norm(wide.jacobian)


def test_autograd_is_for_networks_only():
    with pytest.raises(InputError, match="by=autograd is for networks: Median"):
        linearize(sigbench.Median(), item((1, 20)), by="autograd")


def module(torch):
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.Conv2d(4, 4, 3, padding=1),
        torch.nn.LeakyReLU(0.1),
        torch.nn.Conv2d(4, 1, 3, padding=1),
    )


@pytest.mark.parametrize("multiple", [1, 4])
def test_a_module_of_ones_own(multiple):
    torch = pytest.importorskip("torch")
    net = TorchModule(module(torch), data_range=(0, 255), module_range=(-1, 1), multiple=multiple)
    double = module(torch).double()

    def exact(noisy, sigma=None):
        """Return the estimates of the same network, computed in float64."""
        lengths = [n + -n % multiple for n in noisy.shape[2:]]
        batch = torch.from_numpy(padded(noisy / 127.5 - 1, lengths, "reflect"))
        with torch.no_grad():
            return (double(batch).numpy() + 1)[..., :7, :10] * 127.5

    y, eps = item((1, 7, 10)), float(np.finfo(np.float32).eps)
    a, c = linearize(net, y), linearize(exact, y)
    assert a.by == "autograd"
    norm = np.linalg.norm(c.jacobian)
    # At most 81 products and sums lie between a sample and its derivative, each rounded by eps/2.
    assert np.linalg.norm(a.jacobian - c.jacobian) < 81 * eps * norm
    assert c.error < 1e-6
    # The module computes with values of about 1, or 127.5 in the units of the item, in float32. A
    # sample of a difference of two estimates is therefore wrong by up to 2 * 127.5 * eps, and a
    # derivative by that over twice the step, whatever the order in which a processor sums. Measured
    # with the code paths of several processors, the errors are 0.12 to 0.30 of 127.5 * eps (rms).
    rounding = 127.5 * eps
    b = linearize(net, y, by="differences", step=1e-3)
    assert np.linalg.norm(a.jacobian - b.jacobian) < y.size * rounding / (1e-3 * a.scale)
    # `error` is that of the best step: 1e-4, at which no ReLU switches, so only rounding remains.
    # Its four directions w are fixed, and norm(A w) > norm(A) / 2 in each.
    assert a.error < np.sqrt(y.size) * rounding / (1e-4 * a.scale) / (norm / 2)
    pixels = 8 * 12 if multiple == 4 else 70
    assert net.active(y[None]).shape == (1, 2 * 4 * pixels)
    near, *_, far = stability(net, a)
    assert near.switched < far.switched < 1


@pytest.mark.parametrize("layout", ["channels-last", "no-channels"])
def test_a_module_of_another_layout(layout):
    torch = pytest.importorskip("torch")

    class Other(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = module(torch)

        def forward(self, y):
            if layout == "no-channels":
                return self.inner(y[:, None])[:, 0]
            return self.inner(y.movedim(-1, 1)).movedim(1, -1)

    y = item((1, 6, 9))
    plain = linearize(TorchModule(module(torch)), y)
    other = linearize(TorchModule(Other(), layout=layout), y)
    np.testing.assert_allclose(other.jacobian, plain.jacobian, atol=1e-6)


def test_a_module_that_is_given_the_noise_level():
    torch = pytest.importorskip("torch")

    class Scaled(torch.nn.Module):
        def forward(self, y, sigma):
            return y / (1 + sigma.reshape(-1, 1, 1))

    net, y = TorchModule(Scaled(), sigma="argument"), item((1, 30))
    given = linearize(net, y, sigma=3.0)
    assert given.by == "autograd"
    np.testing.assert_allclose(given.jacobian, np.eye(30) / 4, atol=1e-6)
    with pytest.raises(NoDerivative, match="a derivative needs the noise level; give sigma"):
        linearize(net, y, by="autograd")
    assert linearize(net, y, step=0.05).by == "differences"


# Bad input


def test_bad_input_is_rejected():
    y = item((1, 20))
    with pytest.raises(InputError, match=r"by='magic' must be one of: auto, autograd, differences"):
        linearize(Circular(), y, by="magic")
    with pytest.raises(
        InputError, match=r"an item of 8193 samples has a Jacobian of 8193² values: at most"
    ):
        linearize(Circular(), np.zeros((1, 8193)))
    with pytest.raises(InputError, match=r"step=0 must be >= 1e-12"):
        linearize(Circular(), y, step=0)
    with pytest.raises(
        InputError, match=r"place=\(0, 20\) is not an index of an item of shape \(1, 20\)"
    ):
        linearize(Circular(), y).filter_at((0, 20))
    with pytest.raises(
        InputError, match=r"the method returned \(1, 1, 10\), not an array of shape"
    ):
        linearize(lambda noisy, sigma=None: noisy[..., ::2], np.zeros((1, 20)))
    with pytest.raises(InputError, match="the method changed its input"):
        linearize(lambda noisy, sigma=None: np.multiply(noisy, 2, out=noisy), y)
    with pytest.raises(InputError, match="the method returned complex128, not floating-point"):
        linearize(lambda noisy, sigma=None: noisy * 1j, y)
    with pytest.raises(InputError, match="values that are not finite"):
        linearize(lambda noisy, sigma=None: noisy * np.nan, y)


def test_places():
    image = np.zeros((1, 32, 32))
    image[0, :, 20:] = 100
    image += np.random.default_rng(0).normal(size=image.shape) * 1e-3
    edge, flat = places_of(image)
    assert edge[1] in (19, 20)
    assert abs(flat[1] - 19.5) > 4


# The command


SUITE = """
seeds = [1]
metrics = ["psnr"]
[[problems]]
name = "sigma-{sigma}"
dataset = "demo-signals[signal=blocks,n=64]"
degradation = "gaussian[sigma=[1,2,4]]"
items = 6
train_items = 5
[[methods]]
name = "blur"
method = "gaussian-blur[width=1]"
[[methods]]
name = "blur-tuned"
method = "gaussian-blur"
tune = { width = [0.5, 1.0] }
[[methods]]
name = "shrunk"
method = "l1[transform=identity,lam_over_sigma=1]"
sigma = "given"
"""


def rows_of(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_tables_and_figures(here, capsys):
    pytest.importorskip("matplotlib")
    (here / "s.toml").write_text(SUITE)
    call = ["analyze", "jacobian", "s.toml", "-m", "blur", "shrunk", "blur-tuned", "--items", "3"]
    assert main(call) == 0
    out = capsys.readouterr().out
    assert "blur: effective dimension over σ = 1…4: slope 0.00 on logarithmic axes" in out
    folder = here / "analysis" / "s"
    rows = rows_of(folder / "jacobians.csv")
    assert len(rows) == 3 * 3 * 3
    blur = [float(r["effective_dimension"]) for r in rows if r["method"] == "blur"]
    assert max(blur) - min(blur) < 1e-4
    assert {r["by"] for r in rows} == {"differences"}
    assert all(float(r["constant"]) < 1e-5 for r in rows if r["method"] != "shrunk")
    assert len(rows_of(folder / "spectra.csv")) == 3 * 3 * 64
    weights = [float(r["weight"]) for r in rows_of(folder / "filters.csv") if r["method"] == "blur"]
    assert len(weights) == 3 * 2 * 64
    assert len(rows_of(folder / "stability.csv")) == 3 * 3 * 5
    levels = rows_of(folder / "effective_dimension.csv")
    assert [r["sigma"] for r in levels if r["method"] == "blur"] == ["1", "2", "4"]
    for name in ("effective-dimension", "jacobian-sigma-1", "jacobian-sigma-4"):
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_finished_studies_are_reused(here, monkeypatch):
    (here / "s.toml").write_text(SUITE)
    call = ["analyze", "jacobian", "s.toml", "-m", "blur", "-p", "sigma-1", "--quiet"]
    assert main(call) == 0
    table = (here / "analysis/s/jacobians.csv").read_bytes()
    assert main([*call, "--items", "3"]) == 0  # the first item is already computed
    assert len(list((here / "analysis/s/studies").iterdir())) == 3
    monkeypatch.setattr("sigbench.analysis.command.study", None)
    assert main(call) == 0
    assert (here / "analysis/s/jacobians.csv").read_bytes() == table
    for other in (["--at", "9"], ["--step", "1e-3"], ["--seed", "2"], ["--by", "autograd"]):
        assert main([*call, *other]) == 1  # other settings need a new study


def test_an_edited_method_is_computed_again(here):
    (here / "s.toml").write_text(SUITE)
    for factor in ("0.5", "0.25"):
        (here / "own_factor.py").write_text(f"def f(noisy):\n    return {factor} * noisy\n")
        call = ["analyze", "jacobian", "s.toml", "-m", "own_factor:f", "-p", "sigma-1", "--quiet"]
        done = subprocess.run([sys.executable, "-m", "sigbench", *call], check=False)
        assert done.returncode == 0
        (row,) = rows_of(here / "analysis/s/jacobians.csv")
        assert float(row["trace"]) == pytest.approx(64 * float(factor))


def test_a_learner_is_fitted_once(here, monkeypatch):
    (here / "s.toml").write_text(SUITE)
    fitted = []

    def counted(problem, method):
        fitted.append((problem.name, method.name))
        return prepared(problem, method)

    monkeypatch.setattr("sigbench.analysis.command.prepared", counted)
    call = ["analyze", "jacobian", "s.toml", "-m", "blur-tuned", "-p", "sigma-1", "--quiet"]
    assert main([*call, "--at", "64"]) == 2  # before fitting
    assert main([*call, "--step", "0"]) == 2
    assert fitted == []
    assert main([*call, "--items", "3"]) == 0
    assert fitted == [("sigma-1", "blur-tuned")]


def test_figures_of_other_settings_are_deleted(here):
    pytest.importorskip("matplotlib")
    (here / "s.toml").write_text(SUITE)
    call = ["analyze", "jacobian", "s.toml", "-m", "blur", "--quiet", "-p"]
    for problem in ("sigma-1", "sigma-2"):
        assert main([*call, problem]) == 0
        (figure,) = (here / "analysis/s").glob("*.png")
        assert figure.name == f"jacobian-{problem}.png"


def test_an_interrupted_analysis_is_resumed_at_the_next_item(here, monkeypatch, capsys):
    (here / "s.toml").write_text(SUITE)
    asked = []

    def watched(*args, item, **options):
        asked.append(item)
        if item == 2 and asked.count(2) == 1:
            raise KeyboardInterrupt
        return study(*args, item=item, **options)

    monkeypatch.setattr("sigbench.analysis.command.study", watched)
    call = ["analyze", "jacobian", "s.toml", "-m", "blur", "-p", "sigma-1", "--items", "4"]
    assert main(call) == 130
    assert "run the same command again to resume" in capsys.readouterr().err
    assert main(call) == 0
    assert asked == [0, 1, 2, 2, 3]


def test_a_failing_method_does_not_stop_the_others(here, capsys):
    (here / "s.toml").write_text(SUITE)
    (here / "raising.py").write_text("def bad(noisy):\n    raise RuntimeError('no')\n")
    call = ["analyze", "jacobian", "s.toml", "-m", "blur", "raising:bad", "shrunk", "-p", "sigma-2"]
    assert main([*call, "--items", "2"]) == 1
    out, err = capsys.readouterr()
    assert err.splitlines() == ["sigbench: raising:bad failed on sigma-2: RuntimeError: no"]
    assert "| blur " in out
    rows = rows_of(here / "analysis/s/jacobians.csv")
    assert [row["method"] for row in rows] == ["blur", "blur", "shrunk", "shrunk"]


@pytest.mark.parametrize(
    ("source", "note"),
    [
        (
            "np.where(noisy > 0, noisy, 0) * np.sign(np.sin(1e7 * noisy))",
            "the method is not differentiable here",
        ),
        ("np.round(noisy / 4)", "A is zero, but the estimate changes 1 noise level"),
        (
            "np.where(np.sin(9 * noisy) > 0, noisy + 5, noisy - 5)",
            "jumps or bends within 0.01 noise levels of an item",
        ),
    ],
)
def test_notes_on_a_method(here, capsys, source, note):
    (here / "s.toml").write_text(SUITE)
    (here / "rough.py").write_text(f"import numpy as np\ndef f(noisy):\n    return {source}\n")
    call = ["analyze", "jacobian", "s.toml", "-m", "blur", "rough:f", "-p", "sigma-2"]
    assert main(call) == 0
    (line,) = [one for one in capsys.readouterr().out.splitlines() if one.startswith("rough:f:")]
    assert note in line


def test_intervals_of_an_effective_dimension_are_positive(here):
    (here / "s.toml").write_text(SUITE)
    assert main(["analyze", "jacobian", "s.toml", "-m", "shrunk", "--items", "2", "--quiet"]) == 0
    for row in rows_of(here / "analysis/s/effective_dimension.csv"):
        assert 0 < float(row["ci_low"]) < float(row["mean"]) < float(row["ci_high"])


def test_a_damaged_study_is_named(here, capsys):
    (here / "s.toml").write_text(SUITE)
    call = ["analyze", "jacobian", "s.toml", "-m", "blur", "-p", "sigma-1", "--quiet"]
    assert main(call) == 0
    (path,) = (here / "analysis/s/studies").iterdir()
    whole = path.read_bytes()
    for damaged in (whole[:500], whole[:-1], b"", whole[:2000] + b"x" + whole[2001:]):
        path.write_bytes(damaged)
        assert main(call) == 2
        assert "it is damaged or not a file of an analysis: delete it" in capsys.readouterr().err


def test_levels_of_different_datasets_are_separate_curves(here):
    (here / "s.toml").write_text(
        SUITE.replace("n=64", "n=[32,64]").replace('"sigma-{sigma}"', '"{n}-sigma-{sigma}"')
    )
    assert main(["analyze", "jacobian", "s.toml", "-m", "blur", "blur", "--quiet"]) == 0
    levels = rows_of(here / "analysis/s/effective_dimension.csv")
    names = list(dict.fromkeys(row["method"] for row in levels))
    assert names == ["blur on 32-sigma-1, ...", "blur on 64-sigma-1, ..."]
    assert len(levels) == 6
    assert len(rows_of(here / "analysis/s/jacobians.csv")) == 6  # the same method twice counts once


def test_items_from_a_later_one(here):
    (here / "s.toml").write_text(SUITE)
    call = ["analyze", "jacobian", "s.toml", "-m", "blur", "-p", "sigma-1", "--quiet"]
    assert main([*call, "--from", "3", "--items", "2"]) == 0
    assert [r["item"] for r in rows_of(here / "analysis/s/jacobians.csv")] == ["3", "4"]
    assert {r["item"] for r in rows_of(here / "analysis/s/spectra.csv")} == {"3"}


def test_filters_of_chosen_samples(here):
    (here / "s.toml").write_text(SUITE)
    call = ["analyze", "jacobian", "s.toml", "-m", "blur", "-p", "sigma-1", "--quiet", "--at"]
    assert main([*call, "9", "30", "-o", "out"]) == 0
    assert {r["of"] for r in rows_of(here / "out" / "filters.csv")} == {"9", "30"}


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (["table1", "-m", "nope"], "unknown method 'nope'"),
        (
            ["system-function", "-m", "least-squares"],
            "is system identification: it has no noisy items",
        ),
        (["table1", "-m", "noisy", "--at", "x"], "--at x must be whole numbers, such as 50"),
        (
            ["table1", "-m", "noisy", "--at", "100"],
            "at=100 must be a sample of the items, from 0 to 99",
        ),
        (
            ["table1", "-m", "noisy", "--at", *"12345"],
            "5 samples are too many: at most 4 can be shown",
        ),
        (["table1", "-m", "noisy", "--items", "0"], "items=0 must be >= 1"),
        (
            ["images32", "-p", "subsample-4", "-m", "noisy", "--from", "236"],
            "from=236 must be < 236, the number of items of subsample-4",
        ),
        (["table1", "-m", "noisy", "--from", "-1"], "from=-1 must be >= 0"),
        (["table1", "-m", "noisy", "--step", "-1"], "step=-1 must be >="),
        (["table1", "-m", "noisy", "-o", "file"], "file is not a folder"),
        (["table1", "-m", "noisy", "-o", "other"], "other is not empty and not an analysis"),
    ],
)
def test_a_wrong_call_is_one_line(here, capsys, call, error):
    (here / "file").write_text("x")
    (here / "other").mkdir()
    (here / "other" / "mine.txt").write_text("x")
    assert main(["analyze", "jacobian", *call]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("sigbench: error: ")
    assert re.search(error, line), line


def test_a_method_that_raises_is_named(here, capsys):
    (here / "raising.py").write_text("def bad(noisy):\n    raise RuntimeError('no')\n")
    assert main(["analyze", "jacobian", "table1", "-m", "raising:bad"]) == 1
    assert "raising:bad failed on sparse-spikes: RuntimeError: no" in capsys.readouterr().err


def test_an_oracle_sees_the_clean_item(here):
    suite = sigbench.load("signals").select(problems=["blocks-snr7"], items=1)
    (method,) = suite.find(["ideal-projection"])
    (problem,) = suite.problems
    s = study(problem, prepared(problem, method), item=0, sigma_given=method.sigma_given).portrait.s
    assert np.all((np.abs(s - 1) < 1e-6) | (np.abs(s) < 1e-6))
