"""The 1-D networks in NumPy against plain torch, one thread: inference and training steps.

Prints Markdown tables. Before a pair is timed, both sides must give the same estimates, or losses.
"""

import contextlib
import dataclasses
import functools
import statistics
import time
import timeit

import numpy as np
import torch
from plain_networks import plain
from threadpoolctl import threadpool_limits

from sigbench.networks import nn
from sigbench.networks.models import ICNN, ShrinkNet
from sigbench.networks.models.base import first_weights, is_learned, run
from sigbench.networks.training.batches import Batches
from sigbench.networks.training.engines import open_engine, torch_optimizer
from sigbench.networks.training.loop import interval, train
from sigbench.networks.training.recipe import load_recipe

ITEMS, LENGTH = 1000, 100
REPEATS = 21
SINGLE = 1e-5  # float32, relative to the largest value
TARGET = 1.3
LOOP_TARGET = 1.05
STRETCHES = 60  # of 50 steps or half a second
LR, MOMENTUM, DECAY = 1e-4, 0.9, 1e-6  # as in the report
NETWORKS = {"ICNN without prior": ICNN(prior=False), "ICNN": ICNN(), "ShrinkNet": ShrinkNet()}


def pairs(rng, items):
    """Draw signals like those of Table 1; return clean and noisy, (items, 1, 100), float32."""
    clean = rng.integers(2, 11, (items, 1, LENGTH)) * (rng.random((items, 1, LENGTH)) < 0.18)
    noisy = clean + 3 * rng.standard_normal(clean.shape)
    return clean.astype(np.float32), noisy.astype(np.float32)


def our_step(network, weights, optimizer):
    """Return a training step in NumPy: ``step(clean, noisy)`` returns the loss."""
    state = {}

    def step(clean, noisy):
        variables = {k: nn.Var(w) if is_learned(k) else w for k, w in weights.items()}
        loss = nn.smooth_l1(network.forward(nn.Net(nn, variables, "batch"), noisy), clean)
        loss.backward()
        gradients = {k: v.grad for k, v in variables.items() if is_learned(k)}
        optimizer.step(weights, gradients, state, optimizer.lr)
        return float(loss.value)

    return step


def their_step(module):
    """Return a training step in torch: ``step(clean, noisy)`` returns the loss."""
    module.train()
    optimizer = torch.optim.SGD(module.parameters(), LR, MOMENTUM, weight_decay=DECAY)
    loss_function = torch.nn.SmoothL1Loss()

    def step(clean, noisy):
        optimizer.zero_grad()
        loss = loss_function(module(torch.from_numpy(noisy)), torch.from_numpy(clean))
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def trained(network, steps=200):
    """Return float32 weights after some training steps."""
    weights, rng = first_weights(network), np.random.default_rng(1)
    step = our_step(network, weights, nn.Adam(lr=1e-2))
    for _ in range(steps):
        step(*pairs(rng, 16))
    return weights


def seconds(*calls):
    """Return the median seconds of each call, repeats interleaved."""
    counts = [max(1, round(0.05 / timeit.timeit(call, number=2) * 2)) for call in calls]
    times = [[] for _ in calls]
    for _ in range(REPEATS):
        for call, count, kept in zip(calls, counts, times, strict=True):
            kept.append(timeit.timeit(call, number=count) / count)
    return [statistics.median(kept) for kept in times]


def passes():
    """Print the time of inference on 1,000 signals."""
    _, noisy = pairs(np.random.default_rng(2), ITEMS)
    tensor = torch.from_numpy(noisy)
    print(f"\n{ITEMS} signals of length {LENGTH}, float32, running statistics\n")
    print("| network | torch, µs/signal | NumPy, µs/signal | NumPy / torch | target |")
    print("| --- | ---: | ---: | ---: | --- |")
    for name, network in NETWORKS.items():
        weights = trained(network)
        module = plain(network, weights).eval()

        def theirs(module=module):
            with torch.inference_mode():
                return module(tensor)

        def ours(network=network, weights=weights):
            return run(network, weights, noisy, engine="numpy")

        wanted = theirs().numpy()
        off = np.abs(ours() - wanted).max() / np.abs(wanted).max()
        assert off < SINGLE, f"{name}: off by {off:.2g}"
        slow, fast = (s / ITEMS * 1e6 for s in seconds(theirs, ours))
        reached = "reached" if fast / slow <= TARGET else "not reached"
        print(f"| {name} | {slow:.3g} | {fast:.3g} | {fast / slow:.2f} | {TARGET}: {reached} |")


