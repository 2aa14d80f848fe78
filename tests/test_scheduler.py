import dataclasses
import itertools
import os
import random

import numpy as np
import pytest

from sigbench import (
    METRICS,
    Denoising,
    Gaussian,
    IdealProjection,
    Method,
    Metric,
    Photos32,
    SparseSpikes,
    SpikesPosteriorMean,
    Subsample,
)
from sigbench.benchmark.engine.evaluate import Cell, Measure, Result
from sigbench.benchmark.engine.executors.calls import attempt
from sigbench.benchmark.engine.scheduler import Failure, run
from sigbench.benchmark.methods.functions import Function

PROBLEM = Denoising("p", SparseSpikes(), Gaussian(sigma=3.0), items=7, train_items=20)


def go(*functions, block=3, problem=PROBLEM, seeds=(1,), executor=None, metrics=("rmse",)):
    methods = [f if isinstance(f, Method) else Method(f.__name__, Function(f)) for f in functions]
    cells = [Cell(problem, seed, m, f"{seed}{m.name}") for seed in seeds for m in methods]
    return list(run(cells, {name: METRICS[name] for name in metrics}, block, executor))


def good(noisy):
    return 0.5 * noisy


def test_values_are_per_item_and_do_not_depend_on_the_block():
    (one,), (two,) = go(good, block=3), go(good, block=100)
    assert isinstance(one, Result)
    np.testing.assert_array_equal(one.items, np.arange(7))
    np.testing.assert_array_equal(one.values["rmse"], two.values["rmse"])
    assert one.groups.tolist() == [f"1:{i}" for i in range(7)]
    assert one.time_s > 0


