"""The examples run as a person runs them."""

import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
import yaml

from sigbench.cli.main import main

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(monkeypatch, *arguments, example="hear_speech.py"):
    """Run an example and return its exit code."""
    monkeypatch.setattr(sys, "argv", [example, *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(EXAMPLES / example), run_name="__main__")
    return ended.value.code


def test_hear_speech_writes_sounds_and_their_scores(tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, tmp_path / "out") == 0
    found = re.findall(r"(\S+)\.wav: SI-SDR (\S+) dB, ESTOI (\S+)", capsys.readouterr().out)
    scores = {Path(name).name: (float(si_sdr), float(estoi)) for name, si_sdr, estoi in found}
    assert scores["noisy"][0] == pytest.approx(5, abs=0.1)
    # measured: 4.2 dB and 0.04 more
    assert scores["om-lsa"][0] > scores["noisy"][0] + 3
    assert scores["om-lsa"][1] > scores["noisy"][1] + 0.02
    written = {path.stem for path in (tmp_path / "out").iterdir()}
    assert written == {"clean", *scores}
    assert {soundfile.info(path).frames for path in (tmp_path / "out").iterdir()} == {3 * 35_200}


def test_hear_speech_denoises_a_recording(tmp_path, rng, monkeypatch, capsys):
    soundfile.write(tmp_path / "mine.wav", 0.1 * rng.normal(size=(4000, 2)), 44_100)
    assert run(monkeypatch, tmp_path / "out", tmp_path / "mine.wav") == 0
    for name in ("om-lsa", "auto"):
        info = soundfile.info(tmp_path / "out" / f"{name}.wav")
        assert (info.frames, info.channels, info.samplerate) == (4000, 2, 44_100)
    assert run(monkeypatch, tmp_path / "out", tmp_path / "nowhere.wav") == 2
    assert "nowhere.wav" in capsys.readouterr().err


def test_against_best_finds_the_best_other_method(tmp_path, monkeypatch, capsys):
    folder = str(tmp_path / "run")
    methods = ["noisy", "visu", "wiener-tuned", "l1-tuned", "limit"]
    selected = ["-m", *methods, "-p", "sparse-spikes", "--items", "60", "--seeds", "2", "--quiet"]
    assert main(["run", "table1", *selected, "-o", folder]) == 0
    capsys.readouterr()
    assert run(monkeypatch, folder, "l1-tuned", example="against_best.py") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert {(problem, best) for problem, _, best, *_ in lines} == {
        ("sparse-spikes", "wiener-tuned")
    }
    assert main(["compare", folder, "l1-tuned", "wiener-tuned"]) == 0
    compared = capsys.readouterr().out
    for _, metric, _, gain, *_ in lines:
        columns = re.search(rf"^{metric}\b.*", compared, re.M)[0].replace(" (dB)", "").split()
        difference = float(columns[3])
        assert float(gain) == pytest.approx(
            -difference if metric == "rmse" else difference, abs=6e-3
        )
    run(monkeypatch, folder, "l1-tuned", "--without", "wiener-tuned", example="against_best.py")
    assert {line.split()[2] for line in capsys.readouterr().out.splitlines()[1:]} == {"visu"}
    for arguments in ((folder, "l1"), (folder, "visu", "--without", *methods), ("nowhere", "l1")):
        message = run(monkeypatch, *arguments, example="against_best.py")
        assert message.startswith("against_best: ")


WORKFLOWS = {
    "ci-gate": EXAMPLES / "ci-gate/.github/workflows/floors.yml",
    "leaderboard": EXAMPLES / "leaderboard/workflows/leaderboard.yml",
}


def workflow(name):
    return yaml.safe_load(WORKFLOWS[name].read_text(encoding="utf-8"))


def step(name, job, word):
    """Return the command of a step of a workflow that contains a word."""
    (found,) = [
        step["run"] for step in workflow(name)["jobs"][job]["steps"] if word in step.get("run", "")
    ]
    return found


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """A function that runs a command of a workflow, as GitHub does, with this sigbench."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    for name, module in (("sigbench", "-m sigbench"), ("python", "")):
        (bin_ / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n')
        (bin_ / name).chmod(0o755)
    path = f"{bin_}{os.pathsep}{os.environ['PATH']}"
    root = str(Path(__file__).parents[1])
    others = [entry for entry in (root, os.environ.get("PYTHONPATH")) if entry]
    env = {**os.environ, "PATH": path, "PYTHONPATH": os.pathsep.join(others)}
    env["PYTEST_ADDOPTS"] = "-p no:cacheprovider"

    def run_in(folder, command):
        call = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command]
        return subprocess.run(call, cwd=folder, env=env, capture_output=True, text=True)

    return run_in


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflows_run_foreign_code_without_rights(name):
    content = workflow(name)
    triggers = content[True]  # YAML 1.1 reads the key "on" as a truth value
    assert "pull_request_target" not in triggers
    for job, about in content["jobs"].items():
        rights = about.get("permissions", content["permissions"])
        assert "write" not in rights.values() or job == "deploy"
        assert about["timeout-minutes"] <= 60
        for one in about["steps"]:
            assert ("run" in one) != ("uses" in one)
            assert "secrets." not in str(one)
            if one.get("uses", "").startswith("actions/checkout"):
                assert one["with"]["persist-credentials"] is False


def test_the_job_that_may_write_runs_nothing_of_others():
    jobs = workflow("leaderboard")["jobs"]
    assert [one.get("uses", "").partition("@")[0] for one in jobs["deploy"]["steps"]] == [
        "actions/deploy-pages"
    ]
    assert jobs["verify"]["permissions"] == {"contents": "read"}
    assert jobs["verify"]["if"] == "github.event_name == 'pull_request'"
    trusting = [job for job, about in jobs.items() if "--trust-code" in str(about)]
    assert trusting == ["verify"]


@pytest.mark.skipif(sys.platform == "win32", reason="the workflow runs in bash")
def test_the_gate_passes_and_fails_if_the_denoiser_gets_worse(tmp_path, shell):
    gate = shutil.copytree(EXAMPLES / "ci-gate", tmp_path / "gate")
    command = step("ci-gate", "floors", "-m pytest")
    done = shell(gate, command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed" in done.stdout
    done = shell(gate, step("ci-gate", "floors", "sigbench bundle"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "work/garrote.py  your code" in done.stdout
    source = (gate / "garrote.py").read_text()
    (gate / "garrote.py").write_text(
        source.replace("threshold: float = 2.0", "threshold: float = 0.5")
    )
    done = shell(gate, f"{command} garrote.floors.toml")
    assert done.returncode == 1
    assert "2 failed" in done.stdout


MINE = "def half(noisy, sigma=None):\n    return noisy * 0.5\n"


@pytest.fixture
def board(tmp_path, monkeypatch):
    """A repository of the leaderboard example with a bundle in a second commit."""
    folder = shutil.copytree(EXAMPLES / "leaderboard", tmp_path / "board")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    Path("mine.py").write_text(MINE)
    call = ["-m", "noisy", "mine:half", "--items", "5", "--seeds", "1", "-j", "1", "--quiet"]
    assert main(["run", "table1", *call, "-o", "run"]) == 0
    git = ["git", "-C", str(folder), "-c", "user.name=x", "-c", "user.email=x@localhost"]
    subprocess.run([*git, "init", "-q"], check=True)
    for step in ("base", "pull request"):
        if step != "base":
            assert main(["bundle", "run", "-o", str(folder / "submissions/mine.zip")]) == 0
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "-q", "-m", step], check=True)
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="the workflow runs in bash")
@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_the_leaderboard_verifies_what_is_handed_in(board, shell):
    command = step("leaderboard", "verify", "sigbench verify")
    done = shell(board, command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "VERIFIED: 4 of 4 cells" in done.stdout
    path = board / "submissions/mine.zip"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    change = "git -c user.name=x -c user.email=x@localhost commit -qam x"
    assert shell(board, change).returncode == 0
    assert shell(board, command).returncode == 123  # xargs: a command failed


def test_the_leaderboard_is_built_from_the_cells(board, monkeypatch):
    monkeypatch.chdir(board)
    assert run(monkeypatch, "submissions", "site", example="leaderboard/build.py") == 0
    page = (board / "site/index.html").read_text(encoding="utf-8")
    assert "mine:half" in page
    assert "mine:half" in (board / "site/runs/mine/leaderboard.csv").read_text()
    assert "exists" in run(monkeypatch, "submissions", "site", example="leaderboard/build.py")
    assert "no bundle" in run(monkeypatch, ".", "new", example="leaderboard/build.py")


def test_the_leaderboard_refuses_an_easier_suite_of_the_same_name(board, monkeypatch):
    suite = Path(__file__).with_name("tiny.toml").read_text().replace("sigma=3]", "sigma=1]")
    Path("easier.toml").write_text(suite.replace('name = "tiny"', 'name = "table1"', 1))
    assert main(["run", "easier.toml", "--items", "5", "-j", "1", "--quiet", "-o", "easier"]) == 0
    assert main(["bundle", "easier", "-o", str(board / "submissions/other.zip")]) == 0
    monkeypatch.chdir(board)
    error = run(monkeypatch, "submissions", "new", example="leaderboard/build.py")
    assert (
        "other.zip: it is not the suite table1 of this version: the problem sparse-spikes" in error
    )
    assert not Path("new/index.html").exists()
