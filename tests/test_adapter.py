"""Any torch.nn.Module as a method: declarations, compared with computations by hand."""

import copy
import dataclasses
import json
import pickle
import subprocess
import sys
from pathlib import Path

import cloudpickle
import numpy as np
import pytest

from sigbench import InputError, SureTuned, TorchModule
from sigbench.benchmark.methods.building import as_entry
from sigbench.benchmark.methods.describe import describe
from sigbench.benchmark.methods.resolve import Method
from sigbench.cli.main import main
from sigbench.core.fingerprint import identity
from sigbench.denoisers.noise_level import estimate_sigma

torch = pytest.importorskip("torch")

SIGNALS, IMAGES = (3, 2, 7), (3, 2, 6, 5)


GIVEN = []


class Recorder(torch.nn.Module):
    """Returns its first input (without the noise-level map) and records its arguments."""

    def __init__(self, drop=False):
        super().__init__()
        self.drop = drop

    def forward(self, *inputs):
        GIVEN[:] = [i.clone() for i in inputs]
        return inputs[0][:, :-1] if self.drop else inputs[0]


def given():
    return [i.numpy() for i in GIVEN]


def doubling(dim=1, channels=1):
    """A convolution that doubles its input: one multiplication per sample."""
    conv = (torch.nn.Conv1d if dim == 1 else torch.nn.Conv2d)(channels, channels, 1, bias=False)
    with torch.no_grad():
        conv.weight[...] = 2 * torch.eye(channels).reshape(conv.weight.shape)
    return conv


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [SIGNALS, IMAGES])
@pytest.mark.parametrize(
    ("data_range", "module_range"),
    [((0, 1), (0, 1)), ((0, 255), (0, 1)), ((0, 255), (-1, 1)), ((-3, 5), (2, 3))],
)
def test_range_by_hand(rng, dtype, shape, data_range, module_range):
    """x̂ = (f(s·y + t) − t)/s, of f(v) = 2v: 2y + t/s."""
    y = (100 * rng.random(shape)).astype(dtype)
    before = y.copy()
    adapted = TorchModule(
        doubling(len(shape) - 2, 2), data_range=data_range, module_range=module_range
    )
    slope = (module_range[1] - module_range[0]) / (data_range[1] - data_range[0])
    offset = module_range[0] - slope * data_range[0]
    estimate = adapted(y)
    assert (estimate.dtype, type(estimate)) == (dtype, np.ndarray)
    # The module works in float32, on values up to 2·(100·slope + |offset|).
    rounding = 8 * np.finfo(np.float32).eps * (100 + abs(offset / slope))
    np.testing.assert_allclose(estimate, 2 * y + offset / slope, rtol=0, atol=rounding)
    np.testing.assert_array_equal(y, before)


@pytest.mark.parametrize(
    ("layout", "shape", "seen"),
    [
        ("channels-first", SIGNALS, (3, 2, 7)),
        ("channels-last", SIGNALS, (3, 7, 2)),
        ("no-channels", (3, 1, 7), (3, 7)),
        ("channels-first", IMAGES, (3, 2, 6, 5)),
        ("channels-last", IMAGES, (3, 6, 5, 2)),
        ("no-channels", (3, 1, 6, 5), (3, 6, 5)),
    ],
)
def test_layout_as_the_module_sees_it(rng, layout, shape, seen):
    y = rng.standard_normal(shape).astype(np.float32)
    np.testing.assert_array_equal(TorchModule(Recorder(), layout)(y), y)
    (batch,) = given()
    assert (batch.shape, batch.dtype) == (seen, np.float32)
    where = {"channels-first": y, "channels-last": np.moveaxis(y, 1, -1), "no-channels": y[:, 0]}
    np.testing.assert_array_equal(batch, where[layout])


def test_a_layer_over_channels_needs_them_last(rng):
    """torch.nn.Linear works on the last axis: here it swaps the channels of every sample."""
    swap = torch.nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        swap.weight[...] = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    y = rng.standard_normal(IMAGES).astype(np.float32)
    np.testing.assert_array_equal(TorchModule(swap, "channels-last")(y), y[:, ::-1])


LEVELS = np.array([10.0, 20.0, 30.0])


