"""The code blocks of the documentation run, page by page, in an empty folder and with few items.

A block after `<!-- file: NAME -->` is a file that the page asks the reader to write. All other
blocks of Python run, and so does every line of blocks of shell commands, or it is listed in NOT_RUN.
"""

import contextlib
import io
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from sigbench.cli.main import main

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs/methods").glob("*.md")),
    *sorted((ROOT / "examples").rglob("README.md")),
]
BLOCK = re.compile(
    r"^(?:<!-- file: (?P<file>\S+) -->\n+)?^```(?P<kind>\w+)\n(?P<text>.*?)^```", re.M | re.S
)

# Lines that do not run here: a pattern that matches from the beginning, and why.
NOT_RUN = {
    r"make |git clone|python3? -m venv|\. \.venv": "prepares the reader's environment",
    r"pip install|python -m pip": "installs packages",
    r"sigbench data fetch|sigbench run speech(-vbd)?\b(?!-)|sigbench data verify$": "data to fetch",
    r"sigbench train (speech-|\"speech-|dncnn-paper)": "data to fetch",
    r"sigbench train (shrinknet|icnn|resnet|\"unet)": "trains for minutes",
    r"sigbench run \S+ --executor dask": "needs a Dask scheduler",
    r"python datasets/speech-synthesis": "needs flite and espeak-ng",
    r"python benchmarks/|make ": "needs the finished reference runs",
}
# Runs that take minutes even with few items, because they tune or train: only their cells are listed.
ONLY_LISTED = {
    r"sigbench run (noise2noise|ablation|strided)": "trains networks",
}
OTHER_PACKAGES = ("deepinv",)  # Python blocks that need them do not run


def small(text):
    """Return a command or a file with few items and one seed."""
    text = re.sub(r"--items \d+", "--items 3", text)
    text = re.sub(r"--seeds [\d,]+", "--seeds 1", text)
    text = re.sub(r"^items = .*", "items = 3", text, flags=re.M)
    return re.sub(r"^seeds = .*", "seeds = [1]", text, flags=re.M)


def lines_of(block):
    """Yield the commands of a block of shell commands, without comments."""
    for line in block.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words:
            yield line.strip(), words


def matches(table, line):
    return any(re.match(pattern, line) for pattern in table)


def run(line, words):
    """Run one command in this process, or in another if it is not sigbench."""
    if words[0] == "sigbench":
        words = small(shlex.join(words[1:]))
        words = [word for word in shlex.split(words) if word != "--open"]
        if words[0] == "run":
            added = ["--items", "3", "--seeds", "1", "--quiet", "-j", "1"]
            words += added if "--items" not in words else added[2:]
            words += ["--dry-run"] if matches(ONLY_LISTED, line) else []
            if words[1].startswith("examples/"):
                words[1] = str(ROOT / words[1])
        assert main(words) == 0, line
    elif words[0] == "python":
        words = [str(ROOT / w) if (ROOT / w).is_file() else w for w in words[1:]]
        if ">" in words:
            words, (target,) = words[: words.index(">")], words[words.index(">") + 1 :]
        else:
            target = "output"
        with open(target, "wb") as file:
            subprocess.run([sys.executable, *words], check=True, stdout=file)
    else:
        pytest.fail(f"neither run nor listed in NOT_RUN: {line}")


@pytest.fixture(scope="session")
def readers_folder(tmp_path_factory):
    """The files that readers have, and a run of table1."""
    folder = tmp_path_factory.mktemp("reader")
    rng = np.random.default_rng(7)
    t = np.arange(4000) / 8000
    tone = 0.3 * np.sin(2 * np.pi * 440 * t)
    for name in ("noisy.wav", "recordings/train/a.wav", "recordings/train/b.wav"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / name, tone + 0.05 * rng.normal(size=t.size), 8000)
    for name in ("recordings/test/c.wav", "recordings/test/d.wav"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / name, tone, 8000)
    photo = np.add.outer(np.arange(32), np.arange(32)) * 4 + rng.normal(0, 25, (32, 32))
    Image.fromarray(photo.clip(0, 255).astype(np.uint8)).save(folder / "photo.png")
    for name in ("sensor.csv", "steps.csv", "spikes.csv"):
        np.savetxt(folder / name, 5 * (np.arange(200) % 50 < 5) + rng.normal(size=200))
    np.save(folder / "mine.npy", np.ones(3))
    code = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    (folder / "mine.py").write_text(code[1])
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        common = ["--items", "3", "--seeds", "1", "-j", "1", "--quiet", "-o"]
        chosen = ["-m", "mine:mine", "l1-tuned", "affine"]
        assert main(["run", "table1", *chosen, *common, "runs/table1"]) == 0
    return folder


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT))[:-3])
def test_the_code_blocks_of_a_page_run(page, readers_folder, here, capsys):
    blocks = list(BLOCK.finditer(page.read_text(encoding="utf-8")))
    shutil.copytree(readers_folder, here, dirs_exist_ok=True)
    for block in blocks:
        if block["file"]:
            Path(block["file"]).parent.mkdir(parents=True, exist_ok=True)
            Path(block["file"]).write_text(small(block["text"]), encoding="utf-8")
        elif block["kind"] == "python" and not any(p in block["text"] for p in OTHER_PACKAGES):
            exec(compile(block["text"], str(page), "exec"), {"__name__": "__main__"})
        elif block["kind"] == "sh":
            for line, words in lines_of(block["text"]):
                if not matches(NOT_RUN, line):
                    run(line, words)
