"""`sigbench verify`: what agrees, what differs, and what cannot be checked."""

import dataclasses
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from sigbench.benchmark.engine.executors.base import ExecutorConfig
from sigbench.benchmark.run_suite import run_suite
from sigbench.benchmark.suites.definition import is_portable, portable
from sigbench.benchmark.suites.suite import load
from sigbench.benchmark.verify.values import difference, first_difference
from sigbench.benchmark.verify.verify import Selection, compute, plan
from sigbench.cli.main import main
from sigbench.cli.verify import check_data, is_good, verdict
from sigbench.core.errors import InputError
from sigbench.networks.pretrained import weights as weight_files
from sigbench.networks.pretrained.weights import Weights, save, shipped
from sigbench.scoring.metrics import METRICS

ROOT = Path(__file__).parents[1]
TINY = ROOT / "tests/tiny.toml"
ALL = Selection(None, 0, 60.0)


def verified(folder, selection=ALL, **options):
    """Return the checks by name and state, and the cells by state."""
    planned = plan(folder, selection, check_data=check_data, **options)
    cells = compute(planned, ExecutorConfig())
    return planned, cells


def states(planned):
    return {(check.name, check.state) for check in planned.checks if check.name != "environment"}


GOOD = {
    (name, "good") for name in ("manifest", "keys", "columns", "leaderboard.csv", "timings.parquet")
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run that no test changes."""
    path = tmp_path_factory.mktemp("verify") / "run"
    run_suite(load(str(TINY)), path)
    return path


@pytest.fixture
def copy(run, tmp_path):
    return Path(shutil.copytree(run, tmp_path / "copy"))


def content_of(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def change_value(folder, method, change):
    """Change the first value of a method in the cells, as somebody with PyArrow would."""
    for path in sorted((folder / "cells").glob("*.parquet")):
        table = pq.read_table(path)
        methods, values = table["method"].to_pylist(), table["value"].to_pylist()
        if method in methods:
            i = methods.index(method)
            values[i] = change(values[i])
            place = table.column_names.index("value")
            table = table.set_column(place, "value", pa.array(values, pa.float64()))
            pq.write_table(table, path)
            return values[i]
    raise AssertionError(method)


def change_manifest(folder, change):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def test_a_good_run_agrees_to_the_bit_and_is_not_changed(run):
    before = content_of(run)
    planned, cells = verified(run)
    assert states(planned) == GOOD
    assert len(cells) == 8
    assert {cell.state for cell in cells} == {"identical"}
    assert is_good(planned.checks, cells)
    assert content_of(run) == before


def test_a_sample_is_repeated_by_its_seed(run):
    def chosen(seed):
        planned = plan(run, Selection(3, seed, 60.0), check_data=check_data)
        return [(cell.seed, cell.method.name) for cell in planned.cells]

    assert len(chosen(1)) == 3
    assert chosen(1) == chosen(1)
    assert len({tuple(chosen(seed)) for seed in range(8)}) > 1


def test_a_changed_value_is_found(copy):
    value = change_value(copy, "blur", lambda value: value + 0.5)
    planned, cells = verified(copy)
    assert ("leaderboard.csv", "different") in states(planned)
    (wrong,) = [cell for cell in cells if cell.state != "identical"]
    assert wrong.state == "different"
    assert wrong.cell[2] == "blur"
    assert f"psnr of item 0: {value:.17g} is stored" in wrong.text
    assert "(1 of 40 values differ)" in wrong.text
    assert wrong.largest["psnr"] == pytest.approx(0.5)
    assert not is_good(planned.checks, cells)


def test_a_value_that_differs_as_on_another_processor_is_close(copy):
    change_value(copy, "blur", lambda value: np.nextafter(value, np.inf))
    planned, cells = verified(copy)
    assert states(planned) == GOOD  # six digits of the mean are the same
    assert sorted(cell.state for cell in cells) == ["close"] + ["identical"] * 7
    assert is_good(planned.checks, cells)


def test_a_doctored_leaderboard_is_found(copy):
    path = copy / "leaderboard.csv"
    lines = path.read_text().splitlines()
    row = next(i for i, line in enumerate(lines) if ",blur," in line and ",psnr," in line)
    cells = lines[row].split(",")
    mean = next(i for i, cell in enumerate(cells) if cell == "psnr") + 3
    old, cells[mean] = cells[mean], "25.5"
    lines[row] = ",".join(cells)
    path.write_text("\n".join(lines) + "\n")
    planned = plan(copy, Selection(0, 0, 60.0), check_data=check_data)
    (check,) = [check for check in planned.checks if check.state == "different"]
    (detail,) = check.details
    assert detail.startswith("psnr of blur on sparse-spikes: mean is 25.5 in the file, ")
    assert float(detail.split()[-4]) == pytest.approx(float(old), rel=1e-5)


@pytest.mark.parametrize("change", ["removed", "added", "twice", "broken"])
def test_rows_of_the_leaderboard_are_those_of_the_cells(copy, change):
    path = copy / "leaderboard.csv"
    lines = path.read_text().splitlines()
    last = lines[-1]
    changed = {
        "removed": lines[:-1],
        "added": [*lines, last.replace(",sparse-spikes,", ",other,")],
        "twice": [*lines, last],
        "broken": [lines[0], *(line.replace(",2", ",x") for line in lines[1:])],
    }
    path.write_text("\n".join(changed[change]) + "\n")
    planned = plan(copy, Selection(0, 0, 60.0), check_data=check_data)
    assert ("leaderboard.csv", "different") in states(planned)


@pytest.mark.parametrize(
    "name",
    [
        "suite",
        "problem",
        "dataset",
        "degradation",
        "seed",
        "method",
        "params",
        "knowledge",
        "metric",
        "cell_key",
    ],
)
def test_changed_columns_are_found(copy, name):
    path = min((copy / "cells").glob("*.parquet"))
    table = pq.read_table(path)
    values = table[name].to_pylist()
    values[3] = values[3] + (7 if name == "seed" else "x")
    place = table.column_names.index(name)
    pq.write_table(table.set_column(place, name, pa.array(values)), path)
    planned, _ = verified(copy, Selection(0, 0, 60.0))
    (check,) = [check for check in planned.checks if check.state == "different"]
    assert check.name == "columns"
    assert f"{path.name}: its rows and metadata have another {name} of" in check.details[0]


def test_columns_that_a_run_does_not_write_are_found_in_reports(copy):
    path = copy / "leaderboard.csv"
    head, *rows = path.read_text().splitlines()
    path.write_text("\n".join([f"{head},won", *(f"{row},yes" for row in rows)]) + "\n")
    table = pq.read_table(copy / "timings.parquet")
    extra = pa.array([1.0] * len(table))
    pq.write_table(table.append_column("watts", extra), copy / "timings.parquet")
    planned, _ = verified(copy, Selection(0, 0, 60.0))
    bad = {check.name: check for check in planned.checks if check.state == "different"}
    assert "column 'won' is not one of a leaderboard" in bad["leaderboard.csv"].details[0]
    assert bad["timings.parquet"].text == "it cannot be read: it has the column 'watts'"


def test_missing_cells_are_named(copy):
    change_manifest(copy, lambda manifest: manifest["seeds"].append(7))
    change_manifest(copy, lambda m: m["suite"]["methods"].update(more={}))
    planned, cells = verified(copy, Selection(0, 0, 60.0))
    (check,) = [check for check in planned.checks if check.name == "complete"]
    assert check.state == "note"
    assert check.details[0] == "no cell of the method more"
    assert "blur on sparse-spikes, seed 7" in check.details
    text = verdict(planned.checks, cells, len(planned.stored))
    assert text.endswith("no cell was recomputed (but cells are missing: see above).")
    assert is_good(planned.checks, cells)


@pytest.mark.parametrize("key", ["bounds", "controls"])
def test_another_role_of_a_method_is_found(copy, key):
    change_manifest(copy, lambda manifest: manifest["suite"][key].append("blur"))
    planned, _ = verified(copy, Selection(0, 0, 60.0))
    (check,) = [check for check in planned.checks if check.name == "manifest"]
    assert check.state == "different"
    assert check.details == [f"blur is one of the {key} in the run, unlike here"]


def test_a_suite_of_the_same_name_as_one_of_sigbench_is_named(tmp_path):
    (tmp_path / "easier.toml").write_text(
        TINY.read_text().replace('name = "tiny"', 'name = "table1"', 1)
    )
    run_suite(load(str(tmp_path / "easier.toml")), tmp_path / "easier")
    planned, _ = verified(tmp_path / "easier", Selection(0, 0, 60.0))
    (check,) = [check for check in planned.checks if check.name == "suite"]
    assert (check.state, check.text) == ("note", "it is not the suite table1 of this version")
    assert "that one has the method icnn" in check.details
    assert "(but it is not the suite of this name: see above)" in verdict(planned.checks, [], 1)
    own = load("table1").select(methods=["noisy", "gaussian-blur"], seeds=[5], items=4)
    run_suite(own, tmp_path / "part")
    planned, _ = verified(tmp_path / "part", Selection(0, 0, 60.0))
    assert ("suite", "note") not in states(planned)


def test_a_cell_that_is_stored_twice_has_the_same_rows(copy):
    path = max((copy / "cells").glob("*.parquet"))
    second = path.with_name("zz.parquet")
    shutil.copy(path, second)
    planned, _ = verified(copy, Selection(0, 0, 60.0))
    assert states(planned) == GOOD
    table = pq.read_table(second)
    values = pa.array([value + 1 for value in table["value"].to_pylist()])
    second.unlink()
    first = path.with_name("0.parquet")
    pq.write_table(table.set_column(table.column_names.index("value"), "value", values), first)
    planned, _ = verified(copy, Selection(0, 0, 60.0))
    assert ("columns", "different") in states(planned)


def test_changed_timings_are_found(copy):
    path = copy / "timings.parquet"
    table = pq.read_table(path)
    place = table.column_names.index("time_s")
    faster = pa.array([1e-9] * len(table), pa.float64())
    pq.write_table(table.set_column(place, "time_s", faster), path)
    planned = plan(copy, Selection(0, 0, 60.0), check_data=check_data)
    assert ("timings.parquet", "different") in states(planned)
    path.write_bytes(b"PAR1")
    planned = plan(copy, Selection(0, 0, 60.0), check_data=check_data)
    assert ("timings.parquet", "different") in states(planned)


def test_another_setting_in_the_manifest_is_found(copy):
    def wider(manifest):
        manifest["suite"]["methods"]["blur"]["entry"]["width"] = 2.0

    change_manifest(copy, wider)
    planned, cells = verified(copy)
    (check,) = [check for check in planned.checks if check.state == "different"]
    assert check.details == ["blur: entry.width is 2.0 in the run and 1.0 here (2 cells)"]
    assert len(cells) == 6


def test_another_definition_in_the_manifest_is_found(copy):
    def wider(manifest):
        manifest["suite"]["definition"]["methods"]["blur"]["method"] = "gaussian-blur[width=2]"

    change_manifest(copy, wider)
    planned, _ = verified(copy)
    assert ("keys", "different") in states(planned)


def test_a_wrong_key_is_found(copy):
    for path in (copy / "cells").glob("*.parquet"):
        table = pq.read_table(path)
        about = json.loads(table.schema.metadata[b"sigbench"])
        for cell in about:
            cell["cell_key"] = "0" * 32
        place = table.column_names.index("cell_key")
        keys = pa.array(["0" * 32] * len(table))
        table = table.set_column(place, "cell_key", keys)
        pq.write_table(table.replace_schema_metadata({"sigbench": json.dumps(about)}), path)
    planned, cells = verified(copy)
    assert not cells
    (check,) = [check for check in planned.checks if check.state == "different"]
    assert check.text == "8 of 8 cells were computed with other code or settings"


def test_cells_that_the_manifest_does_not_have_are_found(copy):
    change_manifest(copy, lambda manifest: manifest.update(seeds=[1]))
    planned, _ = verified(copy, Selection(0, 0, 60.0))
    (check,) = [check for check in planned.checks if check.state == "different"]
    assert check.details == ["seed 2 is not in the manifest"]


def test_runs_of_older_versions_are_rebuilt_from_the_suite_of_sigbench(tmp_path):
    suite = load("table1").select(
        methods=["l1-printed", "gaussian-blur[width=0.5]"], items=5, seeds=[3]
    )
    run_suite(suite, tmp_path / "run")
    change_manifest(tmp_path / "run", lambda manifest: manifest["suite"].pop("definition"))
    planned, cells = verified(tmp_path / "run")
    assert states(planned) == GOOD
    assert {cell.cell[2] for cell in cells} >= {"l1-printed", "gaussian-blur[width=0.5]", "noisy"}
    assert {cell.state for cell in cells} == {"identical"}


def test_an_unknown_suite_without_a_definition_cannot_be_checked(copy):
    change_manifest(copy, lambda manifest: manifest["suite"].pop("definition"))
    planned, cells = verified(copy)
    assert ("keys", "not checked") in states(planned)
    assert not cells
    assert not is_good(planned.checks, cells)


def tuned(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        TINY.read_text()
        + '[[methods]]\nname = "tuned"\nmethod = "gaussian-blur"\ntune.width = [0.3, 0.6, 1.2]\n'
    )
    return load(str(path)).select(seeds=[1])


def test_fitted_methods_are_fitted_again(tmp_path):
    run_suite(tuned(tmp_path), tmp_path / "run")
    (tmp_path / "mine.toml").unlink()  # the manifest has what is needed
    planned, cells = verified(tmp_path / "run")
    assert states(planned) == GOOD
    assert [cell.state for cell in cells if cell.cell[2] == "tuned"] == ["identical"]


def test_long_trainings_are_left_out_of_a_sample_and_named(tmp_path, monkeypatch):
    folder = tmp_path / "run"
    run_suite(tuned(tmp_path), folder)
    for path in (folder / "cells").glob("*.parquet"):
        table = pq.read_table(path)
        about = json.loads(table.schema.metadata[b"sigbench"])
        for cell in about:
            if cell["method"] == "tuned":
                cell["timing"]["train_s"] = 3600.0
        pq.write_table(table.replace_schema_metadata({"sigbench": json.dumps(about)}), path)
    planned = plan(folder, Selection(10, 0, 60.0), check_data=check_data)
    assert "tuned" not in {cell.method.name for cell in planned.cells}
    (note,) = [check for check in planned.checks if check.name == "sample"]
    assert note.text.endswith("took more than 60 s: tuned (see --max-training)")
    planned = plan(folder, ALL, check_data=check_data)
    assert "tuned" in {cell.method.name for cell in planned.cells}


def test_changed_weights_are_found(here, monkeypatch):
    good = shipped("shrinknet")
    save(here / "mine.safetensors", good)
    suite = load("table1").select(
        methods=["noisy", "network[weights=mine.safetensors]"], items=5, seeds=[1]
    )
    run_suite(suite, here / "run")
    planned, cells = verified(here / "run")
    assert ("weights", "good") in states(planned)
    assert {cell.state for cell in cells} == {"identical"}
    arrays = {name: array.copy() for name, array in good.arrays.items()}
    name = min(arrays)
    arrays[name].flat[0] += 1e-6
    save(here / "mine.safetensors", Weights(good.network, arrays, good.card))
    planned, cells = verified(here / "run")
    assert {("weights", "different"), ("keys", "different")} < states(planned)
    (check,) = [check for check in planned.checks if check.name == "weights"]
    assert f"{name} is 'array" in check.details[0]
    (here / "mine.safetensors").unlink()
    planned, cells = verified(here / "run")
    assert ("weights", "not checked") in states(planned)
    assert not is_good(planned.checks, cells)


def test_changed_shipped_weights_are_found(tmp_path, monkeypatch):
    suite = load("table1").select(methods=["shrinknet"], items=5, seeds=[1])
    run_suite(suite, tmp_path / "run")
    folder = tmp_path / "installed"
    folder.mkdir()
    good = shipped("shrinknet")
    arrays = {name: array * np.float32(1.001) for name, array in good.arrays.items()}
    save(folder / "shrinknet.safetensors", Weights(good.network, arrays, good.card))
    monkeypatch.setattr(weight_files, "FOLDER", folder)
    shipped.cache_clear()
    planned, cells = verified(tmp_path / "run")
    shipped.cache_clear()
    (check,) = [check for check in planned.checks if check.name == "weights"]
    assert check.state == "not checked"
    assert "shrinknet.safetensors has sha256" in check.details[0]
    assert not is_good(planned.checks, cells)


MINE = "def half(noisy, sigma=None):\n    return noisy * 0.5\n"


def test_own_methods_are_computed_if_their_code_is_the_same(here, capsys):
    (here / "mine.py").write_text(MINE)
    call = ["-m", "noisy", "mine:half", "--items", "5", "--seeds", "1", "-j", "1", "--quiet"]
    assert main(["run", "table1", *call, "-o", "run"]) == 0
    capsys.readouterr()
    assert main(["verify", "run", "--all", "--quiet", "-j", "1"]) == 0
    assert "were recomputed and are identical" in capsys.readouterr().out
    assert main(["verify", "run", "--all", "--quiet", "-j", "1", "--no-trust-code"]) == 1
    assert "NOT VERIFIED: could not check: keys." in capsys.readouterr().out
    (here / "mine.py").write_text(MINE.replace("0.5", "0.6"))
    assert main(["verify", "run", "--all", "--quiet", "-j", "1"]) == 1
    out = capsys.readouterr().out
    assert "mine:half: source is 'mine:half@" in out
    assert out.splitlines()[-1].startswith("DIFFERENT: keys")
    (here / "mine.py").unlink()
    assert main(["verify", "run", "--all", "--quiet", "-j", "1"]) == 1
    assert "cannot import 'mine'" in capsys.readouterr().out


def test_a_method_that_fails_is_not_verified(here, capsys):
    (here / "mine.py").write_text(
        "import os\ndef half(noisy, sigma=None):\n"
        "    assert os.path.exists('switch')\n    return noisy * 0.5\n"
    )
    (here / "switch").touch()
    call = ["-m", "noisy", "mine:half", "--items", "5", "--seeds", "1", "-j", "1", "--quiet"]
    assert main(["run", "table1", *call, "-o", "run"]) == 0
    (here / "switch").unlink()
    capsys.readouterr()
    assert main(["verify", "run", "--all", "--quiet", "-j", "1"]) == 1
    out = capsys.readouterr().out
    assert "mine:half on sparse-spikes, seed 1: AssertionError" in out
    assert out.splitlines()[-1] == "NOT VERIFIED: 1 cell could not be computed."


def test_private_seeds_need_the_secret(here, capsys):
    (here / "secret").write_text("correct horse battery staple")
    (here / "other").write_text("incorrect horse battery staple")
    call = ["-m", "noisy", "--items", "5", "--seeds", "1", "-j", "1", "--quiet"]
    assert main(["run", "table1", *call, "-o", "run", "--secret-seed", "secret"]) == 0
    capsys.readouterr()
    for options, code, text in (
        ([], 2, "it can be verified only with --secret-seed FILE"),
        (["--secret-seed", "other"], 2, "derived from another secret"),
        (["--secret-seed", "secret"], 0, ""),
    ):
        assert main(["verify", "run", "--quiet", "-j", "1", *options]) == code
        assert text in capsys.readouterr().err


def test_missing_data_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("SIGBENCH_DATA", str(tmp_path))
    states = check_data(["photos32", "sparse-spikes", "fsdd"])
    assert states["photos32"] == ""
    assert states["fsdd"].startswith("0_george_0.wav is missing (and 2399 other files)")
    assert "sparse-spikes" not in states


def test_missing_recordings_of_noise_leave_the_other_problems(tmp_path, monkeypatch):
    def entry(name, noise):
        spec = f"[[problems]]\nname = '{name}'\ndataset = 'speech-smoke'\nitems = 2\n"
        return f"{spec}degradation = '{noise}'\n"

    noise = tmp_path / "noise"
    noise.mkdir()
    samples = np.random.default_rng(0).normal(scale=0.1, size=(2, 32_000))
    for i, sound in enumerate(samples):
        soundfile.write(noise / f"{i}.wav", sound, 16_000)
    monkeypatch.chdir(tmp_path)
    Path("s.toml").write_text(
        'metrics = ["rmse"]\nseeds = [1]\n'
        + entry("white", "gaussian[snr_db=5]")
        + entry("recorded", "mix[noise=recording[path=noise],snr_db=5]")
        + "[[methods]]\nmethod = 'noisy'\n"
    )
    run_suite(load("s.toml"), "run")
    shutil.rmtree(noise)
    planned, cells = verified(Path("run"))
    (check,) = [check for check in planned.checks if check.state == "not checked"]
    assert "recorded: " in check.details[0]
    assert [cell.cell[0] for cell in cells] == ["white"]


def test_data_that_are_missing_when_a_key_is_computed_are_reported(run, monkeypatch):
    def missing(problem):
        raise InputError(f"the data of {problem.name} have not been fetched")

    monkeypatch.setattr("sigbench.benchmark.verify.rebuild.identity", missing)
    planned, _ = verified(run)
    (check,) = [check for check in planned.checks if check.state == "not checked"]
    assert check.details == [
        "sparse-spikes: the data of sparse-spikes have not been fetched (8 cells)"
    ]


def test_a_run_without_cells_is_invalid(copy, capsys):
    shutil.rmtree(copy / "cells")
    assert main(["verify", str(copy)]) == 2
    assert "has no finished cells" in capsys.readouterr().err


def test_cells_on_damaged_data_are_not_computed(run):
    planned = plan(run, ALL, check_data=lambda kinds: dict.fromkeys(kinds, "damaged"))
    assert not planned.cells
    (check,) = [check for check in planned.checks if check.name == "data"]
    assert (check.state, check.details) == ("not checked", ["sparse-spikes: damaged"])
    assert not is_good(planned.checks, [])


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["nowhere"], "nowhere is not a run folder"),
        (["RUN", "--cells", "-1"], "--cells -1 must be >= 0"),
        (["RUN", "--seed", "-1"], "--seed -1 must be >= 0"),
        (["RUN", "--max-training", "soon"], "--max-training 'soon' must be a time"),
        (["RUN", "--secret-seed", "nowhere"], "nowhere: no such file"),
    ],
)
def test_invalid_calls(run, arguments, error, capsys):
    call = [str(run) if word == "RUN" else word for word in arguments]
    assert main(["verify", *call]) == 2
    assert error in capsys.readouterr().err


def test_json(run, capsys):
    assert main(["verify", str(run), "--cells", "2", "--seed", "5", "--json", "-j", "1"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["verified"] is True
    assert (result["seed"], result["cells_in_run"], len(result["cells"])) == (5, 8, 2)


def test_a_damaged_folder_is_invalid(copy, capsys):
    next((copy / "cells").glob("*.parquet")).write_bytes(b"PAR1PAR1")
    assert main(["verify", str(copy)]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_differences_are_in_the_unit_of_the_metric():
    inf, nan = np.inf, np.nan
    a, b = np.array([20.0, inf, nan, inf, 1.0]), np.array([20.5, inf, nan, 1.0, nan])
    assert difference(METRICS["psnr"], a, b).tolist() == [0.5, 0, 0, inf, inf]
    relative = difference(METRICS["rmse"], np.array([2.0, 0.0, 0.0]), np.array([4.0, 0.0, 1.0]))
    assert relative.tolist() == [0.5, 0, 1]


def test_first_difference():
    assert first_difference({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2}]}) == ""
    assert first_difference({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}).startswith("a[1].b is 2")
    assert first_difference({"a": 1}, {}) == "a is only in the run"
    assert first_difference(None, {"a": 1}) == "None in the run and {'a': 1} here"
    assert first_difference([1], [1, 2]) == "[1] in the run and [1, 2] here"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"method": "l1[lam=1]"}, {"method": "l1[lam=1]"}),
        ({"dataset": "folder[path=/home/me/x]"}, {"dataset": "folder[path=x]"}),
        ({"dataset": "folder[path=~/x]"}, {"dataset": "folder[path=x]"}),
        ({"dataset": r'folder[path="C:\\me\\x"]'}, {"dataset": "folder[path=x]"}),
        (
            {"method": "self-ensemble[denoiser=network[weights=../w.safetensors]]"},
            {"method": "self-ensemble[denoiser=network[weights=w.safetensors]]"},
        ),
        (
            {"method": "mine:mine", "depends_on": ["/etc/x", "a/b", "env:X"]},
            {"method": "mine:mine", "depends_on": ["x", "a/b", "env:X"]},
        ),
    ],
)
def test_no_path_of_this_machine_is_in_a_manifest(entry, expected):
    assert portable(entry) == expected
    assert is_portable(entry) == (entry == expected)
    assert is_portable(expected)


@pytest.mark.parametrize(
    ("entry", "error"),
    [
        ({"method": "network[weights=/etc/x.safetensors]"}, "outside the working directory"),
        (
            {"name": "blur", "method": "network", "tune": {"weights": ["/etc/x.safetensors"]}},
            "outside the working directory",
        ),
        ({"method": "noisy[depends_on=/etc/passwd]"}, "outside the working directory"),
        ({"method": "noisy", "depends_on": ["../x"]}, "outside the working directory"),
        ({"name": "other", "method": "gaussian-blur"}, "has another name"),
        ({"method": "affine"}, "has another name"),
        ({"method": 3}, "must be"),
        ({"method": "noisy", "depends_on": 3}, "must be"),
        ({"name": "blur"}, "needs the key 'method'"),
        ({"method": "nothing"}, "unknown method"),
        ({"method": "l1[["}, "l1[["),
    ],
)
def test_invalid_definitions_are_reported(copy, entry, error):
    def other(manifest):
        manifest["suite"]["definition"]["methods"]["blur"] = entry

    change_manifest(copy, other)
    planned, cells = verified(copy, Selection(1, 0, 60.0))
    (check,) = [check for check in planned.checks if check.state == "not checked"]
    assert error in check.details[0]
    assert check.details[0].startswith("blur: ")
    assert len(cells) == 1


def test_an_invalid_problem_is_reported(copy):
    def other(manifest):
        entry = {"dataset": "sparse-spikes", "degradation": "gaussian[sigma=3]", "name": "x"}
        manifest["suite"]["definition"]["problems"]["sparse-spikes"] = {**entry, "items": 3}

    change_manifest(copy, other)
    planned, cells = verified(copy)
    (check,) = [check for check in planned.checks if check.state == "not checked"]
    assert "its definition in the manifest has another name" in check.details[0]
    assert not cells


def test_floors_record_what_methods_depend_on(here):
    from sigbench.benchmark.checks.check_floors import run_floors
    from sigbench.benchmark.checks.floors import load_floors

    (here / "mine.py").write_text(MINE)
    (here / "gain.txt").write_text("0.5")
    (here / "a.floors.toml").write_text(
        'suite = "table1"\nitems = 5\nseeds = [1]\ndepends_on = ["gain.txt"]\n'
        '[[floors]]\nproblem = "sparse-spikes"\nmethod = "mine:half"\nmetric = "psnr"\nfloor = 1.0\n'
    )
    run_floors(load_floors(here / "a.floors.toml"), here / "run")
    planned = plan(here / "run", Selection(0, 0, 60.0), check_data=check_data)
    assert states(planned) == GOOD
    (here / "gain.txt").write_text("0.6")
    planned = plan(here / "run", Selection(0, 0, 60.0), check_data=check_data)
    assert ("keys", "different") in states(planned)


def test_parts_of_a_sweep_are_rebuilt(tmp_path):
    path = tmp_path / "sweep.toml"
    path.write_text(
        'metrics = ["rmse"]\nseeds = [1]\n'
        '[[problems]]\nname = "n-{sigma}"\ndataset = "sparse-spikes"\n'
        'degradation = "gaussian[sigma=[1,2,3]]"\nitems = 6\n'
        '[[methods]]\nname = "blur"\nmethod = "gaussian-blur[width=[0.5,1]]"\nproblems = ["n-3"]\n'
    )
    suite = load(str(path)).select(problems=["n-3", "n-1"], items=4)
    run_suite(suite, tmp_path / "run")
    planned, cells = verified(tmp_path / "run")
    assert states(planned) == GOOD
    assert {cell.cell for cell in cells} == {
        ("n-1", 1, "noisy"),
        ("n-3", 1, "noisy"),
        ("n-3", 1, "blur width=0.5"),
        ("n-3", 1, "blur width=1"),
    }
    assert {cell.state for cell in cells} == {"identical"}


def test_objects_that_were_added_in_python_cannot_be_rebuilt(tmp_path):
    from sigbench.benchmark.methods.resolve import Method
    from sigbench.denoisers import GaussianBlur

    suite = load(str(TINY)).select(seeds=[1])
    more = (*suite.methods, Method("an object", GaussianBlur(2.0)))
    run_suite(dataclasses.replace(suite, methods=more), tmp_path / "run")
    planned, cells = verified(tmp_path / "run")
    assert ("keys", "not checked") in states(planned)
    assert len(cells) == 4


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run in which a network is trained for a moment."""
    folder = tmp_path_factory.mktemp("trained")
    recipe = (ROOT / "sigbench/networks/training/recipes/ablation.toml").read_text()
    recipe = recipe.replace("epochs = 16", "steps = 4").replace(
        "validation = 500", "validation = 8"
    )
    (folder / "brief.toml").write_text(recipe)
    path = folder / "suite.toml"
    path.write_text(
        TINY.read_text()
        + f'[[methods]]\nname = "net"\nmethod = "trained[recipe={folder}/brief.toml]"\n'
    )
    run_suite(load(str(path)).select(methods=["net"], seeds=[1]), folder / "run")
    return folder


def change_cells(folder, method, values=lambda values: values, about=lambda about: None):
    """Change all values of a method, and the metadata of its cells."""
    for path in (folder / "cells").glob("*.parquet"):
        table = pq.read_table(path)
        cells = json.loads(table.schema.metadata[b"sigbench"])
        for cell in cells:
            if cell["method"] == method:
                about(cell)
        params = {cell["method"]: cell["params"] for cell in cells}
        methods = table["method"].to_pylist()
        own = np.array([name == method for name in methods])
        if not own.any():
            continue
        new = np.array(table["value"].to_pylist())
        new[own] = values(new[own])
        for name, column in (
            ("value", pa.array(new.tolist(), pa.float64())),
            ("params", pa.array([params[name] for name in methods])),
        ):
            table = table.set_column(table.column_names.index(name), name, column)
        pq.write_table(table.replace_schema_metadata({"sigbench": json.dumps(cells)}), path)


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (lambda v: v, "identical"),
        (lambda v: np.r_[v[0] + 0.5, v[1:]], "close"),
        (lambda v: np.r_[v[0] + 1.5, v[1:]], "different"),
        (lambda v: np.r_[v[:20] + 0.1, v[20:]], "different"),  # the mean of psnr
    ],
)
def test_trained_networks_may_differ_more_but_not_in_the_mean(
    trained, tmp_path, monkeypatch, change, state
):
    monkeypatch.chdir(trained)
    copy = Path(shutil.copytree(trained / "run", tmp_path / "run"))
    change_cells(copy, "net", change)
    _, cells = verified(copy)
    assert [cell.state for cell in cells if cell.cell[2] == "net"] == [state]


