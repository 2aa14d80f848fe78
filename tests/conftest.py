"""Shared fixtures. A seed names every random draw of a test."""

import dataclasses
import io
import os
import signal
import struct
import subprocess
import sys
import tarfile
import textwrap
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sigbench.config import plugins
from sigbench.datasets import (
    Bsd68,
    Bsd400,
    Cifar10,
    Esc10,
    Fsdd,
    bsd,
    cifar10,
    ee559,
    fsdd,
    voicebank_demand,
)
from sigbench.datasets.source import File, digest_of
from sigbench.networks.pretrained.speech import deepfilternet, dtln, rnnoise


def pytest_configure(config):
    """Give each worker of pytest-xdist one thread, and every process that tests start its Ctrl-C."""
    if config.getoption("numprocesses", None):  # the workers share the cores
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ.setdefault(name, "1")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a shell's background
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def no_columns(monkeypatch):
    """The width of output does not depend on the terminal: readline sets COLUMNS in xdist's workers."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def rng():
    return np.random.default_rng(20210601)


@pytest.fixture(scope="session")
def wait_until():
    """A function that returns as soon as a condition holds, and fails after a minute."""

    def wait(condition):
        deadline = time.monotonic() + 60  # far more than any condition takes
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.005)  # leave the cores to what is waited for

    return wait


@pytest.fixture(scope="session")
def real_data():
    """The folder of real recordings and photographs; they are not part of the project."""
    folder = os.environ.get("SIGBENCH_TEST_DATA")
    if not folder:
        pytest.skip("needs real data: SIGBENCH_TEST_DATA is not set")
    if not Path(folder).is_dir():
        pytest.skip(f"needs real data: SIGBENCH_TEST_DATA={folder} is not a folder")
    return Path(folder)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working directory, whose modules are gone after the test."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


class Tiny:
    """Files like those of cifar10 and ee559 with two pictures each, declared as the true ones."""

    pictures = 2

    def __init__(self, folder, monkeypatch):
        self.folder, self.monkeypatch = folder, monkeypatch
        self.rng = np.random.default_rng(559)
        monkeypatch.setenv("SIGBENCH_DATA", str(folder / "data"))
        monkeypatch.setattr(cifar10, "PICTURES", self.pictures)
        monkeypatch.setattr(ee559, "PAIRS", {"train_data.pkl": 3, "val_data.pkl": 4})
        monkeypatch.setattr(ee559, "VALIDATION", 1)

    def levels(self, count):
        return self.rng.integers(256, size=(count, 3, 32, 32), dtype=np.uint8)

    def pickle(self, levels, order="C"):
        """Return what Python 2 writes for a dictionary that holds the pictures."""
        n, content = len(levels), levels.reshape(len(levels), -1).tobytes(order)
        array = (
            b"cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01b\x87R"
            b"(K\x01K%cM\x00\x0c\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xff"
            b"J\xff\xff\xff\xffK\x00tb%bT%btb"
            % (n, b"\x88" if order == "F" else b"\x89", struct.pack("<i", levels.size) + content)
        )
        return b"\x80\x02}(U\x06labels](" + b"K\x06" * n + b"eU\x04data" + array + b"u."

    def archive(self, extra=(), replaced=()):
        """Return an archive like that of cifar10: members by name, others added, some replaced."""
        parts = [
            (name, self.pickle(self.levels(self.pictures)))
            for names in cifar10.MEMBERS.values()
            for name in names
        ]
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for name, content in {**dict(parts), **dict(replaced)}.items():
                if content is not None:
                    info = tarfile.TarInfo(name)
                    info.size = len(content)
                    archive.addfile(info, io.BytesIO(content))
            for info in extra:
                archive.addfile(info, io.BytesIO(bytes(info.size)))
        return buffer.getvalue()

    def declare(self, content, url=None):
        """Declare what cifar10 is; return its source and file."""
        path = self.folder / "cifar-10-python.tar.gz"
        path.write_bytes(content)
        file = dataclasses.replace(
            Cifar10.source.files[0], digest=digest_of(path, "md5:"), size=len(content), url=url
        )
        source = dataclasses.replace(Cifar10.source, declared=(file,))
        self.monkeypatch.setattr(Cifar10, "source", source)
        return source, file

    def pairs(self, folder, **other):
        """Write the two files of ee559, or others by their stems."""
        import torch

        folder.mkdir(exist_ok=True)
        for name, count in ee559.PAIRS.items():
            views = tuple(torch.from_numpy(self.levels(count)) for _ in range(2))
            torch.save(other.get(name.removesuffix(".pkl"), views), folder / name)
        return folder


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Tiny files in place of what is fetched, and an empty folder to fetch into."""
    return Tiny(tmp_path, monkeypatch)


