"""Floors: which hold, are inconclusive or broken; the command and the pytest plugin."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sigbench import InputError, load, run_suite
from sigbench.benchmark.checks.check_floors import check, update
from sigbench.benchmark.checks.floors import load_floors
from sigbench.cli.main import main

# True values on table1: over 180,000 signals (one command in docs/table1.md).
WIENER_PSNR_TABLE1 = 4.810

SUITE = """
name = "table1"
metrics = ["psnr_table1", "rmse"]
seeds = [1]
[[problems]]
name = "sparse-spikes"
dataset = "sparse-spikes"
degradation = "gaussian[sigma=3]"
items = 1000
[[methods]]
name = "wiener"
method = "local-wiener[border=zero]"
"""
FLOOR = """
[[floors]]
problem = "sparse-spikes"
method = "{method}"
metric = "{metric}"
{demand}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("floors") / "run"
    run_suite(load("table1").select(methods=["wiener-printed", "affine"], items=200), path)
    return path


@pytest.fixture
def floors(tmp_path):
    def write(*demands, method="wiener-printed", metric="psnr_table1"):
        file = tmp_path / "mine.floors.toml"
        parts = (FLOOR.format(method=method, metric=metric, demand=d) for d in demands)
        file.write_text('# a comment\nsuite = "table1"\n' + "".join(parts))
        return load_floors(file)

    return write


def row(run, method, metric):
    board = pd.read_csv(run / "leaderboard.csv").set_index(["method", "metric"])
    return board.loc[(method, metric)]


@pytest.mark.parametrize("metric", ["psnr_table1", "rmse"])
def test_the_interval_and_the_direction_of_the_metric_decide(run, floors, metric):
    own = row(run, "wiener-printed", metric)
    sign = 1 if own["higher_is_better"] else -1
    width = own["ci_high"] - own["ci_low"]
    worst, best = sorted((own["ci_low"], own["ci_high"]), key=lambda v: sign * v)
    demands = {
        "holds": worst - sign * 0.01 * width,
        "inconclusive": own["mean"],
        "broken": best + sign * 0.01 * width,
    }
    for state, floor in demands.items():
        (verdict,) = check(run, floors(f"floor = {floor}", metric=metric))
        assert verdict.state == state


def test_a_floor_just_under_the_true_value_holds_over_20_other_seeds(tmp_path, floors):
    (tmp_path / "suite.toml").write_text(SUITE)
    demand = f"floor = {WIENER_PSNR_TABLE1 - 0.05}"
    written = floors(demand, method="wiener")
    for seed in range(101, 121):
        path = tmp_path / str(seed)
        run_suite(load(str(tmp_path / "suite.toml")).select(seeds=[seed]), path)
        (verdict,) = check(path, written)
        assert verdict.state != "broken", verdict.text


def test_a_slightly_worse_method_always_breaks_its_floor(here, floors):
    """Noise of variance 0.2 on an MSE of 5.8: psnr_table1 falls by about 0.3 dB."""
    (here / "worse.py").write_text(
        "import numpy as np\n"
        "from sigbench import LocalWiener\n"
        "def worse(noisy):\n"
        "    noise = np.random.default_rng(0).normal(0, 0.2**0.5, noisy.shape)\n"
        "    return LocalWiener(border='zero')(noisy) + noise\n"
    )
    (here / "suite.toml").write_text(SUITE)
    demand = 'reference = "reference"\nreference_method = "wiener"\nmargin = {}'
    seeds = list(range(1, 21))
    run_suite(load("suite.toml").select(seeds=seeds), here / "reference")
    for seed in seeds:  # 20 runs of 1,000 signals
        suite = load("suite.toml").select(methods=["worse:worse"], seeds=[seed])
        run_suite(suite, here / f"run{seed}")
        own = here / f"run{seed}"
        (caught,) = check(own, floors(demand.format(0.1), method="worse:worse"))
        (allowed,) = check(own, floors(demand.format(0.5), method="worse:worse"))
        assert caught.state == "broken"
        assert "dB worse than wiener in " in caught.text
        assert allowed.state == "holds"
        lost = float(caught.text.split()[0])
        assert 0.25 < lost < 0.35
        same = floors(demand.format(0), method="wiener")
        assert check(here / f"run{seed}", same)[0].state == "holds"


