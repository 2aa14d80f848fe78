"""Packages that register methods, datasets and metrics: good ones, and those that misbehave."""

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sigbench import DATASETS, METRICS, InputError
from sigbench.benchmark.suites import suite
from sigbench.cli.main import main
from sigbench.config import plugins
from sigbench.config.registry import build, lookup, usable
from sigbench.datasets.base import clean_item

EXAMPLE = Path(__file__).parents[1] / "examples" / "plugin"


HANGS = "while True: pass"
FAULTY = {
    "raise ValueError('broken')": "ValueError: broken",
    "def thing(: pass": "SyntaxError: invalid syntax",
    "import nosuchmodule": "ModuleNotFoundError: No module named 'nosuchmodule'",
    "other = 1": "AttributeError: module 'faulty' has no attribute 'thing'",
    "import sys; sys.exit(3)": "its import raises SystemExit(3)",
    "import sys; sys.exit('bye')": "its import raises SystemExit('bye')",
    "raise KeyboardInterrupt": "its import raises KeyboardInterrupt()",
    "class Own(BaseException): pass\nraise Own(1)": "its import raises Own(1)",
    "import os; os._exit(3)": "its import ends the process (exit code 3)",
    "import os; os._exit(0)": "its import ends the process (exit code 0)",
    "import os; os.write(1, b'\"\"'); os._exit(0)": "its import ends the process (exit code 0)",
    "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)": "its import ends the process (signal SIGSEGV)",
    HANGS: "its import takes longer than 2 s",
    "thing = 1": "faulty:thing is not a sigbench.Metric",
    "from sigbench import Metric; thing = Metric(7, '', True)": "function 7, which is not callable",
}


@pytest.mark.parametrize("source", FAULTY)
def test_a_faulty_package_is_one_line_and_all_else_is_listed(site, capfd, monkeypatch, source):
    if source == HANGS:
        monkeypatch.setattr(plugins, "LIMIT_S", 2.0)
    site.install(source)
    assert main(["list", "metrics"]) == 0
    out, err = capfd.readouterr()
    assert err.startswith("sigbench: warning: metric 'bad' of the package faulty 1.0: ")
    assert FAULTY[source] in err
    assert err.count("\n") == 1
    assert all(name in out for name in METRICS)
    with pytest.raises(InputError, match=r"metric 'bad' of the package faulty 1\.0: "):
        lookup("metric", METRICS, "bad")
    assert lookup("metric", METRICS, "psnr") is METRICS["psnr"]


