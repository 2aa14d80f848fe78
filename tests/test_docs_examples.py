"""The code blocks of the documentation run, page by page, in an empty folder and with few items.

A block after `<!-- file: NAME -->` or `<!-- NAME -->` is a file of the reader. All other
blocks of Python run, and so does every line of blocks of shell commands, or it is listed in NOT_RUN.
"""

import contextlib
import io
import os
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
]
BLOCK = re.compile(
    r"^(?:<!-- (?:file: )?(?P<file>[\w/-]+(?:\.\w+)+) -->\n+)?^```(?P<kind>\w+)\n(?P<text>.*?)^```",
    re.M | re.S,
)

# Lines that do not run here: a pattern that matches from the beginning, and why.
NOT_RUN = {
    r"make |git clone|python3 -m venv|\. \.venv": "prepares the reader's environment",
    r"pip install (-e|'?sigbench)": "installs sigbench",
    r"sigbench data fetch|sigbench data verify$": "downloads, or checks all downloads",
    r"sigbench run speech(-vbd)?( |$)": "needs downloads",
    r"sigbench train (speech-|\"speech-|dncnn-paper)": "needs downloads",
    r"sigbench train \"?(shrinknet|icnn|resnet|unet)": "trains for minutes",
    r"sigbench run (table1|images32) .*(weights=my-|mine:tv)": "needs a network of minutes, or deepinv",
    r"sigbench analyze jacobian bias-free": "half a minute and more",
    r"sigbench run \S+ --executor dask": "needs a Dask scheduler",
    r"python datasets/speech-synthesis": "needs flite and espeak-ng",
    r"python benchmarks/honest.py": "reads results/ in the repository",
    r"NPY_DISABLE_CPU_FEATURES": "needs a processor on which these variables have an effect",
    r"docker ": "needs Docker",
    r"python -m pytest -W error": "fails if a floor is inconclusive, as it is with few items",
}
# Runs that train or tune for a minute or more, even with few items: only their cells are listed.
ONLY_LISTED = (
    r"sigbench run (noise2noise|noise-tracking|speech-smoke|estimate-noise( |$)(?!.*items))",
    r"sigbench run images32",
    r"sigbench run (deconvolution|signals -p (heavisine|blocks))",
)
FAILS = (r"sigbench verify mine.zip$",)  # exit code 1: without its code, a bundle is not verified
OTHER_PACKAGES = ("deepinv",)  # Python blocks that need them do not run


def small(text):
    """Return a command or a file with few items and steps, and one seed."""
    text = re.sub(r"--items \d+", "--items 3", text)
    text = re.sub(r"--seeds [\d,]+", "--seeds 1", text)
    text = re.sub(r"^items = .*", "items = 3", text, flags=re.M)
    text = re.sub(r"\bsteps ?= ?\d+", "steps=20", text)
    return re.sub(r"^seeds = .*", "seeds = [1]", text, flags=re.M)


def commands_of(page):
    """Yield the blocks of a page, and the commands of shell blocks with their words."""
    for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
        if block["file"] or block["kind"] != "sh":
            yield block, "", []
            continue
        for line in block["text"].replace("\\\n", " ").splitlines():
            if words := shlex.split(line, comments=True):
                yield block, line.strip(), words


def matches(patterns, line):
    """Return whether one of the patterns matches a line from its beginning."""
    return any(re.match(pattern, line) for pattern in patterns)


