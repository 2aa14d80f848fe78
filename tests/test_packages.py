"""The package layout: the direction of imports, and what is imported at start."""

import ast
import functools
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import sigbench

PACKAGE = Path(sigbench.__file__).parent

# A package imports only packages of lower levels; within a package, modules import no cycles.
LEVELS = (
    ("core",),
    ("config", "datasets", "transforms"),
    ("denoisers", "scoring"),
    ("estimators", "problems"),
    ("networks",),
    ("benchmark",),
    ("analysis",),
    ("cli",),
)
SUBLEVELS = {
    "networks": (("nn",), ("models",), ("pretrained",), ("training",)),
    "benchmark": (
        ("isolation",),
        ("methods",),
        ("engine",),
        ("store", "suites"),
        ("report",),
        ("results",),
        ("run_suite", "compare", "rank"),
        ("merge", "verify"),
        ("bundle", "checks"),
    ),
}


def modules():
    """Return every module inside a package, as a tuple of names, with its file."""
    for file in PACKAGE.rglob("*.py"):
        names = file.relative_to(PACKAGE).with_suffix("").parts
        names = names[:-1] if names[-1] == "__init__" else names
        if len(file.relative_to(PACKAGE).parts) > 1:
            yield names, file


MODULES = dict(modules())


@functools.cache
def imports_of(file):
    """Return the modules of sigbench that a module imports, anywhere in its code."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sigbench."):
            base = tuple(node.module.split(".")[1:])
            for alias in node.names:
                full = (*base, alias.name)
                found.add(full if full in MODULES else base)
    return found


def level_of(name, levels):
    return next(i for i, names in enumerate(levels) if name in names)


def test_the_package_root_has_the_twelve_packages_and_no_module():
    entries = {path.name for path in PACKAGE.iterdir() if path.name != "__pycache__"}
    python = {"__init__.py", "__main__.py", "py.typed"}
    assert entries == python | {name for level in LEVELS for name in level}


@pytest.mark.parametrize("package", [name for level in LEVELS for name in level])
def test_a_package_imports_only_lower_levels(package):
    wrong = [
        f"{'.'.join(names)} imports {'.'.join(other)}"
        for names, file in MODULES.items()
        for other in imports_of(file)
        if names[0] == package != other[0]
        and level_of(other[0], LEVELS) >= level_of(package, LEVELS)
    ]
    assert not wrong


@pytest.mark.parametrize("package", SUBLEVELS)
def test_a_subpackage_imports_only_lower_levels(package):
    levels = SUBLEVELS[package]
    wrong = [
        f"{'.'.join(names)} imports {'.'.join(other)}"
        for names, file in MODULES.items()
        for other in imports_of(file)
        if names[0] == other[0] == package
        and len(names) > 1
        and names[1] != other[1]
        and level_of(other[1], levels) >= level_of(names[1], levels)
    ]
    assert not wrong


def test_no_modules_import_each_other_in_a_circle():
    graph = {names: set(imports_of(file)) - {names} for names, file in MODULES.items()}
    assert len(list(TopologicalSorter(graph).static_order())) == len(graph)


@pytest.mark.parametrize("file", [*PACKAGE.rglob("__init__.py")], ids=lambda file: file.parent.name)
def test_init_files_contain_only_public_names(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    if file.parent != PACKAGE:
        assert not [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)]


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
    help_ = (
        "from sigbench.cli.main import main\ntry:\n    main(['--help'])\nexcept SystemExit: pass"
    )
    assert not HEAVY & modules_after(help_)
    assert not HEAVY & modules_after("import sigbench")


def test_the_pytest_plugin_loads_nothing_heavy():
    """It is loaded into every pytest session where sigbench is installed."""
    assert not HEAVY & modules_after("import sigbench.benchmark.checks.pytest_plugin")


def test_networks_in_numpy_load_no_torch():
    assert "torch" not in modules_after(
        "import sigbench.networks.nn, sigbench.networks.pretrained.denoiser"
    )


def test_a_run_loads_only_what_it_needs(here):
    run = "from sigbench.cli.main import main; main(['run', 'table1', '--items', '2', '--seeds', '1', '--quiet'])"
    unneeded = {"torch", "cvxpy", "matplotlib", "skimage", "pandas", "scipy.stats", "distributed"}
    assert not unneeded & modules_after(run)


def test_public_names_exist():
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


def test_no_module_is_longer_than_450_lines():
    for file in PACKAGE.rglob("*.py"):
        lines = len(file.read_text(encoding="utf-8").splitlines())
        assert lines <= 450, f"{file.name} has {lines} lines"