@pytest.mark.parametrize(
    ("layout", "convention", "shape"),
    [
        ("channels-first", "argument", (3,)),
        ("channels-last", "argument", (3,)),
        ("no-channels", "argument", (3,)),
        ("channels-first", "broadcast", (3, 1, 1, 1)),
        ("channels-last", "broadcast", (3, 1, 1, 1)),
        ("no-channels", "broadcast", (3, 1, 1)),
    ],
)
@pytest.mark.parametrize("multiple", [1, 4])
def test_sigma_as_an_argument_is_scaled_by_the_slope_alone(
    rng, layout, convention, shape, multiple
):
    y = rng.random((3, 1, 6, 5))
    adapted = TorchModule(
        Recorder(), layout, convention, data_range=(0, 255), module_range=(-1, 1), multiple=multiple
    )
    adapted(y, sigma=LEVELS)
    _, sigma = given()
    assert (sigma.shape, sigma.dtype) == (shape, np.float32)
    np.testing.assert_allclose(sigma.ravel(), LEVELS * 2 / 255, rtol=1e-6)


@pytest.mark.parametrize("shape", [SIGNALS, IMAGES])
def test_sigma_as_a_map_is_the_last_channel(rng, shape):
    y = rng.random(shape)
    adapted = TorchModule(Recorder(drop=True), sigma="map", data_range=(0, 10))
    np.testing.assert_allclose(adapted(y, sigma=LEVELS), y, rtol=1e-6)
    (batch,) = given()
    assert batch.shape == (3, 3, *shape[2:])
    for level, item in zip(LEVELS, batch, strict=True):
        np.testing.assert_allclose(item[-1], np.full(shape[2:], level / 10), rtol=1e-6)


def test_a_map_among_the_last_channels(rng):
    class First(torch.nn.Module):
        def forward(self, batch):
            return batch[..., :1] / batch[..., 1:]

    y = rng.random((2, 1, 5))
    estimate = TorchModule(First(), "channels-last", "map")(y, sigma=np.array([2.0, 4.0]))
    np.testing.assert_allclose(estimate, y / np.array([2.0, 4.0])[:, None, None], rtol=1e-6)


def test_what_is_not_told_is_estimated(rng):
    y = 255 * rng.random((2, 1, 64))
    TorchModule(Recorder(), sigma="argument", data_range=(0, 255))(y)
    np.testing.assert_allclose(given()[1], estimate_sigma(y) / 255, rtol=1e-6)
    TorchModule(Recorder())(y, sigma=3.0)  # blind: sigma is not passed on
    assert len(given()) == 1


@pytest.mark.parametrize("shape", [(2, 1, 13), (2, 1, 1), (2, 3, 9, 16), (2, 3, 2, 5)])
@pytest.mark.parametrize("layout", ["channels-first", "channels-last"])
def test_odd_sizes_are_reflected_to_a_multiple_and_cropped(rng, shape, layout):
    y = rng.standard_normal(shape).astype(np.float32)
    np.testing.assert_array_equal(TorchModule(Recorder(), layout, multiple=8)(y), y)
    batch = given()[0] if layout == "channels-first" else np.moveaxis(given()[0], -1, 1)
    assert all(n % 8 == 0 and n < m + 8 for n, m in zip(batch.shape[2:], shape[2:], strict=True))
    np.testing.assert_array_equal(batch[tuple(map(slice, shape))], y)
    if shape == (2, 1, 13):
        np.testing.assert_array_equal(batch[..., 13:], y[..., [11, 10, 9]])


def test_a_network_that_halves_and_doubles_needs_the_multiple(rng):
    net = torch.nn.Sequential(torch.nn.AvgPool1d(4), torch.nn.Upsample(scale_factor=4))
    y = rng.standard_normal((2, 1, 10))
    with pytest.raises(InputError, match=r"returned shape \(2, 1, 8\): it must be \(2, 1, 10\)"):
        TorchModule(net)(y)
    estimate = TorchModule(net, multiple=4)(y)
    means = np.array([y[..., :4], y[..., 4:8], y[..., [8, 9, 8, 7]]]).mean(axis=-1)
    np.testing.assert_allclose(estimate[..., ::4], np.moveaxis(means, 0, -1), rtol=1e-5)