@pytest.fixture
def tiny_bsd(tmp_path, monkeypatch):
    """Folders of a few images in the place of bsd400 and bsd68, declared as those, not fetched yet."""
    from PIL import Image

    rng = np.random.default_rng(400)
    monkeypatch.setenv("SIGBENCH_DATA", str(tmp_path / "data"))
    for cls, count, sizes in ((Bsd400, 6, [(180, 180)]), (Bsd68, 4, [(481, 321), (321, 481)])):
        folder = tmp_path / f"{cls.kind}-copy"
        folder.mkdir()
        files = []
        for i in range(count):
            width, height = sizes[i % len(sizes)]
            pixels = rng.integers(256, size=(height, width), dtype=np.uint8)
            path = folder / f"{i}.png"
            Image.fromarray(pixels).save(path)
            files.append(File(path.name, digest_of(path), most=10**6))
        source = dataclasses.replace(cls.source, declared=tuple(files))
        monkeypatch.setattr(cls, "source", source)
    yield tmp_path
    bsd._found.cache_clear()


def tone(path, hertz, seconds=0.3, fs=8000, level=0.1):
    """Write a tone with a little noise, as WAV or FLAC; return the path."""
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    t = np.arange(round(seconds * fs)) / fs
    noise = np.random.default_rng(round(hertz)).normal(scale=1e-3, size=len(t))
    soundfile.write(path, level * np.sin(2 * np.pi * hertz * t) + noise, fs, "PCM_16")
    return path


SPEAKER_HZ = {
    "george": 200,
    "jackson": 300,
    "lucas": 400,
    "yweweler": 500,
    "nicolas": 600,
    "theo": 700,
}


@pytest.fixture(scope="session")
def spoken_digits(tmp_path_factory):
    """A folder like that of fsdd: four numbers of each digit and speaker, as tones."""
    folder = tmp_path_factory.mktemp("fsdd")
    for speaker, hertz in SPEAKER_HZ.items():
        for number in range(4):
            for digit in range(10):
                seconds = 0.2 + 0.01 * digit + 0.001 * number
                tone(folder / f"{digit}_{speaker}_{number}.wav", hertz, seconds)
    return folder


class TinySpeech:
    """Small sound files in the place of what is fetched; recordings differ in their frequency."""

    def __init__(self, folder, monkeypatch, spoken_digits):
        self.folder, self.monkeypatch, self.spoken_digits = folder, monkeypatch, spoken_digits
        monkeypatch.setenv("SIGBENCH_DATA", str(folder / "data"))

    tone = staticmethod(tone)

    def fsdd(self):
        """Fetch four numbers of each digit; return the frequency of each speaker."""
        self.monkeypatch.setattr(fsdd, "NUMBERS", {"train": range(4), "test": range(4)})
        babble = {"train": range(2, 4), "test": range(2)}
        self.monkeypatch.setattr(fsdd, "BABBLE_NUMBERS", babble)
        files = (File(path.name, digest_of(path)) for path in self.spoken_digits.iterdir())
        source = dataclasses.replace(Fsdd.source, declared=tuple(files))
        self.monkeypatch.setattr(Fsdd, "source", source)
        (self.folder / "data").mkdir()
        (self.folder / "data" / "fsdd").symlink_to(self.spoken_digits)
        return SPEAKER_HZ

    def esc10(self):
        """Write copies of clips of rain and sea; the last one is a second clip of a recording."""
        names = ["rain-1-10-A", "rain-4-20-A", "rain-4-30-A", "sea-2-40-A", "sea-4-50-A"]
        names.append("sea-4-50-B")
        copies = self.folder / "esc10-copy"
        for i, name in enumerate(names):
            self.tone(copies / f"{name}.flac", 500 + 500 * i, 1.0, fs=16_000)
        declared = tuple(dataclasses.replace(Esc10.source.files[0], name=name) for name in names)
        source = dataclasses.replace(Esc10.source, declared=declared)
        self.monkeypatch.setattr(Esc10, "source", source)
        return copies

    def voicebank(self, clean=(), noisy=()):
        """Write both archives with two sentences, or with other members; return their folder."""
        import zipfile

        self.monkeypatch.setattr(voicebank_demand, "PAIRS", 2)
        copies = self.folder / "voicebank-copy"
        copies.mkdir(exist_ok=True)
        parts = zip(voicebank_demand.ARCHIVES, (clean, noisy), strict=True)
        for i, (name, others) in enumerate(parts):
            members = {
                f"{name[:-4]}/p232_00{n}.wav": self.tone(
                    self.folder / f"{i}{n}.wav", 300 + 100 * n, 0.5 + 0.1 * n, 48_000, 0.1 + 0.1 * i
                ).read_bytes()
                for n in (1, 2)
            }
            with zipfile.ZipFile(copies / name, "w", zipfile.ZIP_DEFLATED) as archive:
                for member, content in others or members.items():
                    archive.writestr(member, content)
        return copies

    def synthetic(self, voices=12, clips=3):
        """Write clips of voices; each clip has a frequency of its own."""
        for voice in range(voices):
            for clip in range(clips):
                path = self.folder / "clips" / f"v{voice:02}-{clip}.flac"
                self.tone(path, 300 + 40 * (clips * voice + clip), 0.4, fs=16_000)
        return self.folder / "clips"


