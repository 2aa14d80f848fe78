"""A training that is interrupted ends with the same bits as one that is not."""

import dataclasses
import signal
from pathlib import Path

import numpy as np
import pytest

from sigbench.core.protocols import Pairs, Training
from sigbench.networks.models import NETWORKS
from sigbench.networks.nn import OPTIMIZERS
from sigbench.networks.training import engines, loop, plan
from sigbench.networks.training.checkpoint import Checkpoint
from sigbench.networks.training.engines import open_engine
from sigbench.networks.training.loop import Stopped, key_of, train
from sigbench.networks.training.recipe import load_recipe
from sigbench.networks.training.threads import limited_threads, thread_count

pytestmark = pytest.mark.usefixtures("here")

STEPS, EVERY = 5, 2

# Each network as small as it can be; all layouts: signals, and images with 1 and 3 channels.
NETS = (
    "icnn",
    "icnn[norm=sparse]",
    "icnn[prior=false,norm=none]",
    "shrinknet[width=4,norm=batch]",
    "shrinknet[width=4,norm=sparse]",
    "n2n",
    "strided",
    "strided[upsampling=transposed]",
    "resnet[width=4,blocks=1]",
    "dncnn[layers=3,width=3]",
    "dncnn[layers=3,width=1,bias=true]",
    "unet[width=2]",
    "unet[width=2,bias=true]",
    "speech-net[width=4,blocks=2]",
    "speech-net[width=4,blocks=2,causal=true]",
)
OWN_STEPS = ("adam[lr=1e-2]", "sgd[lr=1e-7,momentum=0.9,weight_decay=1e-3]", "sgd[lr=1e-7]")
SLOW_IN_NUMPY = ("n2n", "strided")


def recipe_of(network, **keys):
    given = {
        "network": network,
        "optimizer": "adam[lr=1e-2]",
        "schedule": "cosine",
        "steps": STEPS,
        "validate_every": EVERY,
        "batch": 2,
        "pairs": 5,
        **keys,
    }
    return load_recipe(f"ablation[{','.join(f'{k}={v}' for k, v in given.items())}]")