def test_missing_scores_are_broken_and_unknown_names_refused(run, floors, here):
    with pytest.raises(InputError, match=r"unknown method of the run 'wienr': did you mean"):
        check(run, floors("floor = 1", method="wienr"))
    with pytest.raises(InputError, match=r"unknown metric of the run 'si_sdr'"):
        check(run, floors("floor = 1", metric="si_sdr"))
    with pytest.raises(InputError, match="neither a floor nor a reference"):
        check(run, floors(""))
    with pytest.raises(InputError, match="nowhere is not a run folder"):
        check(run, floors('reference = "nowhere"'))
    (here / "bad.py").write_text("def f(noisy): raise OSError('not today')\n")
    run_suite(load("table1").select(methods=["noisy", "bad:f"], items=5, seeds=[1]), here / "bad")
    (verdict,) = check(here / "bad", floors("floor = 1", method="bad:f"))
    assert verdict.state == "broken"
    log = here / "bad" / "failures.log"
    assert verdict.text == f"failed, seed 1: OSError: not today (see {log})"
    assert log.is_file()


def test_the_seeds_of_the_file_are_used_and_all_are_required(run, floors):
    written = floors("floor = 1.0")
    few = dataclasses.replace(written, seeds=(1,))
    texts = [check(run, which)[0].text for which in (written, few)]
    assert texts[0] != texts[1]
    more = dataclasses.replace(written, seeds=(1, 7, 8))
    (verdict,) = check(run, more)
    assert (verdict.state, verdict.text) == ("broken", "has not been run on seed 7, 8")
    before = written.path.read_text()
    (line,) = update(run, more, allow_lower=True)
    assert line.endswith("has not been run on seed 7, 8")
    assert written.path.read_text() == before


def test_a_run_with_another_number_of_items_is_refused(run, floors):
    written = dataclasses.replace(floors("floor = 1.0"), items=300)
    for refused in (check, update):
        with pytest.raises(InputError, match=r"items=200, .*mine\.floors\.toml has items=300"):
            refused(run, written)


def test_an_infinite_mean_does_not_hide_bad_items(here):
    """The PSNR of a perfect estimate of a silent file is infinite, and so is the mean."""
    rng = np.random.default_rng(0)
    (here / "data").mkdir()
    for name, x in {"a": np.zeros(64), "b": rng.normal(size=64), "c": rng.normal(size=64)}.items():
        np.save(here / "data" / f"{name}.npy", x)
    (here / "z.py").write_text("def z(noisy): return 0 * noisy\n")
    (here / "own.toml").write_text(
        'name = "own"\nmetrics = ["psnr"]\nseeds = [1]\n[[problems]]\nname = "own"\nitems = 3\n'
        'dataset = "folder[path=data,peak=1]"\ndegradation = "gaussian[sigma=0.1]"\n'
        '[[methods]]\nname = "z"\nmethod = "z:z"\n'
    )
    run_suite(load("own.toml"), here / "run")
    demand = FLOOR.format(method="z", metric="psnr", demand="floor = 30")
    (here / "own.floors.toml").write_text(
        'suite = "own.toml"\n' + demand.replace("sparse-spikes", "own")
    )
    (verdict,) = check(here / "run", load_floors(here / "own.floors.toml"))
    assert verdict.text.startswith("inf ")
    assert verdict.state == "inconclusive"


def test_a_suite_file_is_matched_by_its_name(here):
    (here / "file.toml").write_text(SUITE.replace('"table1"', '"own"'))
    run_suite(load("file.toml").select(items=10), here / "run")
    demand = FLOOR.format(method="wiener", metric="rmse", demand="floor = 99")
    (here / "mine.floors.toml").write_text('suite = "file.toml"\n' + demand)
    assert main(["check", "run", "mine.floors.toml"]) == 0
    (here / "file.toml").unlink()
    assert main(["check", "run", "mine.floors.toml"]) == 2


