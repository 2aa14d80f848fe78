"""Certificates are stored in the cells and shown in the report."""

import re
from pathlib import Path

import numpy as np
import pytest

from sigbench import Tuned, load, run_suite
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.benchmark.suites.suite import suite_names
from sigbench.core.protocols import Certified
from sigbench.denoisers.sparse_model import Exact

ROOT = Path(__file__).parents[1]
SUITE = """
metrics = ["rmse"]
seeds = [1]
[[problems]]
dataset = "sparse-spikes[n=32,draws=6]"
degradation = "gaussian[sigma=1]"
items = 7
train_items = 5
[[methods]]
name = "closed"
method = "l1[transform=dct,lam=1]"
[[methods]]
name = "frame"
method = "gmc[transform=oversampled-dft,lam=1,gamma=0.5,solver=exact[tol=1e-5]]"
[[methods]]
name = "tuned"
method = "l1[transform=oversampled-dft]"
tune = { lam = [1.0, 2.0] }
[[methods]]
name = "printed"
method = "l1[transform=dft,lam=1,solver=iterative]"
"""


def test_every_l1_and_gmc_cell_has_a_certificate(here):
    (here / "s.toml").write_text(SUITE)
    run_suite(load("s.toml"), here / "run")
    folder = RunFolder(here / "run")
    largest = {t["method"]: t["relative_gap"] for t in folder.cells.timings()}
    assert np.isnan(largest.pop("noisy"))
    assert list(largest) == ["closed", "frame", "printed", "tuned"]
    assert largest["closed"] < 1e-12
    assert largest["frame"] <= 1e-5
    assert largest["tuned"] <= 1e-6
    assert largest["printed"] > 1e-9
    report = (here / "run" / "leaderboard.md").read_text()
    table = report[report.index("## Certificates") :]
    assert re.search(rf"\| frame +\| +{largest['frame']:.1e} \|", table)
    assert "relative_gap" not in (here / "run" / "leaderboard.csv").read_text()


def test_certificate_that_is_not_finite_is_a_failure(here):
    (here / "mine.py").write_text(
        "import numpy as np\n"
        "class Mine:\n"
        "    def __call__(self, noisy, *, sigma=None): return noisy.copy()\n"
        "    def certificate(self, noisy, *, sigma=None): return np.full(len(noisy), np.nan)\n"
    )
    (here / "s.toml").write_text(SUITE)
    suite = load("s.toml").select(methods=["closed", "mine:Mine"])
    assert run_suite(suite, here / "run").failed == 1
    assert "the certificate is nan for item 0" in (here / "run" / "failures.jsonl").read_text()


def certified_rows():
    for name in suite_names():
        if name == "speech-vbd":  # its data can be fetched, but not in CI
            continue
        for method in load(name).methods:
            entry = method.entry.denoiser if isinstance(method.entry, Tuned) else method.entry
            if isinstance(entry, Certified):
                yield pytest.param(name, method.name, entry.solver, id=f"{name}-{method.name}")


@pytest.mark.parametrize(("suite", "row", "solver"), list(certified_rows()))
def test_committed_results_meet_their_tolerance(suite, row, solver):
    """Without a tolerance that must be reached, the gap is below 1 %.

    These methods stop as printed in a paper, or after a number of iterations.
    """
    report = (ROOT / "results" / suite / "leaderboard.md").read_text(encoding="utf-8")
    table = report[report.index("## Certificates") :]
    gap = float(re.search(rf"^\| {re.escape(row)} +\| +(\S+) \|", table, re.M)[1])
    assert np.isfinite(gap)
    limit = solver.tol if isinstance(solver, Exact) else 0.01
    assert gap <= limit
