"""Time budgets: what is measured, what fits, what is refused, and what is called short."""

import itertools

import numpy as np
import pytest

from sigbench import InputError
from sigbench.cli.main import main
from sigbench.networks.training import plan
from sigbench.networks.training.batches import Batches
from sigbench.networks.training.plan import Speed, caution, planned, within
from sigbench.networks.training.recipe import load_recipe

pytestmark = pytest.mark.usefixtures("here")

TINY = "shrinknet[network=shrinknet[width=1],batch=2,validation=3]"


def recipe_within(budget, name=TINY):
    return load_recipe(name).within(budget)


@pytest.mark.parametrize(
    ("budget", "speed", "spent", "expected"),
    [
        # 600 − 2 for the start, 5 % for the end: 568 s, of which 40 validations take 4 s.
        ("600s", Speed(0.1, 0.1), 2.0, (5640, 40)),
        # 17 s of the end are more than 5 %: 281 s; a fifth of them holds 37 validations of 1.5 s.
        ("300s", Speed(1.0, 1.5), 2.5, (225, 37)),
        # As many steps as the recipe has, and more.
        ("1h", Speed(0.01, 0.001), 0.0, (341996, 40)),
    ],
)
def test_what_fits(budget, speed, spent, expected):
    assert within(recipe_within(budget), speed, spent) == expected


SPEEDS = [10.0**k for k in range(-4, 3)]


@pytest.mark.parametrize("budget", ["1s", "20s", "1m", "10m", "2h"])
def test_a_plan_stays_in_its_budget_and_validations_in_their_share(budget):
    recipe = recipe_within(budget)
    plans = 0
    for step, validation in itertools.product(SPEEDS, SPEEDS):
        try:
            steps, validations = within(recipe, Speed(step, validation), 0.1 * recipe.time)
        except InputError:
            continue
        plans += 1
        assert steps >= 100
        assert 1 <= validations <= 40
        assert validations * validation <= 0.2 * recipe.time
        total = 0.1 * recipe.time + steps * step + validations * validation
        assert total <= 0.95 * recipe.time + 1e-6
        assert total + step >= recipe.time - max(0.05 * recipe.time, 1.5 + 10 * validation) - 1e-6
    assert plans >= {"1s": 0, "20s": 6}.get(budget, 12)


@pytest.mark.parametrize("pairs", ["fresh", 30])
@pytest.mark.parametrize("validation", [0.001, 20.0, 60.0])
def test_validations_are_as_few_as_planned(monkeypatch, pairs, validation):
    """Also where they are moved to the ends of epochs."""
    speed = Speed(10.0, validation)
    monkeypatch.setattr(plan, "measured", lambda *_: speed)
    recipe = recipe_within("2h", f"{TINY[:-1]},pairs={pairs}]")
    training = recipe.source.training(recipe.pairs)
    made = planned(recipe, training, "cpu")
    count = -(-made.steps // made.every)
    _, most = within(recipe, speed, 0.0)
    assert most / 2 < count <= most
    if pairs == 30 and validation > 0.001:
        assert made.every % made.per_epoch == 0


def test_the_least_budget_that_is_named_is_enough():
    for speed in (Speed(0.5, 0.01), Speed(0.001, 30.0), Speed(20.0, 20.0)):
        with pytest.raises(InputError, match="too small for shrinknet") as error:
            within(recipe_within("20s"), speed, 1.0)
        budget = str(error.value).rpartition("--budget ")[2]
        steps, validations = within(recipe_within(budget), speed, 1.0)
        assert steps >= 100
        assert validations >= 1


def test_a_budget_without_a_useful_training_is_one_line(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(plan, "measured", lambda *_: Speed(100.0, 1.0))
    assert main(["train", TINY, "--budget", "1h"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "a budget of 60.0 min is too small for shrinknet: after " in err
    assert "at least 100 steps and 1 validation are needed: use --budget " in err
    assert list(tmp_path.iterdir()) == []


def test_a_recipe_of_few_steps_needs_no_more():
    few = "shrinknet[steps=10]"
    assert within(recipe_within("10m", few), Speed(30.0, 1.0), 0.0)[0] == 17
    with pytest.raises(InputError, match="at least 10 steps"):
        within(recipe_within("10m", few), Speed(100.0, 1.0), 0.0)


def test_a_short_budget_is_called_short():
    recipe = recipe_within("1m", "shrinknet")
    assert caution(recipe, 600, 8) is None
    assert caution(recipe, 599, 8).endswith("599 steps, 10 % of the recipe's 6,000")
    fixed = recipe_within("1m", "icnn-report-he[steps=1000]")
    assert caution(fixed, 700, 700) is None
    assert caution(fixed, 650, 700).endswith(
        "650 steps, less than an epoch of 700, so that some pairs are not used"
    )
    assert recipe_within("1m", "icnn-report-he").own_steps == 140_000  # 200 epochs of 700
    assert caution(load_recipe("shrinknet"), 1, 8) is None  # without a time budget


def test_slow_first_steps_do_not_count(monkeypatch):
    """Two warm-up steps and a warm-up validation are left out; at least five steps are counted."""
    clock = [0.0]

    class Probe:
        steps = validations = 0

        def step(self, noisy, target, lr):
            assert lr == 0
            clock[0] += 10.0 if self.steps < 2 else 0.5
            self.steps += 1
            return 0.0

        def denoise(self, noisy):
            clock[0] += 20.0 if self.validations == 0 else 0.25
            self.validations += 1

    probe = Probe()
    monkeypatch.setattr(plan, "open_engine", lambda *_: probe)
    monkeypatch.setattr(plan.time, "perf_counter", lambda: clock[0])
    for budget, steps in (("10s", 5), ("40s", 8), ("1h", 10)):  # a tenth of it, at most 5 s
        recipe = recipe_within(budget)
        training = recipe.source.training(recipe.pairs)
        probe.steps = probe.validations = 0
        speed = plan.measured(recipe, Batches(recipe, training), np.zeros((1, 1, 100)), "cpu")
        assert speed == Speed(0.5, 0.25)
        assert probe.steps == 2 + steps