def test_a_reference_of_another_problem_is_refused(run, here, floors):
    suite = (here / "suite.toml").write_text(SUITE.replace("sigma=3", "sigma=4"))
    suite = load("suite.toml").select(items=10)
    run_suite(suite, here / "other")
    with pytest.raises(InputError, match=r"with degradation=.*their items cannot be paired"):
        check(run, floors('reference = "other"\nreference_method = "wiener"'))
    (here / "suite.toml").write_text(SUITE)
    run_suite(load("suite.toml").select(items=10, seeds=[8]), here / "elsewhere")
    with pytest.raises(InputError, match="no items in common"):
        check(run, floors('reference = "elsewhere"\nreference_method = "wiener"'))
    # The runs have seed 1 in common, but the two methods do not.
    run_suite(load("suite.toml").select(items=10, seeds=[1], methods=["noisy"]), here / "elsewhere")
    with pytest.raises(InputError, match="no items in common"):
        check(run, floors('reference = "elsewhere"\nreference_method = "wiener"'))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("suite = 1\nfloors = [1]", "suite=1 must be text"),
        (
            'suite = "t"\n' + FLOOR.format(method="a", metric="b", demand='floor = "15"'),
            "floor='15' must be a number",
        ),
        ("floors = [1]", "needs the key 'suite'"),
        ('suite = "table1"\nfloor = []', "unknown key of the file 'floor': did you mean 'floors'"),
        ('suite = "table1"\nfloors = [{problem = "a"}]', "a floor needs the key 'method'"),
        ('suite = "table1"\n' + FLOOR.format(method="a", metric="b", demand="flor = 1"), "'flor'"),
        (
            'suite = "t"\n' + FLOOR.format(method="a", metric="b", demand="margin = 1"),
            "margin=1 needs a reference",
        ),
        (
            'suite = "t"\n'
            + FLOOR.format(method="a", metric="b", demand='reference = "r"\nmargin = -1'),
            "margin=-1 must be a number >= 0",
        ),
        (
            'suite = "t"\n'
            + FLOOR.format(method="a", metric="b", demand='reference = "r"\nfloor = 1'),
            "exclude each other",
        ),
        ("suite = ", "Invalid value"),
    ],
)
def test_bad_files_are_refused(tmp_path, text, message):
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=message) as error:
        load_floors(file)
    assert str(file) in str(error.value)


class TestUpdate:
    @pytest.mark.parametrize(
        ("demand", "change", "state"),
        [
            ("", "set", "holds"),
            ("floor = 1.0  # low", "set", "holds"),
            ("floor = 99", "kept", "broken"),
        ],
    )
    def test_floors_are_set_raised_and_not_lowered(self, run, floors, demand, change, state):
        written = floors(demand, method="affine")
        (line,) = update(run, written)
        assert line.split()[0] == change
        text = written.path.read_text()
        assert "# a comment" in text
        assert ("# low" in text) == ("# low" in demand)
        low = row(run, "affine", "psnr_table1")["ci_low"]
        new = load_floors(written.path)
        lowest = low - 2e-3
        assert new.floors[0].floor == 99 or lowest < new.floors[0].floor <= low
        assert [v.state for v in check(run, new)] == [state]
        update(run, new, allow_lower=True)
        assert lowest < load_floors(written.path).floors[0].floor <= low

    def test_floors_of_a_metric_where_smaller_is_better(self, run, floors):
        def updated(demand):
            written = floors(demand, method="affine", metric="rmse")
            update(run, written)
            return load_floors(written.path).floors[0].floor

        high = row(run, "affine", "rmse")["ci_high"]
        assert high <= updated("") == updated("floor = 99") < high + 2e-4
        assert updated("floor = 0.1") == 0.1

    def test_references_are_not_updated(self, run, floors):
        written = floors(f'reference = "{run}"')
        before = written.path.read_text()
        assert update(run, written)[0].startswith("kept ")
        assert written.path.read_text() == before


