"""The examples run as a person runs them."""

import re
import runpy
import sys
from pathlib import Path

import pytest
import soundfile

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
