"""Training: recipes, both engines, the loop, checkpoints, the command, and the learner."""

import csv
import dataclasses
import hashlib
import json
import math
import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tomlkit

from sigbench import InputError
from sigbench.cli import train as train_command
from sigbench.cli.data import fetch
from sigbench.cli.main import main
from sigbench.cli.model_card import Figures
from sigbench.core.fingerprint import identity
from sigbench.core.progress import Progress
from sigbench.networks.models.base import is_learned
from sigbench.networks.pretrained.weights import load
from sigbench.networks.training import loop, plan
from sigbench.networks.training.batches import Batches
from sigbench.networks.training.checkpoint import Checkpoint, TrainingState, ValidationRow
from sigbench.networks.training.engines import open_engine
from sigbench.networks.training.learner import Trained
from sigbench.networks.training.loop import Diverged, Stopped, key_of, train
from sigbench.networks.training.recipe import load_recipe, recipe_names

pytestmark = pytest.mark.usefixtures("here")

TINY = """
network = "shrinknet[width=4,norm=batch]"
optimizer = "adam[lr=1e-2]"
schedule = "cosine"
batch = 4
steps = 30
engine = "numpy"

[data]
dataset = "sparse-spikes"
degradation = "gaussian[sigma=3]"
pairs = 21
validation = 6
metric = "psnr_table1"
limit = "spikes-posterior-mean[samplewise=true]"
"""
ENGINES = ("numpy", "torch")
FIXED_AND_FRESH = {"fixed": {}, "fresh": {"pairs": "fresh"}}


def write(file="tiny", /, **changes):
    """Write the tiny recipe with changed values (None removes a key) and return its name."""
    table = tomlkit.parse(TINY).unwrap()
    for key, value in changes.items():
        inner = table["data"] if key in (*table["data"], "target", "epoch") else table
        inner.pop(key, None)
        if value is not None:
            inner[key] = value
    Path(f"{file}.toml").write_text(tomlkit.dumps(table))
    return f"{file}.toml"


def outcome(name, **options):
    recipe = load_recipe(name)
    training = recipe.source.training(recipe.pairs)
    return train(recipe, training, open_engine(recipe), **options)


def rows_of(name):
    with open(name) as file:
        return list(csv.DictReader(file))


def without_times(log):
    return [str(row._replace(seconds=0.0)) for row in log]  # nan is not nan


def assert_same(one, other):
    assert without_times(one.log) == without_times(other.log)
    assert one.weights.keys() == other.weights.keys()
    for name in one.weights:
        np.testing.assert_array_equal(one.weights[name], other.weights[name], strict=True)


# Recipes


@pytest.mark.parametrize("name", recipe_names())
def test_shipped_recipes_find_what_they_learn_from(name, request, monkeypatch, tmp_path):
    recipe = load_recipe(name)
    if recipe.source.dataset.kind == "bsd400":  # fetched from a local copy
        monkeypatch.setenv("SIGBENCH_DATA", str(tmp_path / "data"))
        fetch("bsd400", str(request.getfixturevalue("real_data") / "bsd400"))
    if recipe.source.dataset.kind == "speech-training":  # from a few tones in the place of speech
        tiny_speech = request.getfixturevalue("tiny_speech")
        tiny_speech.fsdd()
        fetch("esc10", str(tiny_speech.esc10()))
        (tmp_path / "runs").mkdir()
        (tmp_path / "runs" / "speech-synthesis").symlink_to(tiny_speech.synthetic())
        monkeypatch.chdir(tmp_path)
    assert recipe.name == name
    assert recipe.description
    assert recipe.source.limit is not None
    training = recipe.source.training(recipe.pairs)
    assert len(training.validation.noisy) == recipe.source.validation
    assert len(Batches(recipe, training)(0)[0]) == recipe.batch


@pytest.mark.parametrize(
    ("name", "epochs", "lr"),
    [("icnn-report-he", 200, [1e-4, 1e-6, 1e-4]), ("icnn-report", 140, [1e-4, 1e-4, 1e-4])],
)
def test_the_reports_protocol(name, epochs, lr):
    """1,000 pairs, 30 % for validation, batch 1; the text: 1e-4 down to 1e-6; the code: 1e-4."""
    recipe = load_recipe(name)
    training = recipe.source.training(recipe.pairs)
    batches = Batches(recipe, training)
    assert (batches.pairs, batches.per_epoch, recipe.source.validation) == (700, 700, 300)
    assert recipe.epochs == epochs
    rates = [recipe.optimizer.lr * recipe.schedule(epoch, epochs) for epoch in (0, 10, 20)]
    np.testing.assert_allclose(rates, lr)