def steps():
    """Print the time of a training step."""
    print("\nTraining steps: SmoothL1, SGD with momentum and weight decay, float32\n")
    print("| network, batch | torch, ms/step | NumPy, ms/step | NumPy / torch |")
    print("| --- | ---: | ---: | ---: |")
    for name, network in NETWORKS.items():
        for items in (1, 32):
            weights = trained(network)
            module = plain(network, weights)
            ours = our_step(network, weights, nn.SGD(LR, MOMENTUM, weight_decay=DECAY))
            theirs = their_step(module)
            data = pairs(np.random.default_rng(3), items)
            for _ in range(5):
                a, b = ours(*data), theirs(*data)
                assert abs(a - b) < 1e-4 * b, (a, b)
            slow, fast = (
                1e3 * s
                for s in seconds(lambda: theirs(*data), lambda: ours(*data))  # noqa: B023
            )
            print(f"| {name}, {items} | {slow:.3g} | {fast:.3g} | {fast / slow:.2f} |", flush=True)


def norms():
    """Print the cost of the norms; both engines run our definition."""
    _, noisy = pairs(np.random.default_rng(2), ITEMS)
    print(f"\nICNN without prior by norm, {ITEMS} signals, both engines run our definition\n")
    print("| norm | torch, µs/signal | NumPy, µs/signal |")
    print("| --- | ---: | ---: |")
    for norm in ("none", "batch", "sparse"):
        network = ICNN(prior=False, norm=norm)
        weights = trained(network)
        calls = [
            functools.partial(run, network, weights, noisy, engine=engine)
            for engine in ("torch", "numpy")
        ]
        slow, fast = (s / ITEMS * 1e6 for s in seconds(*calls))
        print(f"| {norm} | {slow:.3g} | {fast:.3g} |", flush=True)


def loops():
    """Print the time of `sigbench train` on torch relative to that of bare steps."""
    print(
        f"\nThe training loop on torch relative to bare torch steps; {STRETCHES} stretches of each\n"
    )
    print(
        "| recipe | bare step, ms | step and loop | + data | + validation, over the recipe "
        "| target for the loop |"
    )
    print("| --- | ---: | ---: | ---: | ---: | --- |")
    for name in ("icnn-report-he", "icnn", "shrinknet"):
        recipe = dataclasses.replace(load_recipe(name), engine="torch")
        training = recipe.source.training(recipe.pairs)
        batches, engine = Batches(recipe, training), open_engine(recipe)
        stretches = Stretches(bare_step(recipe, batches), training.draw)
        timed = dataclasses.replace(training, draw=stretches.draw)
        with contextlib.suppress(Enough):
            train(recipe, timed, engine, report=stretches)
        whole = recipe.steps or recipe.epochs * batches.per_epoch
        noisy = training.validation.noisy
        validation = min(timeit.repeat(lambda: engine.denoise(noisy), number=1))  # noqa: B023
        validation /= interval(whole, batches)
        bare = statistics.median(stretches.bare)
        loop, own = (statistics.median(kept) for kept in (stretches.loop, stretches.own))
        reached = "reached" if loop <= LOOP_TARGET else "not reached"
        print(
            f"| {name} | {1e3 * bare:.3g} | {loop:.3f} | {own:.3f} | {own + validation / bare:.3f} "
            f"| {LOOP_TARGET}: {reached} |",
            flush=True,
        )


class Enough(Exception):
    """All stretches are measured."""


class Stretches:
    """Progress callback of a training: runs as many bare steps as the loop has just run.

    The two alternate within a second, so a slow phase of the machine affects both.
    """

    def __init__(self, bare, draw):
        self._bare_step, self._draw = bare, draw
        self._began, self._first, self._drawn = None, 0, 0.0
        self.bare, self.own, self.loop = [], [], []

    def draw(self, *args, **kwargs):
        """Draw pairs and add up the time."""
        began = time.perf_counter()
        pairs = self._draw(*args, **kwargs)
        self._drawn += time.perf_counter() - began
        return pairs

    def __call__(self, state, loss, row):
        """Measure, unless the loop has also validated since the last call."""
        took = None if row or self._began is None else time.perf_counter() - self._began
        if took:
            steps = range(self._first, state.step)
            bare = timeit.timeit(lambda: [self._bare_step(step) for step in steps], number=1)
            self.bare.append(bare / len(steps))
            self.own.append(took / bare)
            self.loop.append((took - self._drawn) / bare)
        if len(self.bare) == STRETCHES:
            raise Enough
        self._first, self._drawn, self._began = state.step, 0.0, time.perf_counter()


def bare_step(recipe, batches):
    """Return a plain torch step on batches prepared in advance."""
    data = [[torch.from_numpy(a.astype(np.float32)) for a in batches(step)] for step in range(50)]
    module = plain(recipe.network, first_weights(recipe.network)).train()
    optimizer = torch_optimizer(recipe.optimizer, list(module.parameters()))
    loss = {"mse": torch.nn.MSELoss(), "smooth-l1": torch.nn.SmoothL1Loss()}[recipe.loss]

    def step(number):
        noisy, target = data[number % len(data)]
        optimizer.zero_grad()
        loss(module(noisy), target).backward()
        optimizer.step()

    return step


if __name__ == "__main__":
    torch.set_num_threads(1)
    with threadpool_limits(1):
        passes()
        steps()
        norms()
        loops()