def test_the_users_module_stays_as_it_was(rng):
    net = torch.nn.Sequential(torch.nn.BatchNorm1d(1), torch.nn.Dropout(0.5)).double().train()
    before = copy.deepcopy(net.state_dict())
    y = rng.standard_normal((4, 1, 50))
    adapted = TorchModule(net)
    first = adapted(y)
    np.testing.assert_array_equal(adapted(y), first)  # no dropout in evaluation mode
    np.testing.assert_allclose(first, y / np.sqrt(1 + 1e-5), rtol=1e-6)  # the running statistics
    assert net.training
    assert all(part.training for part in net.modules())
    assert net[0].weight.dtype == torch.float64
    for name, tensor in net.state_dict().items():
        assert torch.equal(tensor, before[name])
    with torch.no_grad():
        net[0].weight += 1  # later changes are ignored: the digest would be wrong
    np.testing.assert_array_equal(adapted(y), first)


def test_state_that_a_module_keeps_is_gone_after_a_call(rng):
    class Counting(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.calls = 0
            self.register_buffer("total", torch.zeros(1))

        def forward(self, batch):
            self.calls += 1
            self.total += self.calls
            return batch + self.total

    y = rng.standard_normal((1, 1, 5)).astype(np.float32)
    adapted = TorchModule(Counting())
    for _ in range(2):
        np.testing.assert_array_equal(adapted(y), y + np.float32(1))
    assert adapted.module.calls == 0


def test_a_denoiser_that_is_a_gradient(rng):
    """Like deepinv's GSDRUNet: x̂ = y − ∇g(y), with g = ‖y‖²/8."""

    class Gradient(torch.nn.Module):
        def forward(self, batch):
            with torch.enable_grad():
                batch = batch.requires_grad_()
                potential = batch.square().sum() / 8
                (gradient,) = torch.autograd.grad(potential, batch)
            return batch - gradient

    y = rng.standard_normal((2, 1, 5)).astype(np.float32)
    np.testing.assert_allclose(TorchModule(Gradient())(y), 0.75 * y, rtol=1e-6)


def seeded(seed, **attributes):
    torch.manual_seed(seed)
    net = torch.nn.Sequential(torch.nn.Conv1d(1, 2, 3, padding=1), torch.nn.Conv1d(2, 1, 1))
    for name, value in attributes.items():
        setattr(net, name, value)
    return net


def test_equal_where_declarations_and_weights_are():
    one, same = TorchModule(seeded(1)), TorchModule(seeded(1).double().eval())
    assert (one, hash(one), repr(one)) == (same, hash(same), repr(same))
    assert json.dumps(identity(one)) == json.dumps(identity(same))
    assert Method("x", one).key == Method("y", same).key
    others = [
        TorchModule(seeded(2)),
        TorchModule(seeded(1, gain=2.0)),
        TorchModule(seeded(1, gain=3.0)),
        TorchModule(seeded(1, taps=[torch.ones(2)])),
        TorchModule(seeded(1, taps=[torch.zeros(2)])),
        TorchModule(seeded(1), "channels-last"),
        TorchModule(seeded(1), sigma="map"),
        TorchModule(seeded(1), data_range=(0, 2)),
        TorchModule(seeded(1), module_range=(0, 2)),
        TorchModule(seeded(1), multiple=2),
        TorchModule(torch.nn.Conv1d(1, 1, 1)),
        TorchModule(torch.nn.Dropout(0.5)),
        TorchModule(torch.nn.Dropout(0.25)),
    ]
    assert len({one, *others}) == 1 + len(others)
    assert len({Method("x", entry).key for entry in (one, *others)}) == 1 + len(others)


def test_ranges_as_lists_are_the_same():
    ranges = {"data_range": [0, 255], "module_range": [-1, 1]}
    assert TorchModule(doubling(), **ranges) == TorchModule(
        doubling(), data_range=(0.0, 255.0), module_range=(-1.0, 1.0)
    )


def test_what_it_says_of_itself():
    net = TorchModule(doubling(channels=3), sigma="argument")
    assert (net.info.name, net.info.family, net.info.uses_sigma) == ("Conv1d", "network", True)
    assert (net.n_params, net.device) == (9, "cpu")
    assert not TorchModule(doubling()).info.uses_sigma
    assert repr(net).startswith("TorchModule(layout='channels-first', sigma='argument', ")
    assert "network='Conv1d@" in repr(net)
    assert describe(net).startswith("layout=channels-first, sigma=argument, data_range=[0,1], ")
    tuned = SureTuned(net, {"data_range": [(0, 1), (0, 2)]})
    assert "\n" not in describe(net) + describe(tuned)


@pytest.mark.parametrize(
    ("module", "sigma", "told", "knowledge"),
    [
        (doubling(), "none", False, "fitted"),
        (doubling(), "argument", True, "fitted"),
        (Recorder(), "none", True, "none"),
        (Recorder(), "argument", True, "sigma"),
        (Recorder(), "argument", False, "blind"),
    ],
)
def test_parameters_are_learned_knowledge(module, sigma, told, knowledge):
    assert Method("x", TorchModule(module, sigma=sigma), told).knowledge(True) == knowledge


@pytest.mark.parametrize("through", [pickle, cloudpickle])
def test_it_travels(rng, through):
    adapted = TorchModule(seeded(1), data_range=(0, 255))
    arrived = through.loads(through.dumps(adapted))
    y = rng.standard_normal((2, 1, 9))
    assert arrived == adapted
    np.testing.assert_array_equal(arrived(y), adapted(y))
    assert dataclasses.replace(adapted, multiple=1) == adapted


def test_importing_it_loads_no_torch():
    code = "import sys; from sigbench import TorchModule; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


class Wrong(torch.nn.Module):
    def __init__(self, what):
        super().__init__()
        self.what = what

    def forward(self, batch):
        results = {
            "tuple": (batch, batch),
            "array": batch.numpy(),
            "shape": batch[..., 1:],
            "channels": torch.cat([batch, batch], 1),
            "complex": torch.complex(batch, batch),
        }
        return results[self.what]


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("tuple", r"Wrong returned a tuple: it must be one tensor of shape \(2, 1, 5\)"),
        ("array", r"Wrong returned a ndarray: it must be one tensor of shape \(2, 1, 5\)"),
        ("shape", r"Wrong returned shape \(2, 1, 4\): it must be \(2, 1, 5\)"),
        ("channels", r"Wrong returned shape \(2, 2, 5\): it must be \(2, 1, 5\)"),
        ("complex", r"Wrong returned torch\.complex64: it must be floating point"),
    ],
)
def test_a_wrong_return_is_named(what, message):
    with pytest.raises(InputError, match=message):
        TorchModule(Wrong(what))(np.ones((2, 1, 5)))