DATASET = """
from dataclasses import dataclass
from typing import ClassVar
import numpy as np

@dataclass(frozen=True)
class thing:
    kind: ClassVar[str] = "bad"
    domain: ClassVar[str] = "signal"
    peak: ClassVar[float] = 1.0
    problem_info: ClassVar[dict] = {}
    version: ClassVar[str] = "1"
    def size(self, split): return None
    def item(self, split, seed, item): return np.ones((1, 8))
    def group(self, split, item): return None
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("@dataclass(frozen=True)", "", "is not a dataclass with the methods of sigbench.Dataset"),
        ('kind: ClassVar[str] = "bad"', "", "has kind=None: it must be 'bad'"),
        ('"bad"', '"good"', "has kind='good': it must be 'bad'"),
        ("def size(self, split): return None", "", "lacks size"),
        ("peak: ClassVar[float] = 1.0", "", "lacks peak"),
    ],
)
def test_a_class_that_is_no_dataset_is_one_line(site, capsys, old, new, message):
    assert old in DATASET
    site.install(DATASET.replace(old, new), group="datasets")
    assert "bad" not in usable("dataset", DATASETS)
    assert main(["data", "list"]) == 0
    with pytest.raises(InputError, match=message):
        build("dataset", DATASETS, "bad")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("[1.0, 2.0]", "bad: item 3 of the test split is a list: it must be an array"),
        ("np.ones((1, 8), int)", "has dtype int64: it must be float32 or float64"),
        ("np.ones(8)", r"has shape \(8,\): it must be \(C, L\) or \(C, H, W\)"),
        ("np.ones((1, 0))", r"has shape \(1, 0\)"),
        ("np.full((1, 8), np.nan)", "has values that are not finite"),
    ],
)
def test_a_faulty_item_is_an_error_with_its_name(site, value, message):
    site.install(DATASET.replace("np.ones((1, 8))", value), group="datasets")
    with pytest.raises(InputError, match=message):
        clean_item(build("dataset", DATASETS, "bad"), "test", 1, 3)


@pytest.mark.parametrize("value", ["1.0", "np.ones(2)", "np.ones((3, 1))", "['a'] * 3"])
def test_values_of_the_wrong_shape_are_an_error(site, value):
    site.install(
        f"import numpy as np\nfrom sigbench import Metric\n"
        f"def error(clean, estimate, peak): return {value}\n"
        f"thing = Metric(error, '', False)\n"
    )
    batch = np.ones((3, 1, 8))
    with pytest.raises(TypeError, match=r"error returned .* one per item"):
        lookup("metric", METRICS, "bad").measure(batch, batch, 1.0)


def test_the_code_of_a_dataset_and_of_a_metric_is_part_of_the_keys(site):
    source = (
        "from sigbench import Metric\ndef f(clean, estimate, peak): return estimate.std(axis=1)\n"
    )
    source += "thing = Metric(f, '', False)\n"
    site.install(DATASET, group="datasets")
    site.install(source, package="other", name="spread")
    (site.folder / "own.toml").write_text(
        'name = "own"\nmetrics = ["psnr", "spread"]\n[[problems]]\nname = "p"\ndataset = "bad"\n'
        'degradation = "gaussian[sigma=1]"\nitems = 2\n[[methods]]\nmethod = "noisy"\n'
    )

    def key():
        suite.code_of_others.cache_clear()
        return suite.load(str(site.folder / "own.toml")).cells()[0].key

    keys = [key()]
    for package in ("faulty", "other"):
        file = site.folder / f"{package}.py"
        file.write_text(file.read_text() + "# edited\n")
        keys.append(key())
    assert len(set(keys)) == 3


def test_a_name_of_sigbench_is_not_replaced(site, capfd):
    site.install("def thing(noisy): return noisy", "denoisers", "affine")
    assert main(["list", "methods"]) == 0
    err = capfd.readouterr().err
    assert "method 'affine' of the package faulty 1.0: it is ignored" in err


def test_an_object_that_is_no_method_is_one_line(site, capfd):
    site.install("thing = 3", "denoisers", "wrong")
    assert main(["list", "methods"]) == 0
    out, err = capfd.readouterr()
    assert "method 'wrong' of the package faulty 1.0: faulty:thing is not a method" in err
    assert "wrong" not in out


def test_two_packages_with_one_name_are_an_error(site):
    site.install("thing = 1", package="faulty")
    site.install("thing = 1", package="other")
    message = r"metric 'bad' of the package \w+ 1.0: \w+ 1.0 registers the same name"
    with pytest.raises(InputError, match=message):
        lookup("metric", METRICS, "bad")


def test_an_entry_point_of_another_form_is_one_line(site, capsys):
    site.install("thing = 1", package="faulty")
    for file in site.folder.glob("*/entry_points.txt"):
        file.write_text("[sigbench.denoisers]\nbad = not a target!\n")
    assert main(["run", "table1", "-m", "bad", "--dry-run"]) == 2
    message = "error: method 'bad' of the package faulty 1.0: 'not a target!' is not of the form module:attribute"
    assert message in (err := capsys.readouterr().err)
    assert err.count("\n") == 1


def test_a_package_that_fails_is_tried_once(site, tmp_path):
    site.install(f"open({str(tmp_path / 'log')!r}, 'a').write('x'); 1 / 0")
    for _ in range(2):
        with pytest.raises(InputError, match="ZeroDivisionError"):
            lookup("metric", METRICS, "bad")
    assert (tmp_path / "log").read_text() == "x"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Install the example as a user would, and return the folder."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--target", str(folder), str(EXAMPLE)]
    subprocess.run(command, check=True)
    return folder


def test_the_example_package_runs(installed, tmp_path):
    path = os.pathsep.join([str(installed), *filter(None, sys.path)])

    def sigbench(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "sigbench", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            encoding="utf-8",
        )

    done = sigbench("run", str(EXAMPLE / "chirps.toml"), "-o", "run", "--items", "40")
    assert done.returncode == 0, done.stderr
    with (tmp_path / "run" / "leaderboard.csv").open() as file:
        mean = {(r["method"], r["metric"]): float(r["mean"]) for r in csv.DictReader(file)}
    assert mean["trimmed-mean[window=5,trim=1]", "psnr"] > mean["noisy", "psnr"] + 3
    assert 0 < mean["trimmed-mean[window=5,trim=1]", "max_error"] < mean["noisy", "max_error"]
    for what, name in (
        ("methods", "trimmed-mean"),
        ("datasets", "chirps"),
        ("metrics", "max_error"),
    ):
        listed = sigbench("list", what)
        assert re.search(rf"^{name}\b", listed.stdout, re.MULTILINE)
        assert not listed.stderr