@pytest.fixture
def tiny_speech(tmp_path, monkeypatch, spoken_digits):
    """Small sound files in the place of the speech and noise that are fetched."""
    return TinySpeech(tmp_path, monkeypatch, spoken_digits)


class StandInSession:
    """A session of one of the two models of DTLN; together they return their input."""

    def __init__(self, samples, value):
        self.samples, self.value, self.states = samples, value, []

    def get_inputs(self):
        shapes = {"signal": [1, 1, self.samples], "state": [1, 2, 128, 2]}
        return [SimpleNamespace(name=name, shape=shape) for name, shape in shapes.items()]

    def run(self, _, feeds):
        assert all(x.dtype == np.float32 for x in feeds.values())
        assert feeds["signal"].shape == (1, 1, self.samples)
        self.states.append(feeds["state"].max())
        return self.value(feeds["signal"]), feeds["state"] + 1


class StandInLibrary:
    """A library that returns its input after a delay; `open` counts the states in use."""

    def __init__(self, delay, source):
        self.delay, self.source, self.open = delay, source, 0
        self.rnnoise_create = self.df_create = self.create
        self.rnnoise_destroy = self.df_free = self.free
        self.rnnoise_process_frame = self.df_process_frame = self.process

    def create(self, *_):
        self.open += 1
        return [np.zeros(self.delay, np.float32)]

    def free(self, _):
        self.open -= 1

    def process(self, state, *pointers):
        frames = [np.ctypeslib.as_array(p, (480,)) for p in pointers]
        source, target = frames[self.source], frames[1 - self.source]
        waiting = np.concatenate([state[0], source])
        target[:], state[0] = waiting[:480], waiting[480:]


@pytest.fixture
def speech_packages(monkeypatch):
    """Stand-ins for the packages with speech networks: each network returns its input, late."""
    models = {
        1: StandInSession(257, np.ones_like),
        2: StandInSession(512, lambda x: x / 4),  # a sample is in four frames
    }
    found = SimpleNamespace(
        models=models, rnnoise=StandInLibrary(960, 1), deepfilternet=StandInLibrary(1440, 0)
    )
    monkeypatch.setattr(dtln, "_session", models.get)
    monkeypatch.setattr(rnnoise, "_library", lambda: found.rnnoise)
    monkeypatch.setattr(deepfilternet, "_library", lambda: (found.deepfilternet, Path("model")))
    return found


class Site:
    """A folder on the path in which packages are installed."""

    def __init__(self, folder):
        self.folder = folder

    def install(self, source, group="metrics", name="bad", package="faulty", target=None):
        """Install a package of one module that registers one object."""
        info = self.folder / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        target = target or f"{package}:thing"
        (info / "entry_points.txt").write_text(f"[sigbench.{group}]\n{name} = {target}\n")
        (self.folder / f"{package}.py").write_text(textwrap.dedent(source))


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    for cached in (plugins.plugins, plugins._loaded, plugins._tried):
        cached.cache_clear()
    yield Site(tmp_path)
    for cached in (plugins.plugins, plugins._loaded, plugins._tried):
        cached.cache_clear()
    for name in ("faulty", "other"):
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, wait_until):
    """A Dask scheduler and two worker processes on loopback; its address."""
    pytest.importorskip("distributed", reason="Dask is an extra")
    folder = tmp_path_factory.mktemp("dask")
    file = folder / "scheduler.json"
    quiet = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    environment = {**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}
    parts = [
        ["dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"],
        ["dask_worker", "--nworkers", "2", "--nthreads", "1", "--no-dashboard"],
    ]
    running = []
    try:
        for name, *options in parts:
            command = [sys.executable, "-m", f"distributed.cli.{name}", *options]
            command += ["--scheduler-file", str(file)]
            running.append(
                subprocess.Popen(command, env=environment, start_new_session=True, **quiet)
            )
        from distributed import Client

        wait_until(lambda: file.exists() or any(part.poll() is not None for part in running))
        assert all(part.poll() is None for part in running)
        with Client(scheduler_file=str(file), set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
            yield client.scheduler.address.removeprefix("tcp://")
    finally:
        for part in running:  # with the workers' own processes
            os.killpg(part.pid, signal.SIGKILL)
            part.wait()