def test_the_weights_of_the_reports_code_are_those_of_the_last_step():
    recipe = load_recipe("icnn-report")
    found = plan.planned(recipe, recipe.source.training(recipe.pairs), "cpu")
    assert (found.steps, found.every) == (98_000, 98_000)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimiser": "sgd"}, "unknown key of the recipe 'optimiser': did you mean 'optimizer'"),
        ({"batch": "4"}, "batch='4' must be a whole number"),
        ({"batch": 0}, "batch=0 must be >= 1"),
        ({"network": "icn"}, "unknown network 'icn': did you mean 'icnn'"),
        ({"network": "icnn[size=xl]"}, "size=xl must be one of: s, m, l"),
        ({"network": None}, "the recipe needs the key 'network'"),
        ({"optimizer": "adam[lr=x]"}, "adam: lr=x must be a number"),
        ({"schedule": "cosin"}, "unknown schedule 'cosin': did you mean 'cosine'"),
        ({"loss": "l2"}, "unknown loss 'l2': one of: log-mse, mse, smooth-l1"),
        ({"unit": 0}, "unit=0 must be >= 1e-12"),
        ({"unit": "255"}, "unit='255' must be a number"),
        ({"initial": "zero"}, "unknown initial 'zero'"),
        ({"precision": "float8"}, "unknown precision 'float8'"),
        ({"precision": "bfloat16"}, "precision=bfloat16 needs engine=torch"),
        ({"precision": "float16"}, "precision=float16 needs engine=torch: NumPy has no"),
        ({"engine": "jax"}, "unknown engine 'jax'"),
        ({"seed": -1}, "seed=-1 must be >= 0"),
        ({"epochs": 3}, r"exactly one of epochs, steps and time \(got epochs, steps\)"),
        ({"steps": None}, r"exactly one of epochs, steps and time \(got none\)"),
        ({"steps": None, "time": "10x"}, "time '10x' must be a time like 90s, 10m or 2h"),
        ({"steps": None, "time": "0s"}, "time=0 s must be > 0 and finite"),
        ({"name": "a/b"}, "name='a/b' must be text of at most 100 letters"),
        ({"pairs": "many"}, "pairs='many' must be a whole number .* or fresh"),
        ({"pairs": True}, "pairs=True must be a whole number"),
        ({"pairs": 0}, "pairs=0 must be a whole number >= 1"),
        ({"epoch": 10}, "epoch=10 needs pairs = 'fresh'"),
        ({"validation": 0}, "validation=0 must be a whole number >= 1"),
        ({"target": "blurred"}, "unknown target 'blurred'"),
        ({"metric": "psn"}, "unknown metric 'psn': did you mean 'psnr'"),
        ({"limit": "affine"}, "limit='affine' must be a denoiser, not a learner or an"),
        ({"dataset": "spikes"}, "unknown dataset 'spikes': did you mean 'sparse-spikes'"),
    ],
)
def test_a_wrong_recipe_is_one_line(capsys, changes, message):
    with pytest.raises(InputError, match=message):
        load_recipe(write(**changes))
    before = set(os.listdir())
    assert main(["train", "tiny.toml"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("sigbench: error: tiny.toml: ")
    assert err.count("\n") == 1
    assert set(os.listdir()) == before


def test_an_unknown_recipe_names_the_nearest(capsys):
    assert main(["train", "icnn-reprot"]) == 2
    assert "unknown recipe 'icnn-reprot': did you mean 'icnn-report'" in capsys.readouterr().err
    assert main(["train", "absent.toml"]) == 2
    assert "absent.toml: no such file" in capsys.readouterr().err


def test_a_split_that_is_too_small_is_refused():
    recipe = load_recipe(write(dataset="photos32", network="icnn", limit=None, pairs=10**6))
    with pytest.raises(InputError, match=r"photos32 has .* training items: pairs must be <= "):
        recipe.source.training(recipe.pairs)


def test_items_that_the_network_does_not_take_are_refused():
    with pytest.raises(InputError, match=r"icnn cannot be trained on items of shape \(1, 40\)"):
        outcome(write(network="icnn", dataset="sparse-spikes[n=40]"))


# Batches


def test_an_epoch_holds_every_pair_once():
    recipe = load_recipe(write())
    training = recipe.source.training(recipe.pairs)
    batches = Batches(recipe, training)
    assert batches.per_epoch == 6
    first = []
    for epoch in range(3):
        steps = range(6 * epoch, 6 * epoch + 6)
        seen = np.concatenate([batches(step)[0] for step in steps])
        order = [int(np.flatnonzero((training.pairs.noisy == y).all((1, 2)))[0]) for y in seen]
        assert sorted(order) == list(range(21))
        first.append(order)
    assert first[0] != first[1]
    assert [batches.samples(step) for step in (0, 5, 6, 7)] == [0, 20, 21, 25]


@pytest.mark.parametrize("pairs", [21, "fresh"])
@pytest.mark.parametrize("target", ["clean", "noisy"])
def test_a_batch_is_a_function_of_seed_and_step(pairs, target):
    recipe = load_recipe(write(pairs=pairs, target=target))
    training = recipe.source.training(recipe.pairs)
    one, two = Batches(recipe, training), Batches(recipe, training)
    backwards = [two(step) for step in (9, 8, 7)][::-1]
    for step, other in zip((7, 8, 9), backwards, strict=True):
        np.testing.assert_array_equal(one(step), other)
    other_seed = Batches(dataclasses.replace(recipe, seed=2), training)
    assert not np.array_equal(other_seed(7)[0], one(7)[0])
    noisy, targets = one(7)
    clean = np.isin(targets, range(11)).all()
    assert clean == (target == "clean")
    assert not np.array_equal(noisy, targets)


# Engines


OPTIMIZERS = ("sgd[lr=1e-2,momentum=0.9,weight_decay=1e-3]", "adam[lr=1e-2]", "sgd[lr=1e-2]")
NETS = ("shrinknet[width=4,norm=batch]", "icnn", "icnn[norm=sparse]")
# SGD at 1e-2 is chaotic with the sparse norm: from weights 1e-15 apart, NumPy is 3e-3 of the first
# loss from itself after 50 steps, torch 2e-3 from itself, and the two 2e-3 from each other.
CHAOTIC = ("icnn[norm=sparse]", "sgd[lr=1e-2]")


@pytest.mark.parametrize("network", NETS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_both_engines_take_the_same_steps(network, optimizer):
    """Within 1e-6 of the first loss for 50 steps in float64."""
    lr = 1e-3 if (network, optimizer) == CHAOTIC else 1e-2
    losses = {}
    for engine in ENGINES:
        name = write(network=network, optimizer=optimizer, engine=engine, precision="float64")
        recipe = load_recipe(name)
        batches = Batches(recipe, recipe.source.training(recipe.pairs))
        one = open_engine(recipe)
        losses[engine] = [float(one.step(*batches(step), lr)) for step in range(50)]
    one, other = (np.array(losses[engine]) for engine in ENGINES)
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-6 * one[0])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("pairs", [21, "fresh"])
def test_the_same_recipe_gives_the_same_weights(engine, pairs):
    name = write(engine=engine, pairs=pairs)
    assert_same(outcome(name), outcome(name))
    other = outcome(write("other", engine=engine, pairs=pairs, seed=2))
    assert other.log != outcome(name).log


def test_the_unit_of_a_loss_scales_it_as_it_scales_the_data():
    """Plain descent on the error over a unit u is descent at lr/u² on the error itself."""
    one = outcome(write(optimizer="sgd[lr=0.1]", unit=10.0))
    two = outcome(write("plain", optimizer="sgd[lr=0.001]"))
    for name, weight in two.weights.items():
        np.testing.assert_allclose(one.weights[name], weight, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(one.log[0].loss * 100, two.log[0].loss, rtol=1e-5)


def test_automatic_precision_is_bfloat16_where_there_are_units(monkeypatch):
    from sigbench.networks.training import engines

    recipe = load_recipe("resnet[precision=auto,steps=1]")
    for units, precision in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr(engines, "has_bfloat16", lambda device, units=units: units)
        engine = open_engine(recipe)
        assert engine.precision == precision
    assert open_engine(load_recipe("shrinknet[precision=auto]")).precision == "float32"


def test_keys_of_a_recipe_are_set_where_it_is_named():
    recipe = load_recipe("icnn-report[steps=7,network=icnn[size=m],target=noisy,batch=2,name=own]")
    assert (recipe.steps, recipe.epochs, recipe.batch, recipe.name) == (7, None, 2, "own")
    assert (recipe.network.size, recipe.target) == ("m", "noisy")
    assert recipe.in_steps(7, 1)["data"]["target"] == "noisy"  # the card records it
    assert load_recipe("icnn-report[time=90s]").time == 90
    other = load_recipe("resnet[degradation=gaussian[sigma=0,sigma_to=55]]")
    assert (other.source.degradation.sigma, other.source.degradation.sigma_to) == (0, 55)


def test_what_does_not_go_with_a_key_that_is_set_is_left_out():
    assert load_recipe("resnet").source.limit is not None
    assert load_recipe("resnet[degradation=gaussian[sigma=50]]").source.limit is None
    assert load_recipe("resnet[dataset=cifar10]").source.limit is None
    with_its_own = load_recipe("resnet[dataset=cifar10,limit=gaussian-blur[width=1]]")
    assert with_its_own.source.limit.width == 1
    fixed = load_recipe("n2n[pairs=700]")
    assert fixed.pairs == 700
    assert "epoch" not in fixed.table["data"]
    assert load_recipe("n2n[pairs=fresh]").epoch == 50_000


def test_what_a_changed_recipe_says_of_itself_is_true():
    changed = load_recipe("resnet[target=clean,steps=5]")
    assert changed.description.endswith(" Here with target=clean, steps=5.")
    other = load_recipe("resnet[dataset=cifar10,steps=5]").description
    assert other == "Recipe resnet, but with dataset=cifar10, steps=5."
    assert load_recipe("resnet[steps=5,description=own]").description == "own"
    assert Trained("resnet[steps=5,description=own]").content == Trained("resnet[steps=5]").content


def test_the_path_of_a_recipe_may_hold_anything():
    Path(write(name="own")).rename("lr=0.1,[2].toml")
    assert load_recipe("lr=0.1,[2].toml").name == "own"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("icnn[stepps=3]", "unknown key of a recipe 'stepps': did you mean 'steps'"),
        ("icnn[data=3]", "unknown key of a recipe 'data'"),
        ("icnn[batch=[1,2]]", r"batch=\(1, 2\) must be a whole number"),
        ("icnn[steps=3,epochs=3]", r"exactly one of epochs, steps and time"),
        ("icnn[target=dirty]", "unknown target 'dirty': one of: clean, noisy"),
        ("icnm[steps=3]", "unknown recipe 'icnm': did you mean 'icnn'"),
        ("icnn[steps", "expected name or name"),
    ],
)
def test_wrong_keys_of_a_named_recipe_are_one_line(name, message):
    with pytest.raises(InputError, match=message):
        load_recipe(name)


def test_bfloat16_is_used_or_refused(monkeypatch):
    name = write(engine="torch", precision="bfloat16")
    from sigbench.networks.training import engines

    monkeypatch.setattr(engines, "has_bfloat16", lambda device: False)
    with pytest.raises(InputError, match="precision=bfloat16 is not supported by this processor"):
        open_engine(load_recipe(name))
    monkeypatch.setattr(engines, "has_bfloat16", lambda device: True)  # emulated, perhaps
    rounded, exact = outcome(name), outcome(write("exact", engine="torch"))
    assert {w.dtype for w in rounded.weights.values()} == {np.dtype("float32")}
    assert rounded.log[0].loss != exact.log[0].loss
    np.testing.assert_allclose(rounded.log[0].loss, exact.log[0].loss, rtol=0.05)


def test_float16_rounds_and_keeps_its_weights_in_float32():
    rounded = outcome(write(engine="torch", precision="float16"))
    exact = outcome(write("exact", engine="torch"))
    assert {w.dtype for w in rounded.weights.values()} == {np.dtype("float32")}
    assert rounded.log[0].loss != exact.log[0].loss
    np.testing.assert_allclose(rounded.log[0].loss, exact.log[0].loss, rtol=0.01)


def test_a_step_whose_gradients_overflow_in_float16_is_skipped():
    """Gradients are scaled by 65,536, half of it after each overflow, as torch documents."""
    engine = open_engine(load_recipe(write(engine="torch", precision="float16", loss="mse")))
    first = engine.weights()
    noisy = np.random.default_rng(1).normal(size=(1, 1, 100)).astype(np.float32)
    engine.step(noisy, 1e4 * noisy, 1e-4)
    learned = [name for name in first if is_learned(name)]
    assert all(np.array_equal(engine.weights()[name], first[name]) for name in learned)
    assert engine.optimizer_state()["gradients/scale"] == 2**15
    engine.step(noisy, noisy, 1e-4)
    assert any(not np.array_equal(engine.weights()[name], first[name]) for name in learned)


def test_a_gpu_that_is_not_there_is_refused(capsys):
    import torch

    assert main(["train", write(), "--device", "cuda"]) == 2
    assert "device=cuda needs engine=torch" in capsys.readouterr().err
    if torch.cuda.is_available():
        return
    assert main(["train", write(engine="torch"), "--device", "cuda"]) == 2
    assert "device=cuda: torch finds no GPU; use device=cpu" in capsys.readouterr().err


# The loop


def test_the_best_weights_are_those_of_the_best_line():
    name = write(optimizer="adam[lr=0.1]", schedule=None)
    kept = []
    recipe = load_recipe(name)
    training, engine = recipe.source.training(recipe.pairs), open_engine(recipe)

    def report(state, loss, row):
        if row is not None:
            kept.append(engine.weights())

    done = train(recipe, training, engine, report=report)
    best = int(np.argmin([row.validation for row in done.log]))
    assert 0 < best < len(done.log) - 1  # the loss increases again later
    assert done.best == done.log[best]
    for weight, own in kept[best].items():
        np.testing.assert_array_equal(done.weights[weight], own)


def test_nothing_clean_chooses_where_targets_are_noisy():
    recipe = load_recipe(write(target="noisy", steps=40))
    training = recipe.source.training(recipe.pairs)
    level = recipe.source.degradation.sigma
    seconds = training.second()[: len(training.validation.noisy)]
    noise = seconds - training.validation.target
    assert np.std(noise) == pytest.approx(level, rel=0.1)
    first = training.validation.noisy - training.validation.target
    assert abs(np.corrcoef(first.ravel(), noise.ravel())[0, 1]) < 0.1

    def validations(training):
        return [row.validation for row in train(recipe, training, open_engine(recipe)).log]

    other = dataclasses.replace(
        training,
        validation=dataclasses.replace(
            training.validation, target=np.zeros_like(training.validation.target)
        ),
    )
    assert validations(other) == validations(training)
    none = dataclasses.replace(training, second=None)  # recorded noise: the target is already noisy
    assert validations(none) != validations(training)


def test_a_metric_that_is_better_when_lower():
    done = outcome(write(metric="rmse"), limit=1.6)
    assert math.isclose(done.best.gap, done.best.figure - 1.6)


@pytest.mark.parametrize(
    ("changes", "count", "last"),
    [
        ({"steps": 30}, 30, 30),
        ({"steps": 1000}, 42, 1000),
        ({"steps": None, "epochs": 25}, 25, 150),
        ({"steps": None, "epochs": 120}, 40, 720),
        ({"steps": None, "epochs": 10}, 30, 60),
        ({"steps": 1000, "pairs": "fresh"}, 40, 1000),
        ({"pairs": "fresh", "epoch": 40, "steps": None, "epochs": 8}, 40, 80),
    ],
)
def test_validations_are_spread_over_the_run(changes, count, last):
    recipe = load_recipe(write(network="shrinknet[width=1]", **changes))
    log = outcome("tiny.toml").log
    assert (len(log), log[-1].step) == (count, last)
    if recipe.epochs and recipe.pairs and recipe.epochs >= 20:
        assert all(row.epoch == int(row.epoch) for row in log)


@pytest.fixture
def slow_steps(monkeypatch):
    """Let the measurement find 30 s for a step and 60 s for a validation."""
    monkeypatch.setattr(plan, "measured", lambda *_: plan.Speed(30.0, 60.0))


def test_a_time_is_turned_into_steps_which_repeat_it(slow_steps):
    """The number of validations belongs to it, because one of them selects the weights."""
    name = write(steps=None, time="80m", optimizer="adam[lr=0.1]")
    assert main(["train", name, "--quiet"]) == 0
    first = load(Path("tiny.safetensors"))
    Path("again.toml").write_text(tomlkit.dumps(first.card["recipe"]))
    assert first.card["recipe"]["steps"] == first.card["steps"] >= 100
    assert len(rows_of("tiny.csv")) == 13
    assert first.card["best_step"] < first.card["steps"]
    assert "time" not in first.card["recipe"]
    assert main(["train", "again.toml", "-o", "again.safetensors", "--quiet"]) == 0
    assert load(Path("again.safetensors")).digest == first.digest


@pytest.mark.parametrize("engine", ENGINES)
def test_a_network_that_diverges_is_one_line_and_overwrites_nothing(capsys, engine):
    assert main(["train", write(engine=engine), "--quiet"]) == 0
    before = {path: path.read_bytes() for path in Path().iterdir() if path.suffix != ".toml"}
    name = write(engine=engine, optimizer="sgd[lr=1e20]", network="icnn[norm=none]")
    capsys.readouterr()
    assert main(["train", name, "--quiet", "--force"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("sigbench: error: diverged: the ")
    assert re.search(r"step [12] is (nan|inf) \(lr=1e\+20\)", err)
    assert err.count("\n") == 1
    after = {path: path.read_bytes() for path in Path().iterdir() if path.suffix != ".toml"}
    assert after == before


# Checkpoints


def checkpoint_of(recipe, name="tiny.checkpoint.safetensors"):
    return Checkpoint(Path(name), key_of(recipe, open_engine(recipe)))


class Stop(Exception):
    pass


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "optimizer", ["adam[lr=1e-2]", "sgd[lr=1e-3,momentum=0.9]", "sgd[lr=1e-3]"]
)
@pytest.mark.parametrize("pairs", [21, "fresh"])
def test_taken_up_again_it_ends_the_same(monkeypatch, engine, optimizer, pairs):
    monkeypatch.setattr(loop, "SAVE_S", 0.0)
    name = write(engine=engine, optimizer=optimizer, pairs=pairs, precision="float32")
    whole = outcome(name)
    recipe = load_recipe(name)
    checkpoint = checkpoint_of(recipe)
    draws = random.Random(1)
    while True:
        left = draws.randrange(3, 9)
        seen = 0

        def report(state, loss, row, left=left):
            nonlocal seen
            seen += 1
            if seen > left:
                raise Stop

        try:
            done = outcome(name, checkpoint=checkpoint, report=report)
        except Stop:
            continue
        break
    assert_same(done, whole)
    assert [row.seconds for row in done.log] == sorted(row.seconds for row in done.log)


RUN = """
import sys
from sigbench.cli import train as command
from sigbench.networks.training import loop, plan
loop.SAVE_S = 0.0
from sigbench.cli.main import main
sys.exit(main(["train", "tiny.toml"]))
"""


def start():
    command = [sys.executable, "-c", RUN]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


IMAGES = {
    "network": "dncnn[layers=3,width=4]",
    "dataset": "photos32[grey=true]",
    "degradation": "gaussian[sigma=25]",
    "metric": "psnr",
    "limit": None,
}


@pytest.mark.parametrize(("engine", "changes"), [("numpy", {}), ("torch", IMAGES)])
def test_killed_at_random_it_ends_the_same(engine, changes):
    name = write(engine=engine, steps=400, **changes)
    assert main(["train", name, "-o", "whole.safetensors", "--quiet"]) == 0
    draws = random.Random(7)
    kills = 0
    for lines in (draws.randrange(1, 4), draws.randrange(1, 10), draws.randrange(5, 15)):
        run = start()
        for _ in range(lines):
            run.stderr.readline()
        run.kill()
        run.communicate()
        kills += run.returncode == -signal.SIGKILL
        assert not Path("tiny.safetensors").exists()
        assert checkpoint_of(load_recipe(name)).load().state.step > 0
    assert kills == 3
    assert main(["train", name, "--quiet"]) == 0
    whole, done = load(Path("whole.safetensors")), load(Path("tiny.safetensors"))
    assert done.digest == whole.digest
    logs = [rows_of(f"{n}.csv") for n in ("whole", "tiny")]
    for row in (*logs[0], *logs[1]):
        del row["seconds"]
    assert logs[0] == logs[1]
    assert not list(Path().glob("*checkpoint*"))
    assert not list(Path().glob(".*"))


def test_ctrl_c_keeps_a_checkpoint(capsys):
    name = write(steps=5000)
    run = start()
    run.stderr.readline()
    run.send_signal(signal.SIGINT)
    _, err = run.communicate()
    assert run.returncode == 130
    last = err.splitlines()[-1]
    assert last.startswith("interrupted at step ")
    assert last.endswith("; run the same command again to resume")
    assert "Traceback" not in err
    step = int(last.split()[3].rstrip(";"))
    assert checkpoint_of(load_recipe(name)).load().state.step == step < 5000


def test_ctrl_c_in_the_middle_of_a_step_ends_the_step():
    recipe = load_recipe(write())
    training, checkpoint = recipe.source.training(recipe.pairs), checkpoint_of(recipe)

    class Interrupted:
        def __init__(self, engine):
            self.engine, self.count = engine, 0

        def __getattr__(self, name):
            return getattr(self.engine, name)

        def step(self, *batch):
            self.count += 1
            if self.count == 7:
                signal.raise_signal(signal.SIGINT)
            return self.engine.step(*batch)

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(Stopped, match="7"):
        train(recipe, training, Interrupted(open_engine(recipe)), checkpoint=checkpoint)
    assert signal.getsignal(signal.SIGINT) is handler
    assert checkpoint.load().state.step == 7
    done = train(recipe, training, open_engine(recipe), checkpoint=checkpoint)
    assert_same(done, outcome("tiny.toml"))


def interrupted_checkpoint():
    """Write a checkpoint of the tiny recipe, stopped in its first step."""
    recipe = load_recipe(write())
    checkpoint = checkpoint_of(recipe)
    training, engine = recipe.source.training(recipe.pairs), open_engine(recipe)
    once = [True]

    def report(state, loss, row):
        if once and once.pop():
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Stopped):
        train(recipe, training, engine, checkpoint=checkpoint, report=report)
    return checkpoint


@pytest.mark.parametrize(
    "changes", [{"batch": 5}, {"seed": 2}, {"optimizer": "adam[lr=2e-2]"}, {"engine": "torch"}]
)
def test_a_checkpoint_of_another_recipe_is_refused(capsys, monkeypatch, changes):
    monkeypatch.setattr(loop, "SAVE_S", 0.0)
    checkpoint = interrupted_checkpoint()
    before = checkpoint.path.read_bytes()
    write(**changes)
    assert main(["train", "tiny.toml", "--quiet"]) == 2
    err = capsys.readouterr().err
    assert "tiny.checkpoint.safetensors belongs to another training (another recipe" in err
    assert "use --fresh to delete it" in err
    assert checkpoint.path.read_bytes() == before
    assert main(["train", "tiny.toml", "--quiet", "--fresh"]) == 0
    assert not checkpoint.path.exists()


@pytest.mark.parametrize("damage", ["cut", "flipped", "no safetensors", "weights", "empty"])
def test_a_damaged_checkpoint_is_one_line(capsys, damage):
    path = interrupted_checkpoint().path
    whole = bytearray(path.read_bytes())
    if damage == "weights":
        assert main(["train", "tiny.toml", "-o", "other.safetensors", "--quiet"]) == 0
        whole = bytearray(Path("other.safetensors").read_bytes())
    elif damage == "flipped":
        whole[-5] ^= 1
    data = {"cut": whole[:-9], "no safetensors": b"no such thing", "empty": b""}.get(damage, whole)
    path.write_bytes(data)
    assert main(["train", "tiny.toml", "--quiet"]) == 2
    err = capsys.readouterr().err
    assert "tiny.checkpoint.safetensors" in err
    assert "use --fresh to delete it and start over" in err
    assert err.count("\n") == 1
    assert not Path("tiny.safetensors").exists()


# The command


def test_what_it_writes(capsys):
    assert main(["train", write(), "-o", "mine.safetensors"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("tiny: psnr_table1 ")
    for word in (
        "noisy",
        "limit",
        "gap",
        "30 of 30 planned steps",
        "mine.safetensors, .csv, .md, .png",
    ):
        assert word in out
    assert len(err.splitlines()) == 30
    assert re.fullmatch(
        r"\S+ s, 30 of 30 steps: loss \S+, psnr_table1 \S+ dB, gap \S+, 0\.0 s left",
        err.splitlines()[-1],
    )
    names = {f"mine{suffix}" for suffix in (".safetensors", ".csv", ".md", ".png")}
    assert set(os.listdir()) == {"tiny.toml", *names}
    rows = rows_of("mine.csv")
    assert ",".join(rows[0]) == (
        "step,epoch,samples,seconds,lr,loss,validation,psnr_table1,gap_to_limit"
    )
    assert [int(row["step"]) for row in rows] == list(range(1, 31))
    assert Path("mine.png").read_bytes().startswith(b"\x89PNG")
    weights = load(Path("mine.safetensors"))
    card = weights.card
    assert (card["name"], card["seed"], card["steps"], card["fresh"]) == ("tiny", 1, 30, False)
    assert card["data"] == {"dataset": "sparse-spikes v1", "degradation": "gaussian v1"}
    best = min(rows, key=lambda row: float(row["validation"]))
    np.testing.assert_allclose(card["figures"]["network"], float(best["psnr_table1"]), atol=1e-4)
    text = Path("mine.md").read_text()
    assert hashlib.sha256(Path("mine.safetensors").read_bytes()).hexdigest() in text
    recipe = text.partition("```toml\n")[2].partition("```")[0]
    assert tomlkit.parse(recipe).unwrap() == card["recipe"]
    json.dumps(card, allow_nan=False)


def test_every_validation_is_a_line(capsys):
    row = ValidationRow(10, 1.0, 10, 5.0, 0.1, 0.5, 0.25, 30.0, math.nan)
    with Progress(None, "step") as progress:
        report = train_command._reporter(progress, Figures("psnr", "dB", 20.0))
        report(TrainingState(20, 2, 1, step=8, seconds=8.0), 0.75, None)
        report(TrainingState(20, 2, 1, step=10, seconds=10.0), 0.7, row)
        report(TrainingState(20, 2, 1, step=16, seconds=16.0), 0.6, None)
        progress.print_line()
    first, second = (line.partition(", ")[2] for line in capsys.readouterr().err.splitlines())
    assert first == "10 of 20 steps: loss 0.5, psnr 30.000 dB, 10 s left"
    assert second == "16 of 20 steps: loss 0.6, psnr 30.000 dB, 4.0 s left"


def test_without_a_limit_there_is_no_gap(capsys):
    assert main(["train", write(limit=None)]) == 0
    out, err = capsys.readouterr()
    assert "gap" not in out + err
    assert {row["gap_to_limit"] for row in rows_of("tiny.csv")} == {""}


def test_without_matplotlib_there_is_no_picture(capsys, monkeypatch):

    monkeypatch.setattr(train_command, "find_spec", lambda name: None)
    assert main(["train", write()]) == 0
    assert "no plot: pip install 'sigbench[plots]'" in capsys.readouterr().out
    assert not Path("tiny.png").exists()


@pytest.mark.parametrize("name", ["tiny.safetensors", "tiny.csv", "tiny.md", "tiny.png"])
def test_what_is_there_is_not_replaced(capsys, name):
    write()
    Path(name).write_text("precious")
    assert main(["train", "tiny.toml"]) == 2
    assert f"{name} exists; use --force to replace it" in capsys.readouterr().err
    assert Path(name).read_text() == "precious"
    assert set(os.listdir()) == {"tiny.toml", name}
    assert main(["train", "tiny.toml", "--force", "--quiet"]) == 0
    assert Path(name).read_bytes() != b"precious"


def test_killed_while_it_writes_it_writes_again(monkeypatch):

    def broken(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train_command, "as_csv", broken)
        assert main(["train", write(), "--quiet"]) == 130
    assert Path("tiny.safetensors").exists()
    assert main(["train", "tiny.toml", "--quiet"]) == 0
    assert Path("tiny.csv").exists()
    assert not list(Path().glob("*checkpoint*"))


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["-o", "weights.pt"], "weights.pt: the file name must end in .safetensors"),
        (["-o", "absent/a.safetensors"], "absent is not a folder"),
        (["--budget", "soon"], "budget 'soon' must be a time like 90s, 10m or 2h"),
        (["--budget=-1s"], "time=-1 s must be > 0"),
        (["--budget", "infs"], "budget 'infs' must be a time like 90s, 10m or 2h"),
        (["--budget", "nan"], "budget 'nan' must be a time like 90s, 10m or 2h"),
    ],
)
def test_wrong_calls(capsys, argv, message):
    assert main(["train", write(), *argv]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert os.listdir() == ["tiny.toml"]


def test_a_budget_takes_the_place_of_the_recipes(slow_steps, capsys):
    assert main(["train", write(steps=10**9), "--budget", "80m"]) == 0
    out, err = capsys.readouterr()
    card = load(Path("tiny.safetensors")).card
    assert 100 <= card["steps"] == card["planned_steps"] < 160
    assert card["budget_s"] == 4800
    caution = f"the budget of 80.0 min is short: {card['steps']} steps, "
    assert card["caution"].startswith(caution)
    assert card["caution"].endswith("e-05 % of the recipe's 1,000,000,000")
    for text in (out, err):
        assert f"caution: {card['caution']}\n" in text
    text = Path("tiny.md").read_text()
    assert f"**Caution:** {card['caution']}." in text
    assert "| budget | 80.0 min |" in text
    assert f"{card['steps']} of {card['steps']} planned steps in" in out


# The learner


def test_a_learner_in_a_suite(capsys):
    write(pairs="fresh", batch=2)
    own, other = "trained[recipe=tiny.toml]", "trained[recipe=tiny.toml,seed=5,network=icnn]"
    boards = []
    for jobs in ("1", "2"):
        argv = ["run", "table1", "--items", "4", "--seeds", "1", "-j", jobs, "-o", f"out{jobs}"]
        assert main([*argv, "--quiet", "-m", "noisy", own, other]) == 0
        rows = rows_of(f"out{jobs}/leaderboard.csv")
        boards.append({(r["method"], r["metric"]): r for r in rows})
    row = boards[0][own, "psnr"]
    assert row["knowledge"] == "fitted"
    assert "shrinknet" in row["params"]
    assert "fresh" in row["params"]
    assert "icnn" in boards[0][other, "psnr"]["params"]
    for key, row in boards[0].items():
        assert row["mean"] == boards[1][key]["mean"]


SUITE = """
seeds = [1]
metrics = ["psnr"]
[[problems]]
dataset = "sparse-spikes"
degradation = "gaussian[sigma=3]"
items = 5
[[methods]]
name = "net"
method = "METHOD"
training_seeds = SEEDS
"""


def suite(method="trained[recipe=tiny.toml]", seeds="[1, 2]"):
    Path("seeds.toml").write_text(SUITE.replace("METHOD", method).replace("SEEDS", seeds))
    return "seeds.toml"


def test_training_seeds_in_a_suite():
    write()
    assert main(["run", suite(), "-o", "run", "-j", "1", "--quiet"]) == 0
    means = {r["method"]: float(r["mean"]) for r in rows_of("run/leaderboard.csv")}
    assert means.keys() == {"noisy", "net #1", "net #2"}
    assert means["net #1"] != means["net #2"]
    text = Path("run/leaderboard.md").read_text()
    (row,) = re.findall(r"^\| net +\| +(\d) \| +(\S+) ± (\S+) \|$", text, re.M)
    one, two = means["net #1"], means["net #2"]
    half = 12.706 * abs(one - two) / 2  # Student's t, one degree of freedom
    assert row[0] == "2"
    np.testing.assert_allclose(float(row[1]), (one + two) / 2, atol=0.006)
    np.testing.assert_allclose(float(row[2]), half, atol=0.01)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "affine"}, "net has no parameter 'seed', which training_seeds needs"),
        ({"seeds": "[1, 1]"}, "must be distinct"),
        ({"seeds": '["a"]'}, "seed 'a' must be a whole number"),
    ],
)
def test_wrong_training_seeds_are_refused(changes, message, capsys):
    write()
    assert main(["run", suite(**changes)]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("key", ["degradation=gaussian[sigma=9]", "validation=3", "metric=rmse"])
def test_what_is_the_problems_own_is_refused_of_a_learner(key):
    with pytest.raises(InputError, match=r"is defined by the problem; set it in"):
        Trained(f"icnn[{key}]")


def test_its_key_is_what_auto_comes_to_here(monkeypatch):
    from sigbench.networks.training import engines

    for units, precision in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr(engines, "has_bfloat16", lambda device, units=units: units)
        key = Trained("resnet[steps=5]").content
        assert key == Trained(f"resnet[steps=5,engine=torch,precision={precision}]").content


def test_its_key_is_what_the_recipe_holds():
    def key(name, **fields):
        return identity(Trained(name, **fields))

    tiny = key(write())
    assert key(write("other", description="the same", name="same")) == tiny
    assert key(write("other", validation=7, limit=None)) == tiny  # the problem defines its own
    assert key(write("other", metric="psnr")) == tiny  # not used
    assert key(write("other", seed=2)) != tiny
    assert key(write("other", seed=2)) == key(write(), seed=2)
    for changes in ({"steps": 31}, {"pairs": 20}, {"loss": "smooth-l1"}):
        assert key(write("other", **changes)) != tiny
    assert key(write(), statistics="input") != tiny


def test_values_never_depend_on_the_clock():
    with pytest.raises(InputError, match="its budget is a time"):
        Trained(write(steps=None, time="5s"))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_learner_leaves_itself_and_the_pairs_alone(engine):
    learner = Trained(write(engine=engine))
    recipe = learner.loaded
    training = recipe.source.training(recipe.pairs)
    before = training.pairs.noisy.copy()
    one, two = (learner.fit(training, rng=np.random.default_rng(i)) for i in (0, 1))
    assert one == two
    np.testing.assert_array_equal(training.pairs.noisy, before)
    assert hash(learner) == hash(Trained("tiny.toml"))


def test_a_learner_that_diverges_says_so():
    learner = Trained(write(optimizer="sgd[lr=1e20]", network="icnn[norm=none]"))
    with pytest.raises(Diverged, match=r"diverged: .* step [12] is nan \(lr=1e\+20\)"):
        learner.fit(learner.loaded.source.training(21), rng=None)


# Files


def test_two_trainings_do_not_write_the_same_files(capsys):
    name = write()
    with train_command.Files(Path("mine.safetensors")).locked():
        assert main(["train", name, "-o", "mine.safetensors"]) == 2
    assert "another training is writing mine.safetensors" in capsys.readouterr().err
    assert main(["train", name, "-o", "mine.safetensors", "--quiet"]) == 0
    assert not Path("mine.lock").exists()


def test_what_appears_meanwhile_is_not_replaced(monkeypatch, capsys):
    def train_and_write(*args, **kwargs):
        Path("mine.md").write_text("mine")
        return train(*args, **kwargs)

    name = write()
    with monkeypatch.context() as patched:
        patched.setattr(train_command, "train", train_and_write)
        assert main(["train", name, "-o", "mine.safetensors", "--quiet"]) == 2
    assert "mine.md exists; use --force to replace it" in capsys.readouterr().err
    assert Path("mine.md").read_text() == "mine"
    assert main(["train", name, "-o", "mine.safetensors", "--quiet", "--force"]) == 0


def test_a_folder_in_the_way_is_told_before_the_training(capsys):
    Path("mine.csv").mkdir()
    assert main(["train", write(), "-o", "mine.safetensors", "--force"]) == 2
    assert "mine.csv is a folder" in capsys.readouterr().err


def test_a_budget_in_time_is_measured_once(monkeypatch, slow_steps):
    """A run that is killed before the first timed checkpoint resumes with the same steps."""
    saved = []
    monkeypatch.setattr(
        Checkpoint, "save", lambda self, state, weights, kept: saved.append(state.step)
    )
    recipe = load_recipe(write(steps=None, time="80m"))
    training = recipe.source.training(recipe.pairs)
    train(recipe, training, open_engine(recipe), checkpoint=Checkpoint(Path("c"), "key"))
    assert saved[0] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 2**80}, "1208925819614629174706176 must be a whole number of at most 64 bits"),
        ({"steps": 10**400}, "a number of 1329 bits must be a whole number of at most 64 bits"),
        ({"batch": 10**15}, "batch=1e+15 must be >= 1 and < 1.04858e+06"),
    ],
)
def test_numbers_that_were_mistyped(changes, message, capsys):
    assert main(["train", write(**changes)]) == 2
    assert message in capsys.readouterr().err