def test_the_weights_of_trained_networks_may_differ(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(trained)
    copy = Path(shutil.copytree(trained / "run", tmp_path / "run"))

    def other(cell):
        cell["params"], count = re.subn(r"\([0-9a-f]{8},", "(01234567,", cell["params"])
        assert count == 1

    change_cells(copy, "net", about=other)
    _, cells = verified(copy)
    assert [cell.state for cell in cells if cell.cell[2] == "net"] == ["identical"]
    assert (
        "/"
        not in json.loads((copy / "manifest.json").read_text())["suite"]["definition"]["methods"][
            "net"
        ]["method"]
    )


@pytest.mark.parametrize(
    "entry",
    [
        {"method": "self-ensemble", "tune": {"denoiser": ["network[weights=/etc/w.safetensors]"]}},
        {"method": "self-ensemble", "tune": {"denoiser": ["network[weights=../w.safetensors]"]}},
        {"method": 'self-ensemble[denoiser="network[weights=/etc/w.safetensors]"]'},
    ],
)
def test_a_file_elsewhere_is_found_in_a_spec_within_a_text(copy, entry):
    assert not is_portable(entry)
    change_manifest(copy, lambda m: m["suite"]["definition"]["methods"].update(blur=entry))
    planned, _ = verified(copy, Selection(0, 0, 60.0))
    (check,) = [check for check in planned.checks if check.state == "not checked"]
    assert "names a file outside the working directory" in check.details[0]


def test_a_path_in_a_spec_within_a_text_is_not_in_a_manifest():
    text = 'self-ensemble[denoiser="network[weights=/home/me/w.safetensors]"]'
    assert "/home/me" not in portable({"method": text})["method"]
    assert is_portable(portable({"method": text}))
