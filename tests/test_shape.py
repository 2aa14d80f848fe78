"""The shape of the package: imports run downwards, and the command line starts light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sigbench

PACKAGE = Path(sigbench.__file__).parent

# What each room may import of ours; a room not named here may import anything.
ALLOWED = {
    "errors": set(),
    "types": set(),
    "rng": set(),
    "statistics": set(),
    "metrics": {"errors"},
    "averages": {"metrics", "statistics"},
    "spec": {"errors"},
    "tables": {"errors"},
    "registry": {"errors", "spec", "denoisers"},  # denoisers in a doctest alone
    "transforms": {"errors", "transforms", "types"},
    "denoisers": {"denoisers", "errors", "transforms", "types"},
    "kernels": {"errors"},
    "degradations": {"denoisers.inputs", "errors", "kernels", "transforms", "types"},
    "files": {"errors", "types"},
    "fetching": {"datasets", "errors", "fetching", "registry"},
    "datasets": {"datasets", "denoisers.inputs", "errors", "files", "rng", "types"},
    "sure": {"denoisers", "errors", "rng", "types"},
    "tuning": {"denoisers", "errors", "sure", "types"},
    "ensemble": {"denoisers", "errors", "networks.denoiser", "training.learner", "types"},
    "estimators": {"denoisers", "errors", "estimators", "rng", "types"},
    "identity": {"types"},
    "nn": {"denoisers.inputs", "errors", "nn", "rng", "types"},
    "networks": {
        "denoisers", "errors", "estimators", "files", "identity", "networks", "nn", "registry",
        "spec", "types",
    },
    "training": {
        "datasets", "degradations", "denoisers", "errors", "executors", "files", "identity",
        "methods",  # of the command's alone: methods know the learner
        "metrics", "networks", "nn", "problems", "registry", "reports.figures", "rng", "spec", "tables",
        "training", "types",
    },
    "methods": {
        "denoisers", "ensemble", "errors", "estimators", "identity", "networks.denoiser",
        "registry", "spec", "training.learner", "tuning", "types",
    },
    "problems": {"datasets.base", "degradations", "errors", "metrics", "rng", "types"},
    "system_function": {
        "datasets.base", "degradations", "denoisers.inputs", "errors", "metrics", "rng", "types",
    },
    "executors": {"errors", "executors"},
    "work": {"methods", "metrics", "problems", "rng", "types"},
    "runner": {"executors", "metrics", "types", "work"},
    "scores": {"metrics", "registry"},
    "cellfiles": {"errors", "scores", "types", "work"},
    "picturefiles": {"errors", "types", "work"},
    "gallery": {"cellfiles", "errors", "files", "picturefiles", "types", "work"},
    "store": {"cellfiles", "errors", "files", "gallery", "runner", "scores", "work"},
    "reports": {
        "averages", "errors", "executors", "metrics", "registry", "reports", "scores", "statistics",
        "types",
    },
    "illustrate": {"cellfiles", "gallery", "reports", "store"},
    "suites": {
        "datasets", "degradations", "denoisers", "errors", "estimators", "identity", "methods",
        "metrics", "problems", "registry", "spec", "suites", "system_function", "tables", "tuning",
        "types", "work",
    },
    "analysis": {
        "analysis", "denoisers.inputs", "errors", "executors", "files", "gallery", "identity",
        "methods", "problems", "reports", "rng", "statistics", "suites", "types", "work",
    },
    "arguments": set(),
    "comparison": {
        "averages", "errors", "metrics", "registry", "reports", "rng", "scores", "statistics",
        "store",
    },
    "floors": {"errors"},
    "pytest_plugin": {"errors", "floors", "thresholds"},
    "assumptions": {"denoisers", "types"},
    "automatic": {
        "assumptions", "denoisers", "errors", "files", "methods", "sure", "types",
    },
    "onefile": {"automatic", "denoisers", "errors", "files", "methods", "types"},
}  # fmt: skip


def imports_of(path):
    """Return what of ours a module imports, type checking included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sigbench."):
            yield node.module.removeprefix("sigbench.")


@pytest.mark.parametrize("room", ALLOWED)
def test_imports_run_downwards(room):
    files = (PACKAGE / room).glob("*.py") if (PACKAGE / room).is_dir() else [PACKAGE / f"{room}.py"]
    for file in files:
        for module in imports_of(file):
            legal = any(module == a or module.startswith(f"{a}.") for a in ALLOWED[room])
            assert legal, f"{file.name} imports {module}: {room} may import {sorted(ALLOWED[room])}"


def modules_after(code):
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.splitlines()[-1].split())


HEAVY = {"numpy", "scipy", "pandas", "pyarrow", "pywt", "skimage", "torch", "cvxpy", "matplotlib"}


def test_help_and_import_load_nothing_heavy():
    help_ = "from sigbench.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit: pass"
    assert not HEAVY & modules_after(help_)
    assert not HEAVY & modules_after("import sigbench")


def test_the_pytest_plugin_loads_nothing_heavy():
    """It is loaded into every pytest session where sigbench is installed."""
    assert not HEAVY & modules_after("import sigbench.pytest_plugin")


def test_networks_in_numpy_load_no_torch():
    assert "torch" not in modules_after("import sigbench.nn, sigbench.networks.denoiser")


def test_a_run_loads_only_what_it_needs(here):
    run = "from sigbench.cli import main; main(['run', 'table1', '--items', '2', '--quiet'])"
    unneeded = {"torch", "cvxpy", "matplotlib", "skimage", "pandas", "scipy.stats", "distributed"}
    assert not unneeded & modules_after(run)


def test_public_names_are_there():
    for name in sigbench.__all__:
        assert getattr(sigbench, name) is not None
    assert set(sigbench.__all__) == set(sigbench._MODULE_OF)
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = sigbench.nope


def test_the_jacobian_of_a_network_in_numpy_loads_no_torch():
    code = (
        "import numpy as np\n"
        "from sigbench import Pretrained\n"
        "from sigbench.analysis.jacobian import linearize\n"
        "linearize(Pretrained('shrinknet'), np.zeros((1, 9)))"
    )
    assert not {"torch", "matplotlib", "pandas"} & modules_after(code)


def test_no_module_is_two_rooms():
    for file in PACKAGE.rglob("*.py"):
        lines = len(file.read_text(encoding="utf-8").splitlines())
        assert lines <= 450, f"{file.name} has {lines} lines"