def test_the_command(run, floors, capsys):
    written = floors("floor = 1.0")
    rmse = FLOOR.format(method="wiener-printed", metric="rmse", demand="floor = 0.1")
    written.path.write_text(written.path.read_text() + rmse)
    assert main(["check", str(run), str(written.path)]) == 1
    out, err = capsys.readouterr()
    assert out.splitlines()[0].startswith(
        "holds        sparse-spikes-wiener-printed-psnr_table1: 4."
    )
    assert out.splitlines()[1].startswith("broken       ")
    assert "2 floors: 1 holds, 1 broken" in err
    assert main(["check", str(run), str(written.path), "--update", "--allow-lower"]) == 0
    assert main(["check", str(run), str(written.path)]) == 0
    assert main(["check", str(run), str(written.path), "--allow-lower"]) == 2
    assert main(["check", "nowhere", str(written.path)]) == 2
    written.path.write_text(written.path.read_text().replace('"table1"', '"signals"'))
    capsys.readouterr()
    assert main(["check", str(run), str(written.path)]) == 2
    assert "contains a run of 'table1', not of 'signals'" in capsys.readouterr().err


class TestPlugin:
    @pytest.fixture
    def project(self, here):
        """A project with a denoiser and its floors."""
        (here / "mine.py").write_text(
            "open('imported', 'a').write('x')\ndef mine(noisy): return 0.42 * noisy + 0.63\n"
        )
        demand = "items = 50\nseeds = [1, 2]\n"
        floors = FLOOR.format(method="mine:mine", metric="psnr", demand="floor = 13.5")
        floors += FLOOR.format(method="mine:mine", metric="rmse", demand="floor = 2.5")
        (here / "mine.floors.toml").write_text(f'suite = "table1"\n{demand}{floors}')
        return here

    def pytest(self, *arguments, plugin="sigbench.benchmark.checks.pytest_plugin"):
        """Run pytest with this plugin only, or with all installed plugins if it is None."""
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        environment = dict(os.environ)
        if plugin is not None:  # other plugins take most of the start-up time
            command += ["-p", plugin]
            environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    def test_each_floor_is_a_test_and_collection_imports_no_user_code(self, project):
        done = self.pytest("--collect-only", plugin=None)
        assert "mine.floors.toml::sparse-spikes-mine:mine-psnr" in done.stdout
        assert "2 tests collected" in done.stdout
        assert not (project / "imported").exists()
        assert not (project / ".sigbench").exists()
        done = self.pytest()
        assert done.returncode == 0, done.stdout
        assert "2 passed" in done.stdout
        assert (project / ".sigbench/mine/leaderboard.md").is_file()

    def test_only_the_worse_method_fails(self, project):
        source = (project / "mine.py").read_text()
        (project / "mine.py").write_text(source.replace("0.42", "0.8"))
        done = self.pytest()
        assert done.returncode == 1
        assert "1 failed, 1 passed" in done.stdout
        assert "dB, must be >= 13.5" in done.stdout
        assert "Traceback" not in done.stdout

    def test_an_inconclusive_floor_warns(self, project):
        file = project / "mine.floors.toml"
        text = file.read_text()
        self.pytest()
        mean = row(project / ".sigbench/mine", "mine:mine", "psnr")["mean"]
        file.write_text(text.replace("13.5", f"{mean:.4f}"))
        done = self.pytest()
        assert "2 passed, 1 warning" in done.stdout
        assert "FloorWarning: sparse-spikes-mine:mine-psnr" in done.stdout
        done = self.pytest("-W", "error::sigbench.benchmark.checks.pytest_plugin.FloorWarning")
        assert "1 failed, 1 passed" in done.stdout

    def test_the_run_is_resumed(self, project):
        self.pytest()
        cells = project / ".sigbench/mine/cells"
        before = {p: p.stat().st_mtime_ns for p in cells.iterdir()}
        self.pytest()
        assert {p: p.stat().st_mtime_ns for p in cells.iterdir()} == before
        file = project / "mine.floors.toml"
        file.write_text(file.read_text().replace("items = 50", "items = 40"))
        assert "2 passed" in self.pytest().stdout
        assert (pd.read_csv(project / ".sigbench/mine/leaderboard.csv")["n"] == 80).all()

    def test_other_cells_in_the_folder_do_not_count(self, project):
        """The folder may contain other cells; the result is that of a fresh folder."""
        file = project / "mine.floors.toml"
        text = file.read_text()
        (project / "mine.py").write_text("def mine(noisy): return 0.42 * noisy + 0.63\n")
        self.pytest()
        for name in ("a", "b"):
            (project / name).mkdir()
            seeds = {"a": "[1]", "b": "[1, 2, 9]"}[name]
            (project / name / file.name).write_text(text.replace("[1, 2]", seeds))
        file.unlink()
        assert "4 passed" in self.pytest().stdout
        items = [
            pd.read_csv(project / f".sigbench/{name}.mine/leaderboard.csv")["n"].max()
            for name in ("a", "b")
        ]
        assert items == [50, 150]

    def test_an_invalid_floor_does_not_fail_the_others(self, project):
        file = project / "mine.floors.toml"
        bad = [
            FLOOR.format(method="mine:mien", metric="psnr", demand="floor = 1"),
            FLOOR.format(method="mine:mine", metric="psnrr", demand="floor = 1"),
            FLOOR.format(method="mine:mine", metric="psnr", demand='reference = "nowhere"'),
            FLOOR.format(method="affine", metric="rmse", demand=""),
        ]
        file.write_text(file.read_text() + "".join(bad))
        done = self.pytest()
        assert "4 failed, 2 passed" in done.stdout
        for message in (
            "'mien'",
            "'psnrr': did you mean 'psnr'",
            "nowhere is not a run folder",
            "neither",
        ):
            assert message in done.stdout
        assert "Traceback" not in done.stdout

    def test_a_method_that_hangs_is_stopped_by_the_timeout(self, project):
        (project / "mine.py").write_text(
            "import threading\ndef mine(noisy): threading.Event().wait()\n"
        )
        file = project / "mine.floors.toml"
        file.write_text('timeout = "1s"\n' + file.read_text())
        done = self.pytest()
        assert "2 failed" in done.stdout
        assert "TimeoutError: longer than 1 s (see " in done.stdout

    def test_a_folder_named_in_the_file_is_not_overwritten(self, project):
        run_suite(
            load("table1").select(methods=["affine"], items=5, seeds=[1]), project / "precious"
        )
        file = project / "mine.floors.toml"
        file.write_text('folder = "precious"\n' + file.read_text())
        done = self.pytest()
        assert "2 failed" in done.stdout
        assert "contains problem 'sparse-spikes' with items=5" in done.stdout
        assert pd.read_csv(project / "precious/leaderboard.csv")["n"].max() == 5

    def test_a_bad_file_is_an_error_in_one_line(self, project):
        (project / "mine.floors.toml").write_text('suite = "table1"\nflors = []\n')
        done = self.pytest()
        assert done.returncode == 2
        assert "unknown key of the file 'flors': did you mean 'floors'" in done.stdout

    def test_a_missing_module_fails_the_test_in_one_line(self, project):
        Path("mine.py").unlink()
        done = self.pytest()
        assert "2 failed" in done.stdout
        assert "cannot import 'mine' from the working directory" in done.stdout
        assert "Traceback" not in done.stdout


def test_a_floor_without_an_interval_is_inconclusive(tmp_path, floors):
    run_suite(load("table1").select(methods=["affine"], items=1, seeds=[1]), tmp_path / "run")
    for floor in (-99, 99):
        (verdict,) = check(tmp_path / "run", floors(f"floor = {floor}", method="affine"))
        assert verdict.state == "inconclusive"
        assert np.isnan(float(verdict.text.split("[")[1].split(",")[0]))
