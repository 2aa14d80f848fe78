"""The project's files agree with each other and with the package."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

import sigbench

ROOT = Path(__file__).parents[1]
WORKFLOW = ROOT / ".github/workflows/ci.yml"


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_one_version():
    assert f"\nversion: {sigbench.__version__}\n" in read("CITATION.cff")
    assert f"\n## {sigbench.__version__}" in read("CHANGELOG.md")


@pytest.mark.skipif(not WORKFLOW.exists(), reason="the sdist has no workflow")
def test_the_workflow_tries_every_python_that_is_declared():
    classifiers = tomllib.loads(read("pyproject.toml"))["project"]["classifiers"]
    declared = [c.rpartition(" ")[2] for c in classifiers if re.search(r"Python :: 3\.\d+$", c)]
    (tried,) = re.findall(r"python: \[(.*)\]", WORKFLOW.read_text(encoding="utf-8"))
    assert tried.replace('"', "").split(", ") == declared


def new_paths():
    """Return the new import paths of the changelog's table; `.name` continues the one before."""
    section = read("CHANGELOG.md").partition("| old | new |")[2].partition("\n\n")[0]
    for row in section.splitlines()[2:]:
        package = ""
        for name in re.findall(r"`([\w.]+)`", row.split("|")[2]):
            package = package if name.startswith(".") else name.rpartition(".")[0]
            yield package + name if name.startswith(".") else name


@pytest.mark.parametrize("path", list(new_paths()))
def test_new_import_paths_of_the_changelog_exist(path):
    assert importlib.util.find_spec(path)
