"""The command line."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sigbench.cli.main import main

RUN = ["run", "table1", "--items", "8", "--seeds", "1,2", "-o", "out"]
pytestmark = pytest.mark.usefixtures("here")


def board():
    with open("out/leaderboard.csv") as file:
        return list(csv.DictReader(file))


def test_run_prints_the_leaderboard(capsys):
    assert main([*RUN, "-m", "l1-printed"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("sparse-spikes: 2 seeds × 8 items, mean ± 95 % interval\nrank ")
    assert all(len(line) <= 100 for line in out.splitlines())
    assert "8 cells run: out" in err
    assert {r["method"] for r in board()} == {"noisy", "l1-printed", "limit", "limit-samplewise"}


@pytest.mark.parametrize("columns", [75, 80])
def test_a_leaderboard_fits_the_columns_that_are_asked_for(capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main([*RUN, "-m", "l1-printed", "-m", "icnn-report-3e-4-running"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= columns for line in lines)
    assert max(map(len, lines)) > columns - 12


def test_a_long_run_without_a_terminal_prints_its_progress(capsys, monkeypatch):
    monkeypatch.setattr("sigbench.core.progress.LINE_EVERY_S", 0.01)
    Path("slow.py").write_text(
        "import time\n"
        "class Slow:\n"
        "    def fit(self, train, *, rng):\n"
        "        time.sleep(0.5)\n"
        "        return lambda noisy, *, sigma=None: noisy\n"
    )
    assert main([*RUN, "-m", "noisy", "slow:Slow"]) == 0
    lines = capsys.readouterr().err.splitlines()
    line = r"\S+ s, \d+ of 8 cells: .*fitting slow:Slow on sparse-spikes"
    assert any(re.fullmatch(line, text) for text in lines)
    assert main([*RUN, "-m", "noisy", "slow:Slow", "--fresh", "--quiet"]) == 0
    assert " of 8 cells" not in capsys.readouterr().err


def test_quiet_and_the_default_folder(capsys):
    assert main(["run", "table1", "--items", "2", "-m", "noisy", "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    from pathlib import Path

    assert Path("runs/table1/leaderboard.md").is_file()


def test_dry_run_writes_nothing(here, capsys):
    assert main([*RUN, "--dry-run", "-m", "affine"]) == 0
    assert "to run\tsparse-spikes\t1\taffine" in capsys.readouterr().out
    assert not list(here.iterdir())


def test_dry_run_lists_finished_and_missing_cells(here, capsys):
    assert main([*RUN, "-m", "noisy", "--quiet"]) == 0
    for more, finished in (([], 6), (["--fresh"], 0)):
        capsys.readouterr()
        assert main([*RUN, "-m", "noisy", "--dry-run", *more]) == 0
        assert f"6 cells, {finished} finished, into out" in capsys.readouterr().out
    assert main(["run", "signals", "-o", "out", "--dry-run"]) == 2
    assert "contains a run with name 'table1'" in capsys.readouterr().err


def test_an_edited_denoiser_is_run_again(here, capsys):
    own = [*RUN, "-m", "affine", "mine:mine"]
    (here / "mine.py").write_text("def mine(noisy, sigma):\n    return 0 * noisy\n")
    command = [sys.executable, "-m", "sigbench", *own]  # a new process imports the edited module
    first = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "10 cells run" in first.stderr
    zero = {r["metric"]: r for r in board() if r["method"] == "mine:mine"}["rmse"]
    assert zero["knowledge"] == "sigma"
    (here / "mine.py").write_text(
        "import numpy as np\n\ndef mine(noisy, sigma):\n    return np.maximum(noisy - 2.6, 0)\n"
    )
    second = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "2 cells run, 8 cached" in second.stderr
    better = {r["metric"]: r for r in board() if r["method"] == "mine:mine"}["rmse"]
    assert float(better["mean"]) < float(zero["mean"])
    third = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "0 cells run, 10 cached" in third.stderr


def test_a_failing_method_is_exit_code_1(here, capsys):
    (here / "bad.py").write_text("def bad(noisy): return noisy[0]\n")
    assert main([*RUN, "-m", "noisy", "bad:bad"]) == 1
    err = capsys.readouterr().err
    assert "failed: bad:bad on sparse-spikes, seed 1: BadEstimate: the estimate has shape" in err
    assert "2 FAILED (see out/failures.log)" in err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["run", "tabel1"], "unknown suite 'tabel1': did you mean 'table1'?"),
        (["run", "absent.toml"], "absent.toml: no such file"),
        ([*RUN, "-m", "l2-tuned"], "unknown method 'l2-tuned': did you mean 'l1-tuned'"),
        ([*RUN, "-m", "l1[lamda=2]"], "unknown parameter of l1 'lamda': did you mean 'lam'"),
        ([*RUN, "-m", "l1[lam=two]"], "l1: lam=two must be a number or none"),
        ([*RUN, "-m", "l1[lam"], "cannot read 'l1[lam'"),
        ([*RUN, "-m", "absent:f"], "cannot import 'absent'"),
        ([*RUN, "-p", "spikes"], "unknown problem 'spikes': did you mean 'sparse-spikes'"),
        (["run", "table1", "--seeds", "1,x"], "--seeds 1,x must be whole numbers"),
        (["run", "table1", "--seeds", "1,1"], "must be distinct"),
        (["run", "table1", "--items", "0"], "items=0 must be a whole number >= 1"),
        (["report", "absent"], "absent is not a run folder"),
        (["denoise", "absent.wav", "-o", "b.wav", "-m", "noisy"], "absent.wav: no such file"),
    ],
)
def test_wrong_calls_are_one_line_and_exit_code_2(here, capsys, argv, message):
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.startswith("sigbench: error: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert not list(here.iterdir())


def test_wrong_options_are_exit_code_2(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["run", "table1", "--itmes", "3"])
    assert caught.value.code == 2
    assert "unrecognized arguments" in capsys.readouterr().err


def test_debug_shows_the_traceback(capsys):
    assert main(["run", "tabel1", "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_the_folder_of_another_suite_is_refused_and_kept(here, capsys):
    assert main([*RUN, "-m", "noisy"]) == 0
    before = {p: p.stat().st_mtime_ns for p in here.rglob("*")}
    assert main(["run", "signals", "--items", "2", "-o", "out"]) == 2
    assert "contains a run with name 'table1', not 'signals'" in capsys.readouterr().err
    assert {p: p.stat().st_mtime_ns for p in here.rglob("*")} == before


def test_report_restores_deleted_files(here, capsys):
    assert main([*RUN, "-m", "noisy", "--quiet"]) == 0
    text = (here / "out/leaderboard.md").read_text()
    for name in ("leaderboard.md", "leaderboard.csv", "timings.parquet"):
        (here / "out" / name).unlink()
    assert main(["report", "out"]) == 0
    assert (here / "out/leaderboard.md").read_text() == text
    assert "settings and other metrics: out/leaderboard.md" in capsys.readouterr().out
    assert (here / "out/leaderboard.csv").is_file()


def test_ctrl_c_ends_the_run_and_keeps_finished_cells(here, wait_until):
    (here / "stuck.py").write_text(
        "import pathlib, time\n"
        "def f(noisy):\n"
        "    pathlib.Path('begun').touch()\n"
        "    while True: time.sleep(600)\n"
    )
    command = [sys.executable, "-m", "sigbench", *RUN, "-m", "noisy", "stuck:f", "-j", "1"]
    run = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    cells = here / "out/cells"

    def under_way():
        return (here / "begun").exists() and len(list(cells.glob("*.parquet"))) == 3

    wait_until(lambda: under_way() or run.poll() is not None)
    assert run.poll() is None
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does, to all processes
    _, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "interrupted; run the same command again to resume" in err
    assert "Traceback" not in err
    assert len(list(cells.iterdir())) == 3
    assert main(["report", "out"]) == 0
    assert {row["method"] for row in board()} == {"noisy", "limit", "limit-samplewise"}


def test_denoise(here, capsys):
    rng = np.random.default_rng(0)
    soundfile.write("a.wav", 0.1 * rng.standard_normal((800, 2)), 44100)
    assert (
        main(["denoise", "a.wav", "-o", "b.wav", "-m", "wavelet[rule=sure]", "--sigma", "auto"])
        == 0
    )
    assert re.search(
        r"b\.wav: wavelet\[rule=sure\], shape 2×1×800, sigma 0\.09", capsys.readouterr().err
    )
    assert soundfile.info("b.wav").samplerate == 44100
    assert main(["denoise", "a.wav", "-o", "b.wav", "-m", "noisy"]) == 2
    assert "b.wav exists; use --force to replace it" in capsys.readouterr().err
    assert main(["denoise", "a.wav", "-o", "b.wav", "-m", "noisy", "--force"]) == 0


@pytest.mark.parametrize("what", ["suites", "methods", "datasets", "metrics"])
def test_list(capsys, what):
    assert main(["list", what]) == 0
    text = capsys.readouterr().out
    assert main(["list", what, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 100
    names = [line.split()[0] for line in lines if line and not line.startswith((" ", "--json"))]
    assert [name for name in names if name != "name"] == [row["name"] for row in rows]


def test_list_suites_prints_descriptions_and_json_has_the_methods(capsys):
    main(["list", "suites"])
    lines = capsys.readouterr().out.splitlines()
    main(["list", "suites", "--json"])
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert lines[0].split() == ["name", "problems", "methods", "seeds", "metrics"]
    (start,) = [i for i, line in enumerate(lines) if line.startswith("images32 ")]
    methods = rows["images32"]["methods"]
    assert lines[start].split()[1:3] == ["2", str(len(methods))]
    below = " ".join(" ".join(lines[start + 1 : start + 4]).split())
    assert below.startswith(rows["images32"]["description"])
    assert "problems: gaussian-25, subsample-4" in below
    found = [name for name, row in rows.items() if "resnet" in row["methods"]]
    assert found == ["images32", "noise2noise"]


def test_list_methods_follows_the_contract(capsys):
    main(["list", "methods", "--json"])
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    keys = {"name", "family", "domains", "knowledge", "n_params", "parameters", "source"}
    assert all(keys <= set(row) for row in rows.values())
    assert rows["gmc"]["parameters"]["gamma"] == 0.8
    knowledge = {
        name: rows[name]["knowledge"] for name in ("noisy", "affine", "wavelet", "ideal-projection")
    }
    assert list(knowledge.values()) == ["none", "fitted", "blind", "oracle"]
    assert rows["spikes-posterior-mean"]["knowledge"] == "prior"


def test_a_default_that_is_an_object_is_listed_by_its_spec(capsys):
    main(["list", "methods", "--json"])
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    trackers = {name: r["parameters"].get("tracker") for name, r in rows.items()}
    assert trackers["om-lsa"] == "speech-presence"
    assert {*trackers.values()} == {None, "mcra", "speech-presence"}
    main(["list", "methods"])
    assert "tracker=mcra, " in capsys.readouterr().out


def test_changed_parameters_of_a_default_are_listed():
    from sigbench.cli.list import _plain
    from sigbench.config.registry import build
    from sigbench.denoisers.speech.trackers import TRACKERS

    assert _plain(TRACKERS["mcra"](threshold=6.0), TRACKERS) == "mcra[threshold=6]"
    assert build("tracker", TRACKERS, "mcra[threshold=6]") == TRACKERS["mcra"](threshold=6.0)
    assert _plain(TRACKERS["mcra"](), {}) == "Mcra(memory_s=1.0, threshold=5.0)"


def test_descriptions_of_a_list_fit_the_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "70")
    assert main(["list", "datasets"]) == 0
    below = [line for line in capsys.readouterr().out.splitlines() if line.startswith("    ")]
    assert 60 < max(map(len, below)) <= 70


def test_sys_info(capsys):
    assert main(["sys-info"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^sigbench +\d", out, re.M)
    assert re.search(r"^numpy +\d", out, re.M)
    assert re.search(r"^cores +\d", out, re.M)