class Shell:
    """Runs commands as the reader does; sigbench in this process as long as that is possible."""

    def __init__(self, folder):
        self.site = folder / "site"

    def run(self, line, words):
        """Run one command; the test fails if its exit code is not 0."""
        kind, words = words[0], self.located(words[1:])
        if kind == "sigbench":
            self.sigbench(line, shlex.split(small(shlex.join(words))))
        elif kind == "python":
            words, target = (words[:-2], words[-1]) if ">" in words else (words, "printed")
            with open(target, "wb") as file:
                self.process(words, stdout=file)
        elif kind == "cat":  # cat FILE | sigbench ... > FILE
            (source, *_), command, target = words[:3], words[3:-2], words[-1]
            with open(source, "rb") as data, open(target, "wb") as file:
                self.process(["-m", "sigbench", *command], stdin=data, stdout=file)
        elif (kind, words[0]) == ("pip", "install"):
            options = ["--quiet", "--no-deps", "--no-build-isolation", "--target", str(self.site)]
            self.process(["-m", "pip", "install", *options, *words[1:]])
        else:
            pytest.fail(f"neither run nor listed in NOT_RUN: {line}")

    def sigbench(self, line, words):
        if words[0] == "run":
            few = [] if "--items" in words or words[1].endswith(".toml") else ["--items", "3"]
            words += [*few, "--seeds", "1"] if "--seeds" not in words else few
            words += ["--quiet", "-j", "1", *(["--dry-run"] if matches(ONLY_LISTED, line) else [])]
        words = [word for word in words if word != "--open"]
        if self.site.exists():  # the packages in it are known from the start of a process
            self.process(["-m", "sigbench", *words])
        else:
            assert main(words) == matches(FAILS, line.partition(" #")[0].strip()), line

    def process(self, arguments, **options):
        path = [str(self.site), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
        subprocess.run([sys.executable, *arguments], check=True, env=environment, **options)

    @staticmethod
    def located(words):
        """Return the words; files of the repository get their whole path."""
        return [str(ROOT / w) if w.startswith(("examples/", "./examples/")) else w for w in words]


@pytest.fixture(scope="session")
def readers_folder(tmp_path_factory):
    """Return a folder with the files that readers have, and runs of two suites."""
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
    photo = np.add.outer(np.arange(32), np.arange(32))[..., None] * 4
    photo = photo + rng.normal(0, 25, (32, 32, 3))
    Image.fromarray(photo.clip(0, 255).astype(np.uint8)).save(folder / "photo.png")
    (folder / "records").mkdir()
    tables = ("sensor", "steps", "spikes", "monday", "tuesday", "records/a", "records/b")
    for name in (f"{table}.csv" for table in tables):
        np.savetxt(folder / name, 5 * (np.arange(200) % 50 < 5) + rng.normal(size=200))
    np.save(folder / "mine.npy", np.ones(3))
    scores = [f"{i},{1 + i % 3},{2 + i % 2}" for i in range(9)]
    for name in ("errors.csv", "scores.csv"):
        (folder / name).write_text("\n".join(["item,first,second", *scores, ""]))
    code = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    (folder / "mine.py").write_text(code[1])
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        common = ["--items", "3", "--seeds", "1", "-j", "1", "--quiet", "-o"]
        chosen = {"table1": ["mine:mine", "l1-tuned", "affine"], "images32": ["affine"]}
        for suite, methods in chosen.items():
            assert main(["run", suite, "-m", *methods, *common, f"runs/{suite}"]) == 0
    for name in ("a", "b", "released"):
        shutil.copytree(folder / "runs/table1", folder / "runs" / name)
    return folder


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT))[:-3])
def test_the_code_blocks_of_a_page_run(page, readers_folder, here, capsys):
    shutil.copytree(readers_folder, here, dirs_exist_ok=True)
    shell = Shell(here)
    for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
        if block["file"]:
            Path(block["file"]).parent.mkdir(parents=True, exist_ok=True)
            Path(block["file"]).write_text(small(block["text"]), encoding="utf-8")
    for block, line, words in commands_of(page):
        if block["file"]:
            continue
        if block["kind"] == "python" and not any(p in block["text"] for p in OTHER_PACKAGES):
            exec(compile(small(block["text"]), str(page), "exec"), {"__name__": "__main__"})
        elif line and not matches(NOT_RUN, line):
            shell.run(line, words)


def test_every_exception_is_needed():
    lines = [line for page in PAGES for _, line, _ in commands_of(page)]
    for pattern in [*NOT_RUN, *ONLY_LISTED]:
        assert any(re.match(pattern, line) for line in lines), pattern


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT))[:-3])
def test_every_module_that_the_reader_writes_is_run(page):
    found = list(commands_of(page))
    lines = "\n".join(line for _, line, _ in found if not matches(NOT_RUN, line))
    modules = "\n".join(block["text"] for block, _, _ in found if block["file"])
    for block, _, _ in found:
        file = Path(block["file"] or "")
        if file.suffix == ".py":
            assert re.search(rf"\b{file.stem}\b", lines) or f"from {file.stem} " in modules, file
