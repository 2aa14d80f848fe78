"""The digest and the citation of a run."""

import dataclasses
import json
import re
import shutil
from pathlib import Path

import pytest

from sigbench import ExecutorConfig, load, run_suite
from sigbench.benchmark.merge import merge
from sigbench.benchmark.report.citation import AUTHOR, TITLE, bibtex, citation, run_digest
from sigbench.benchmark.run_suite import write_reports
from sigbench.benchmark.store.run_folder import RunFolder

TINY = str(Path(__file__).parent / "tiny.toml")


def tiny(methods=("noisy", "blur"), seeds=(1, 2), items=3):
    return load(TINY).select(methods=list(methods), seeds=list(seeds), items=items)


def digest(path):
    return run_digest(RunFolder(path))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / "run"
    run_suite(tiny(), path)
    return path


def test_the_digest_is_that_of_the_values_not_of_how_they_were_computed(run, tmp_path):
    run_suite(tiny(), tmp_path / "two", executor=ExecutorConfig(jobs=2))
    run_suite(tiny(seeds=(2,)), tmp_path / "resumed")
    run_suite(tiny(), tmp_path / "resumed")
    run_suite(tiny(seeds=(1,)), tmp_path / "a")
    run_suite(tiny(seeds=(2,)), tmp_path / "b")
    merge([tmp_path / "b", tmp_path / "a"], tmp_path / "merged")
    others = {digest(tmp_path / name) for name in ("two", "resumed", "merged")}
    assert others == {digest(run)}
    assert re.fullmatch("sha256:[0-9a-f]{64}", digest(run))


def test_the_digest_does_not_depend_on_files_and_times(run, tmp_path):
    path = shutil.copytree(run, tmp_path / "run")
    folder = RunFolder(path)
    cells = list(folder.cells.all().values())
    for cell in cells:
        cell.about["timing"]["time_s"] = 7.0
    folder.cells.write_part("cells/part-0000.parquet", cells[::-1])
    for file in (path / "cells").iterdir():
        if file.name != "part-0000.parquet":
            file.unlink()
    assert digest(path) == digest(run)


@pytest.mark.parametrize(
    "other", [tiny(items=2), tiny(seeds=(1,)), tiny(methods=("noisy", "affine"))]
)
def test_another_run_has_another_digest(run, tmp_path, other):
    run_suite(other, tmp_path / "run")
    assert digest(tmp_path / "run") != digest(run)


def test_a_changed_value_and_a_changed_key_change_the_digest(run, tmp_path):
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    path = shutil.copytree(run, tmp_path / "run")
    file = min((path / "cells").glob("*.parquet"))
    table = pq.read_table(file)
    place = table.column_names.index("value")
    more = table.set_column(place, "value", pc.multiply(table["value"], 1 + 2**-52))
    pq.write_table(more, file)
    assert digest(path) != digest(run)
    path = shutil.copytree(run, tmp_path / "keys")
    suite = tiny()
    methods = tuple(dataclasses.replace(m, source="other") for m in suite.methods)
    run_suite(dataclasses.replace(suite, methods=methods), path)
    assert digest(path) != digest(run)


def test_values_that_could_not_be_computed_have_one_representation(tmp_path, monkeypatch):
    import numpy as np

    from sigbench.benchmark.report import citation as module

    found = []
    for nan in (np.nan, -np.nan):
        values = [np.array([1.0, nan])]
        monkeypatch.setattr(module, "read_values", lambda cells, values=values: iter(values))
        cell = dataclasses.make_dataclass("Cell", ["about"])(
            {"suite": "s", "cell_key": "k", "metrics": ["psnr"]}
        )
        store = type("Store", (), {"all": lambda self, cell=cell: {("p", 1, "m"): cell}})()
        found.append(run_digest(type("Folder", (), {"cells": store})()))
    assert found[0] == found[1]


def test_the_citation_names_version_suite_methods_and_seeds(run):
    line = citation(RunFolder(run))
    version = json.loads((run / "manifest.json").read_text())["versions"]["sigbench"]
    assert line == f"sigbench {version}, suite tiny, 3 methods, seeds 1-2, run {digest(run)}"
    assert f"note = {{{line}}}" in bibtex(RunFolder(run))
    text = (run / "leaderboard.md").read_text()
    assert text.endswith(f"## Citation\n\n{line}\n\n```bibtex\n{bibtex(RunFolder(run))}\n```\n")


def test_a_folder_without_cells_has_no_digest(run, tmp_path):
    path = shutil.copytree(run, tmp_path / "run")
    shutil.rmtree(path / "cells")
    assert digest(path) is None
    assert citation(RunFolder(path)).endswith(
        "suite tiny, no finished cells and therefore no digest"
    )


def test_hostile_names_stay_in_their_line(run, tmp_path):
    path = shutil.copytree(run, tmp_path / "run")
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["suite"]["name"] = "a}\n```\n<b> \\input{x}"
    manifest["versions"] = [{"sigbench": "1\n2"}, {"sigbench": "1\n2"}, "x", {"sigbench": 3}]
    (path / "manifest.json").write_text(json.dumps(manifest))
    assert citation(RunFolder(path)).startswith("sigbench 1\\n2 and 3, suite a}\\n```\\n<b>")
    entry = bibtex(RunFolder(path))
    assert "`" not in entry
    assert "\\input" not in entry
    assert entry.count("\n") == 4
    assert entry.count("{") == entry.count("}")
    write_reports(path)


def test_the_entry_has_the_facts_of_the_citation_file():
    cff = Path(__file__).parents[1] / "CITATION.cff"
    if not cff.exists():
        pytest.skip("not in an installed package")
    lines = cff.read_text().splitlines()
    assert f'title: "{TITLE}"' in lines
    assert [line for line in lines if "name:" in line] == [f"  - name: {AUTHOR}"]