class Uncopied(torch.nn.Module):
    def __deepcopy__(self, memo):
        raise RuntimeError("not me")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layout": "NCL"}, "unknown layout 'NCL': one of: channels-first, channels-last, no-chan"),
        ({"layout": "channel-last"}, r"did you mean 'channels-last'"),
        ({"sigma": "maps"}, r"unknown sigma 'maps': did you mean 'map'"),
        ({"sigma": 3.0}, r"unknown sigma '3.0': one of: argument, broadcast, map, none"),
        ({"device": "gpu"}, r"unknown device 'gpu': .*cpu, cuda"),
        ({"layout": "no-channels", "sigma": "map"}, "sigma=map adds a channel"),
        ({"data_range": (1, 1)}, r"data_range=\(1, 1\) must be two finite numbers, the lower"),
        ({"data_range": (0, np.inf)}, r"data_range=\(0, inf\) must be two finite"),
        ({"module_range": (1, -1)}, r"module_range=\(1, -1\) must be two finite"),
        ({"module_range": 255}, r"module_range=255 must be two finite"),
        ({"module_range": "unit"}, r"module_range='unit' must be two finite"),
        ({"multiple": 0}, r"multiple=0 must be >= 1"),
        ({"module": np.ones}, r"module=<function ones.*> must be an instance of torch.nn.Module"),
        ({"module": torch.nn.Tanh}, r"module=<class .*Tanh'> must be an instance of torch"),
        ({"module": Uncopied()}, "Uncopied cannot be copied: RuntimeError: not me"),
        ({"module": torch.nn.LazyConv1d(1, 1)}, "LazyConv1d cannot be copied: .*uninitialized"),
    ],
)
@pytest.mark.filterwarnings("ignore:Lazy modules:UserWarning")  # a warning of torch
def test_a_wrong_declaration_is_named(arguments, message):
    with pytest.raises(InputError, match=message):
        TorchModule(**{"module": torch.nn.Identity(), **arguments})