def test_every_method_sees_the_same_noise():
    seen = {}

    def a(noisy):
        seen.setdefault("a", []).append(noisy.copy())
        return noisy.copy()

    def b(noisy):
        seen.setdefault("b", []).append(noisy.copy())
        return noisy.copy()

    go(a, b)
    for one, two in zip(seen["a"], seen["b"], strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("given", [False, True])
def test_no_two_calls_of_a_cell_see_the_same_data(given):
    """A method that remembers its inputs would not be faster."""
    seen, levels = [], []

    def f(noisy, sigma=None):
        seen.append(noisy.tobytes())
        levels.append(None if sigma is None else np.ravel(noisy / sigma[:, None, None])[0])
        return 0.5 * noisy

    (result,) = go(Method("f", Function(f), sigma_given=given))
    calls = 1 + 3 * 3  # the warm-up, and three passes over three blocks
    assert len(seen) == calls
    assert len(set(seen)) == calls
    assert not any(one in other for one, other in itertools.permutations(seen, 2))
    if given:  # the noise level is scaled, too
        np.testing.assert_allclose(levels[4:7], levels[1:4], rtol=1e-12)
    np.testing.assert_array_equal(result.values["rmse"], go(good)[0].values["rmse"])


def raises(noisy):
    raise ValueError("no good\nat all")


def leaves(noisy):
    raise SystemExit(0)


def nan(noisy):
    return np.where(np.arange(100) == 5, np.nan, noisy)


def shape(noisy):
    return noisy[:, 0]


def dtype(noisy):
    return noisy.astype(np.float32)


def a_list(noisy):
    return noisy.tolist()


def masked(noisy):
    return np.ma.masked_array(noisy, mask=np.abs(noisy) > 1)


def speechless(noisy):
    class Speechless(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    raise Speechless


def of_an_odd_file(noisy):
    raise OSError(os.fsdecode(b"cannot open \xff.wav"))


def spoils(noisy):
    noisy *= 0.5
    return noisy.copy()


def spoils_sigma(noisy, sigma):
    sigma *= 0.1
    return noisy.copy()


def told(noisy, sigma):
    return noisy / (1 + sigma[:, None, None])


@pytest.mark.parametrize("spoiler", [spoils, spoils_sigma])
def test_a_method_that_modifies_its_input_does_not_affect_the_next(spoiler):
    methods = [Method(f.__name__, Function(f), sigma_given=True) for f in (spoiler, told)]
    alone = go(methods[1])[0]
    failure, after = go(*methods)
    assert "changed its input" in failure.error
    np.testing.assert_array_equal(after.values["rmse"], alone.values["rmse"])


@pytest.mark.parametrize("sampled", [False, True])
def test_large_data_are_kept_in_a_file_and_created_once(monkeypatch, sampled):
    noise = Subsample(2) if sampled else Gaussian(sigma=3.0)
    problem = dataclasses.replace(PROBLEM, degradation=noise)
    kept = go(good, told_or_not, block=2, problem=problem)
    made = []
    item = SparseSpikes.item
    monkeypatch.setattr(SparseSpikes, "item", lambda *a: made.append(a[3]) or item(*a))
    monkeypatch.setattr("sigbench.benchmark.engine.evaluate._Data.limit_bytes", 5000)
    monkeypatch.setattr("sigbench.benchmark.engine.evaluate._DATA.source", None)
    spooled = go(good, told_or_not, good, block=2, problem=problem)
    assert made == list(range(7))
    for one, two in zip(kept, spooled, strict=False):
        np.testing.assert_array_equal(one.values["rmse"], two.values["rmse"])
        np.testing.assert_array_equal(one.items, two.items)
        np.testing.assert_array_equal(one.groups, two.groups)


def told_or_not(noisy, sigma=None):
    return noisy * (0.5 if sigma is None else 0.4)


def test_sigma_has_the_dtype_of_the_items():
    seen = []

    def f(noisy, sigma):
        seen.append(sigma.dtype)
        return noisy

    photos = Denoising("p", Photos32(), Gaussian(sigma=25.0), items=2)
    go(Method("f", Function(f), sigma_given=True), problem=photos)
    assert set(seen) == {np.dtype(np.float32)}


def test_the_limit_knows_the_prior_of_the_problem():
    spikes = SparseSpikes(n=50, draws=30, low=-4, high=4)
    problem = Denoising("p", spikes, Gaussian(sigma=1.0), items=40)
    limit, noisy = go(
        Method("limit", SpikesPosteriorMean(), sigma_given=True), good, problem=problem
    )
    assert limit.params == "samplewise=false, draws=30, low=-4, high=4"
    assert limit.values["rmse"].mean() < noisy.values["rmse"].mean()


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (raises, "ValueError: no good at all"),
        (leaves, "SystemExit: 0"),
        (nan, "the estimate contains nan in item 0"),
        (shape, "the estimate has shape (1, 100), not (1, 1, 100)"),
        (dtype, "the estimate has dtype float32, not float64"),
        (a_list, "the estimate is a list, not a NumPy array"),
        (masked, "the estimate is a MaskedArray, not a NumPy array"),
        (speechless, "Speechless: its message raises RuntimeError"),
        (of_an_odd_file, "OSError: cannot open \\udcff.wav"),
        (spoils, "the method changed its input"),
    ],
)
def test_a_protocol_violation_is_a_failure_and_the_others_run(method, message):
    metrics = ("rmse", "si_sdr")
    alone = go(good)[0]
    first, failure, last = go(good, method, Method("again", Function(good)), metrics=metrics)
    assert isinstance(failure, Failure)
    assert message in failure.error
    assert "\n" not in failure.error
    assert "Traceback" in failure.trace
    for other in (first, last):
        np.testing.assert_array_equal(other.values["rmse"], alone.values["rmse"])


def test_a_value_that_is_nan_without_a_reason_is_a_failure():
    nan = Metric(lambda clean, estimate, peak: np.full(len(clean), np.nan), "", False)
    cell = Cell(PROBLEM, 1, Method("good", Function(good)), "key")
    (failure,) = run([cell], {"odd": nan}, 3)
    assert isinstance(failure, Failure)
    assert "odd of item 0 is nan" in failure.error


