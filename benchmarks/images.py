"""Training of image networks: sigbench against plain torch in float32, and NumPy against torch.

Prints Markdown tables. Before two sides are timed, they must give the same losses. The sides
alternate in separate processes, because glibc's memory settings apply to a whole process.
"""

import json
import statistics
import subprocess
import sys
import time

import numpy as np
import torch
from plain_images import N2N, Strided

from sigbench.benchmark.suites.suite import load
from sigbench.networks.models.base import first_weights
from sigbench.networks.pretrained.denoiser import NetworkDenoiser
from sigbench.networks.pretrained.weights import Weights
from sigbench.networks.training.engines import open_engine, torch_optimizer
from sigbench.networks.training.loop import train
from sigbench.networks.training.processor import has_bfloat16, keep_memory
from sigbench.networks.training.recipe import load_recipe
from sigbench.scoring.inference import mean_interval
from sigbench.scoring.metrics import METRICS

BATCH = 400
ROUNDS, STEPS = 3, 5  # processes of each side, and timed steps in each
TARGET, AGREEMENT_DB = 2.0, 0.05
PLAIN, KEPT = "plain torch, float32", "plain torch, glibc keeps memory"
SIDES = {
    PLAIN: None,
    KEPT: None,
    "sigbench, float32": "float32",
    "sigbench, bfloat16": "bfloat16",
}
QUALITY = "n2n[steps=2000,batch=32]"
TRAININGS = (1, 2, 3, 4)


def pairs(items):
    """Return noisy items and targets, drawn as by the recipe."""
    source = load_recipe("n2n").source
    drawn = source.training(None).draw(items, np.random.default_rng(1), target="noisy")
    return drawn.noisy, drawn.target


def plain_step(module, optimizer):
    """Return a plain training step: ``step(noisy, target)`` returns the loss."""
    module.train()

    def step(noisy, target):
        optimizer.zero_grad()
        estimate = module(torch.from_numpy(noisy))
        loss = torch.nn.functional.mse_loss(estimate / 255, torch.from_numpy(target) / 255)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def loaded(module, network):
    """Return the module with the initial weights of our network."""
    arrays = first_weights(network, seed=1)
    module.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return module


def side(name):
    """Print the loss of the first step and the seconds of the timed steps, as JSON."""
    recipe = load_recipe("n2n-report")
    noisy, target = pairs(BATCH)
    if name == KEPT:
        keep_memory()
    if SIDES[name] is None:
        module = loaded(N2N(), recipe.network)
        optimizer = torch.optim.Adam(module.parameters(), recipe.optimizer.lr, betas=(0.9, 0.99))
        step = plain_step(module, optimizer)
    else:
        engine = open_engine(load_recipe(f"n2n-report[precision={SIDES[name]}]"))

        def step(noisy, target):
            return float(engine.step(noisy, target, recipe.optimizer.lr))

    first = step(noisy, target)
    step(noisy, target)
    seconds = []
    for _ in range(STEPS):
        began = time.perf_counter()
        step(noisy, target)
        seconds.append(time.perf_counter() - began)
    print(json.dumps([first, seconds]))


def speed():
    """Print images per second of the original network at the batch size of the reports."""
    names = [n for n in SIDES if SIDES[n] != "bfloat16" or has_bfloat16("cpu")]
    times, losses = {name: [] for name in names}, {}
    for _ in range(ROUNDS):
        for name in names:
            command = [sys.executable, __file__, name]
            out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            losses[name], seconds = json.loads(out)
            times[name] += seconds
    for name, loss in losses.items():
        assert abs(loss / losses[PLAIN] - 1) < 1e-2, (name, losses)
    print(f"\nThe original network, a training step at batch {BATCH}, all cores\n")
    print("| | images/s | relative to plain |")
    print("| --- | ---: | ---: |")
    base = statistics.median(times[PLAIN])
    for name in names:
        one = statistics.median(times[name])
        print(f"| {name} | {BATCH / one:.0f} | {base / one:.2f} |")
    if len(names) < len(SIDES):
        print("\nThis processor has no bfloat16 units.")
    else:
        reached = "reached" if base / one >= TARGET else "not reached"
        print(f"\nTarget {TARGET} for the last row: {reached}.")


def quality():
    """Print the PSNR of bfloat16 and float32 trainings on the test photographs."""
    problem = load("images32").select(problems=["gaussian-25"]).problems[0]
    (block,) = problem.blocks(1, problem.items)
    print(f"\nPSNR on the test photographs after `{QUALITY}`, dB\n")
    print("| training seed | float32 | bfloat16 | difference |")
    print("| --- | ---: | ---: | ---: |")
    differences = []
    for seed in TRAININGS:
        values = []
        for precision in ("float32", "bfloat16"):
            recipe = load_recipe(f"{QUALITY[:-1]},seed={seed},precision={precision}]")
            outcome = train(recipe, recipe.source.training(None), open_engine(recipe))
            denoiser = NetworkDenoiser(Weights(recipe.network, outcome.weights))
            values.append(METRICS["psnr"](block.clean, denoiser(block.noisy), 255.0))
        single, half = values
        differences.append(half - single)
        mean = mean_interval(half - single, block.groups)
        print(
            f"| {seed} | {single.mean():.3f} | {half.mean():.3f} "
            f"| {mean.mean:+.3f} ± {mean.high - mean.mean:.3f} |",
            flush=True,
        )
    over = mean_interval(np.array([d.mean() for d in differences]), TRAININGS)
    shown = "shown" if max(-over.low, over.high) <= AGREEMENT_DB else "not shown"
    print(
        f"\nMean difference {over.mean:+.3f} ± {over.high - over.mean:.3f} dB over training seeds; "
        f"agreement within {AGREEMENT_DB} dB: {shown}."
    )


def strided():
    """Print the time of a training step of the two strided networks."""
    print("\nTraining steps of the strided networks, plain gradient descent, one thread\n")
    print("| upsampling, batch | torch, ms/step | NumPy, ms/step | NumPy / torch |")
    print("| --- | ---: | ---: | ---: |")
    for upsampling in ("nearest", "transposed"):
        network = f"strided[upsampling={upsampling}]"
        for batch in (4, 16):
            recipe = load_recipe(f"strided[network={network},optimizer=sgd[lr=0.1],batch={batch}]")
            engine = open_engine(recipe)
            module = loaded(Strided(upsampling), recipe.network)
            theirs = plain_step(module, torch_optimizer(recipe.optimizer, module.parameters()))
            data = pairs(batch)
            for _ in range(5):
                a, b = float(engine.step(*data, 0.1)), theirs(*data)
                assert abs(a / b - 1) < 1e-3, (a, b)
            times = {"torch": [], "numpy": []}
            for _ in range(41):
                for name, step in (("torch", theirs), ("numpy", lambda *d: engine.step(*d, 0.1))):  # noqa: B023
                    began = time.perf_counter()
                    step(*data)
                    times[name].append(1e3 * (time.perf_counter() - began))
            slow, fast = (statistics.median(times[name]) for name in ("torch", "numpy"))
            print(
                f"| {upsampling}, {batch} | {slow:.3g} | {fast:.3g} | {fast / slow:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        side(sys.argv[1])
    else:
        speed()
        quality()
        torch.set_num_threads(1)
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            strided()