def test_several_channels_where_there_is_no_axis_for_them():
    adapted = TorchModule(torch.nn.Identity(), "no-channels")
    with pytest.raises(InputError, match="layout=no-channels takes one channel, not 3"):
        adapted(np.ones((1, 3, 8)))
    with pytest.raises(InputError, match=r"noisy has shape \(4, 8\)"):
        adapted(np.ones((4, 8)))


def test_no_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="device=cuda: torch finds no GPU; use device=cpu"):
        TorchModule(torch.nn.Identity(), device="cuda")


def test_no_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match=r"TorchModule needs torch .*sigbench\[torch\]"):
        TorchModule(None)


class TestAsAMethod:
    MINE = (
        "import torch\nfrom sigbench import TorchModule\n"
        "class Net(torch.nn.Module):\n"
        "    def __init__(self, width=1):\n        super().__init__()\n"
        "        self.gain = torch.nn.Parameter(torch.full((width,), {gain}))\n"
        "    def forward(self, batch): return self.gain * batch\n"
        "class Needy(Net):\n    def __init__(self, width): super().__init__(width)\n"
        "adapted = TorchModule(Net())\nbare = Net()\n"
        "class Pair(Net):\n    def forward(self, batch): return batch, batch\n"
        "bad = TorchModule(Pair())\n"
    )

    @pytest.fixture(autouse=True)
    def mine(self, here):
        (here / "mine_net.py").write_text(self.MINE.format(gain=0.5))
        return here

    def rows(self):
        lines = Path("out/leaderboard.csv").read_text().splitlines()
        return {line for line in lines if "mine_net" in line}

    @pytest.mark.parametrize("name", ["bare", "Net", "Needy"])
    def test_a_bare_network_is_told_what_to_declare(self, name, capsys):
        assert main(["run", "table1", "-m", f"mine_net:{name}", "-o", "out"]) == 2
        err = capsys.readouterr().err
        assert "is a torch.nn.Module: wrap it in sigbench.TorchModule" in err
        assert "sigbench.TorchModule(module, ...)" in err
        assert len(err.splitlines()) == 1

    def test_a_bare_network_in_python(self):
        with pytest.raises(InputError, match=r"Identity is a torch.nn.Module: wrap it"):
            as_entry(torch.nn.Identity())

    def test_runs_and_any_number_of_workers_gives_the_same(self):
        boards = []
        for jobs in ("1", "2"):
            run = ["run", "table1", "--items", "8", "--seeds", "1,2", "-m", "noisy"]
            run += ["mine_net:adapted", "--fresh", "--quiet", "-o", "out", "-j", jobs]
            assert main(run) == 0
            boards.append({line.rpartition(",")[0] for line in self.rows()})  # times differ
        assert boards[0] == boards[1] != set()
        assert all(",fitted," in line and "network=Net@" in line for line in boards[0])

    def test_other_weights_are_run_again_wherever_they_come_from(self, mine, capsys):
        read = "\nimport numpy\nadapted = TorchModule(Net(int(numpy.load('width.npy'))))\n"
        (mine / "mine_net.py").write_text(self.MINE.format(gain=0.5) + read)
        run = ["run", "table1", "--items", "4", "--seeds", "1", "-m", "noisy", "mine_net:adapted"]
        for width, ran in ((1, "4 cells run"), (1, "0 cells run"), (100, "1 cells run")):
            np.save("width.npy", width)
            sys.modules.pop("mine_net", None)
            assert main([*run, "-o", "out", "--quiet"]) == 0
            assert ran in capsys.readouterr().err

    def test_a_wrong_network_is_one_line_of_failures(self):
        run = ["run", "table1", "--items", "4", "--seeds", "1", "-m", "noisy", "mine_net:bad"]
        assert main([*run, "-o", "out", "--quiet"]) == 1
        (failure,) = map(json.loads, Path("out/failures.jsonl").read_text().splitlines())
        assert "Pair returned a tuple: it must be one tensor of shape" in failure["error"]


def test_a_network_that_takes_a_gradient_in_its_pass():
    """The result of a gradient-step denoiser may still belong to a graph."""

    class Descends(torch.nn.Module):
        def forward(self, x):
            with torch.enable_grad():
                y = x.detach().requires_grad_()
                (g,) = torch.autograd.grad((y**2).sum() / 4, y, create_graph=True)
                return y - g

    noisy = np.ones((1, 1, 4))
    np.testing.assert_allclose(TorchModule(Descends())(noisy), 0.5 * noisy)