def training_of(network):
    """Return random pairs of the least size that a network accepts comfortably."""
    length = 600 if network.info.name == "speech-net" else max(16, network.least)
    shape = (network.channels[0], *[length // network.multiple * network.multiple] * network.axes)

    def draw(n, rng, target="clean"):
        clean = rng.normal(size=(n, *shape)).astype(np.float32)
        first, second = (clean + rng.normal(size=clean.shape).astype(np.float32) for _ in range(2))
        return Pairs(first, clean if target == "clean" else second)

    rng = np.random.default_rng(3)
    return Training(
        draw(6, rng),
        draw(3, rng),
        draw,
        1.0,
        second=lambda: draw(3, np.random.default_rng(4), "noisy").target,
    )


class Interrupted:
    """An engine in which a step is interrupted: by Ctrl-C, or as by a kill."""

    def __init__(self, engine, step, how):
        self._engine, self._left, self._how = engine, step, how

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def step(self, *batch):
        self._left -= 1
        if self._left == 0 and self._how == "ctrl-c":
            signal.raise_signal(signal.SIGINT)
        if self._left == 0 and self._how == "kill":
            raise InterruptedError
        return self._engine.step(*batch)


def in_pieces(recipe, training, step, how="ctrl-c"):
    """Train with an interruption at every ``step``-th step; return the result and the pieces."""
    pieces = 0
    checkpoint = Checkpoint(Path("checkpoint"), key_of(recipe, open_engine(recipe)))
    while True:
        pieces += 1
        engine = Interrupted(open_engine(recipe), step, how)
        try:
            done = train(recipe, training, engine, checkpoint=checkpoint)
        except (Stopped, InterruptedError):
            assert checkpoint.path.exists()
            continue
        checkpoint.remove()
        return done, pieces


def assert_same(one, other):
    """Compare weights and log, all but the times."""
    logs = [[repr(row._replace(seconds=0.0)) for row in done.log] for done in (one, other)]
    assert logs[0] == logs[1]
    assert one.weights.keys() == other.weights.keys()
    for name in one.weights:
        np.testing.assert_array_equal(one.weights[name], other.weights[name], strict=True)


@pytest.fixture
def bfloat16(monkeypatch):
    monkeypatch.setattr(engines, "has_bfloat16", lambda device: True)  # emulated, perhaps


def test_every_network_and_optimizer_is_among_the_cases():
    assert {name.partition("[")[0] for name in NETS} == NETWORKS.keys()
    assert {name.partition("[")[0] for name in OWN_STEPS} == OPTIMIZERS.keys()


@pytest.mark.parametrize("precision", ["float32", "float64", "bfloat16", "float16"])
@pytest.mark.parametrize("network", NETS)
def test_torch_in_pieces_ends_the_same(network, precision, bfloat16):
    """Stopped after every single step, so also at validations and in the last step."""
    recipe = recipe_of(network, engine="torch", precision=precision)
    training = training_of(recipe.network)
    done, pieces = in_pieces(recipe, training, 1)
    assert pieces == STEPS
    assert_same(done, train(recipe, training, open_engine(recipe)))


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("network", [n for n in NETS if not n.startswith(SLOW_IN_NUMPY)])
def test_numpy_in_pieces_ends_the_same(network, precision):
    recipe = recipe_of(network, engine="numpy", precision=precision)
    training = training_of(recipe.network)
    done, pieces = in_pieces(recipe, training, 1)
    assert pieces == STEPS
    assert_same(done, train(recipe, training, open_engine(recipe)))


@pytest.mark.parametrize("how", ["ctrl-c", "kill"])
@pytest.mark.parametrize("optimizer", OWN_STEPS)
@pytest.mark.parametrize("engine", ["numpy", "torch"])
@pytest.mark.parametrize("network", ["shrinknet[width=4,norm=batch]", "dncnn[layers=3,width=3]"])
@pytest.mark.parametrize("data", [{}, {"pairs": "fresh", "target": "noisy"}, {"target": "noisy"}])
def test_every_optimizer_and_kind_of_pairs(network, engine, optimizer, how, data, monkeypatch):
    monkeypatch.setattr(loop, "SAVE_S", 0.0)
    recipe = recipe_of(network, engine=engine, optimizer=optimizer, **data)
    training = training_of(recipe.network)
    whole = train(recipe, training, open_engine(recipe))
    done, pieces = in_pieces(recipe, training, 2, how)
    assert pieces > 2
    assert_same(done, whole)
    first = open_engine(recipe).weights()
    assert any(not np.array_equal(first[name], weight) for name, weight in whole.weights.items())


@pytest.mark.parametrize("network", NETS)
def test_the_state_of_an_optimizer_is_restored_as_it_was(network):
    """Values, dtypes, shapes and the layout in memory, which a fused step relies on."""
    for optimizer in OWN_STEPS:
        recipe = recipe_of(network, engine="torch", optimizer=optimizer)
        training = training_of(recipe.network)
        one, other = open_engine(recipe), open_engine(recipe)
        one.step(training.pairs.noisy, training.pairs.target, 1e-3)
        other.load(one.weights(), one.optimizer_state())
        for name, weight in one._weights.items():
            twin = other._weights[name]
            pairs = [(weight, twin)]
            state, own = one._optimizer.state[weight], other._optimizer.state[twin]
            pairs += [(state[k], own[k]) for k in state if state[k] is not None]
            assert len(own) == len([v for v in state.values() if v is not None])
            for a, b in pairs:
                assert (a.stride(), a.shape, a.dtype) == (b.stride(), b.shape, b.dtype)
                assert a.device == b.device
                assert bool((a == b).all())


@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_killed_between_the_measurement_and_the_first_step(engine, monkeypatch):
    monkeypatch.setattr(plan, "measured", lambda *_: plan.Speed(30.0, 200.0))
    recipe = recipe_of("dncnn[layers=2,width=2]", engine=engine).within("70m")
    training = training_of(recipe.network)
    checkpoint = Checkpoint(Path("checkpoint"), key_of(recipe, open_engine(recipe)))
    for _ in range(2):
        with pytest.raises(InterruptedError):
            train(
                recipe, training, Interrupted(open_engine(recipe), 1, "kill"), checkpoint=checkpoint
            )
        assert checkpoint.load().state.step == 0
    monkeypatch.setattr(plan, "measured", None)  # the plan is that of the checkpoint
    done = train(recipe, training, open_engine(recipe), checkpoint=checkpoint)
    table = recipe.in_steps(done.steps, done.every)
    again = dataclasses.replace(
        recipe, time=None, steps=table["steps"], validate_every=table["validate_every"]
    )
    assert_same(done, train(again, training, open_engine(again)))


def test_a_resumed_training_has_the_threads_of_the_first_part():
    recipe = recipe_of("dncnn[layers=3,width=8]", engine="torch")
    training = training_of(recipe.network)
    checkpoint = Checkpoint(Path("checkpoint"), key_of(recipe, open_engine(recipe)))
    seen = []

    def report(*_):
        seen.append(thread_count("torch"))

    with limited_threads("torch", 2):
        whole = train(recipe, training, open_engine(recipe))
        with pytest.raises(Stopped):
            train(
                recipe,
                training,
                Interrupted(open_engine(recipe), 2, "ctrl-c"),
                checkpoint=checkpoint,
            )
    with limited_threads("torch", 1):
        done = train(recipe, training, open_engine(recipe), checkpoint=checkpoint, report=report)
        assert thread_count("torch") == 1
    assert set(seen) == {2}
    assert_same(done, whole)


def test_a_checkpoint_of_another_version_is_refused(monkeypatch):
    recipe = recipe_of("shrinknet[width=1]", engine="numpy")
    training = training_of(recipe.network)
    key = key_of(recipe, open_engine(recipe))
    checkpoint = Checkpoint(Path("checkpoint"), key)
    with pytest.raises(Stopped, match=f"1 of {STEPS}"):
        train(
            recipe, training, Interrupted(open_engine(recipe), 1, "ctrl-c"), checkpoint=checkpoint
        )
    versions = {**loop.environment.versions(), "numpy": "9.9"}
    monkeypatch.setattr(loop.environment, "versions", lambda: versions)
    newer = dataclasses.replace(checkpoint, key=key_of(recipe, open_engine(recipe)))
    numpy = key.partition("numpy=")[2].split()[0]
    message = rf"belongs to another training \(numpy={numpy} instead of 9.9\); use --fresh"
    with pytest.raises(ValueError, match=message):
        train(recipe, training, open_engine(recipe), checkpoint=newer)