def test_a_learner_is_fitted_once_per_problem_never_per_seed():
    fits = []

    @dataclasses.dataclass(frozen=True)
    class Counts:
        def fit(self, train, *, rng):
            fits.append(len(train.pairs.noisy))
            return Function(good)

    out = go(Method("counts", Counts()), seeds=(1, 2, 3))
    assert fits == [16]
    assert [r.knowledge for r in out] == ["fitted"] * 3


@pytest.mark.parametrize(("least", "order"), [(-1.0, "fit run fit run"), (60.0, "fit fit run run")])
def test_the_cells_of_a_long_fit_run_before_the_next_fit(monkeypatch, least, order):
    """So a long training is not lost if a later one is interrupted."""
    monkeypatch.setattr("sigbench.benchmark.engine.scheduler.LONG_FIT_S", least)
    done = []

    @dataclasses.dataclass(frozen=True)
    class Learns:
        def fit(self, train, *, rng):
            done.append("fit")
            return Function(runs)

    def runs(noisy):
        if len(noisy) > 1:  # not the warm-up
            done.append("run")
        return noisy

    go(Method("one", Learns()), Method("two", Learns()))
    assert [key for key, _ in itertools.groupby(done)] == [
        key for key, _ in itertools.groupby(order.split())
    ]
    assert done.count("fit") == 2


class Workers:
    """Simulated workers: they finish in a random order and record their data."""

    retries = 0
    timeout = None
    isolates = False

    def __init__(self, slots, order):
        self.slots, self.order = slots, order
        self.free, self.under_way = list(range(slots)), {}
        self.data = [[] for _ in range(slots)]

    def submit(self, number, work):
        worker = self.free.pop()
        self.under_way[number] = worker, work
        if isinstance(work, Measure):
            self.data[worker].append(work.cell.seed)

    def next(self):
        number = self.order.choice(sorted(self.under_way))
        worker, work = self.under_way.pop(number)
        self.free.append(worker)
        return dataclasses.replace(attempt(work), number=number)


@pytest.mark.parametrize("order", range(5))
def test_a_worker_continues_with_the_data_that_it_has_created(order):
    @dataclasses.dataclass(frozen=True)
    class Learns:
        def fit(self, train, *, rng):
            return Function(good)

    functions = [Method(f"good{i}", Function(good)) for i in range(4)]
    seeds = range(1, 13)
    workers = Workers(3, random.Random(order))
    out = go(Method("learns", Learns()), *functions, seeds=seeds, executor=workers)
    assert len(out) == 5 * len(seeds)
    made = sum(len(list(itertools.groupby(data))) for data in workers.data)
    # The learner's cells of seeds that were finished while it was fitted, and the last shared seeds.
    assert made <= len(seeds) + 2 * workers.slots


def test_a_failed_fit_fails_every_seed_once():
    fits = []

    @dataclasses.dataclass(frozen=True)
    class Fails:
        def fit(self, train, *, rng):
            fits.append(1)
            raise ArithmeticError("diverged")

    out = go(Method("fails", Fails()), seeds=(1, 2))
    assert fits == [1]
    assert [r.error for r in out] == ["ArithmeticError: diverged"] * 2


def test_a_fit_that_returns_an_oracle_is_refused():
    """It would use the clean items and be ranked among the learned methods."""

    @dataclasses.dataclass(frozen=True)
    class Cheats:
        def fit(self, train, *, rng):
            return IdealProjection("haar")

    (out,) = go(Method("cheats", Cheats()))
    assert out.error.endswith("fit returned an oracle, which would use the clean items")


def test_oracles_are_bound_to_each_block():
    (result,) = go(Method("ideal", IdealProjection("haar"), sigma_given=True))
    assert result.knowledge == "oracle"
    assert result.values["rmse"].shape == (7,)


def test_an_interrupt_is_not_a_failure():
    def stop(noisy):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(stop)
