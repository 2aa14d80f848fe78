"""Specs, and the TOML files that people write: suites, floors and recipes."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from fuzz.target import MB, Target
from fuzz.trees import LEAVES, as_toml, changed, random_files
from sigbench.benchmark.checks.floors import load_floors
from sigbench.benchmark.methods.resolve import resolve
from sigbench.benchmark.suites.suite import load
from sigbench.config.spec import Spec, exact, expand, parse
from sigbench.core.errors import InputError
from sigbench.networks.training.recipe import load_recipe

SPECS = (
    "l1[lam=1,transform=wavelet[wavelet=haar,level=2]]",
    "gmc[lam=[1,2.5],gamma=0.8]",
    "wavelet[rule=bayes,shifts=4]",
    "self-ensemble[denoiser=local-wiener[window=7]]",
    "nl-means[patch=5]",
    "tv[lam=1]",
    "om-lsa[tracker=mcra]",
    'folder[path="my data, part [1]",size=64]',
    "network[weights=icnn]",
    "trained[recipe=icnn[steps=10,batch=4]]",
    "sliding-dct[window=8]",
)
WORDS = (b"[", b"]", b",", b"=", b'"', b"\\u", b"sigma=given", b"1e999", b"none", b"true", b"a:b")


def read_spec(path: Path) -> None:
    """Parse, write back, expand and build."""
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    spec = parse(text)
    for written in (str(spec), exact(spec)):
        again = parse(written)
        assert repr(again) == repr(spec) or "nan" in text.lower() or _same(again, spec), written
    expand(spec)
    if ":" not in spec.name:
        resolve(text)


def _same(a: Any, b: Any) -> bool:
    """Equal, with 2 and 2.0 taken as the same number."""
    return a == b


def _random_spec(rng: Random) -> bytes:
    """Return a spec with odd values of parameters, quoted as `Spec` does."""

    def replaced(value: Any) -> Any:
        if rng.random() < 0.3:
            other = rng.choice(LEAVES)
            return tuple(other) if isinstance(other, list) and other else str(other)
        if isinstance(value, Spec):
            params = tuple((k, replaced(v)) for k, v in value.params)
            return Spec(value.name, params)
        if isinstance(value, int | float) and rng.random() < 0.7:
            return rng.choice((-value, 0, value * 10**9, value + 0.5, 1e300, 2**62, 1e-300))
        return value

    spec = replaced(parse(rng.choice(SPECS)))
    return str(spec).encode("utf-8", "surrogatepass")


SUITE = b"""
name = "s"
description = "d"
seeds = [1, 2]
metrics = ["psnr", "rmse"]
block = 100
[[problems]]
name = "p{sigma}"
dataset = "sparse-spikes"
degradation = "gaussian[sigma=[1,2]]"
items = 5
train_items = 10
clip_estimates = false
[[problems]]
name = "q"
dataset = "demo-signals"
degradation = "gaussian[sigma=1]"
items = 4
[[methods]]
name = "tuned"
method = "gmc"
tune = { lam_over_sigma = [1, 2.5], gamma = [0.0] }
tuned_by = "truth"
sigma = "given"
[[methods]]
method = "gaussian-blur[width=[1,2]]"
problems = ["p*"]
[[methods]]
name = "net"
method = "trained[recipe=icnn-report-he[steps=2]]"
training_seeds = [1, 2]
[experiments]
metrics = ["rmse"]
source = "x"
printed = { tuned = [1.5] }
"""
SYSTEMS = b"""
metrics = ["system_error"]
[[problems]]
name = "l{length}-{snr_db}"
system = "systems"
length = [50, 100]
snr_db = [10]
coloration = [0.5]
items = 3
[[methods]]
method = "spectral-division"
"""
FLOORS = b"""
suite = "table1"
seeds = [1, 2]
items = 5
folder = "run"
timeout = "10m"
[[floors]]
problem = "sparse-spikes"
method = "affine"
metric = "psnr"
floor = 1.5
[[floors]]
problem = "sparse-spikes"
method = "affine"
metric = "rmse"
reference = "../run"
reference_method = "noisy"
margin = 0.1
"""
RECIPE = b"""
description = "d"
network = "icnn[size=s]"
initial = "xavier"
loss = "mse"
unit = 1.0
optimizer = "adam[lr=1e-3]"
schedule = "constant"
batch = 8
steps = 10
seed = 1
engine = "numpy"
precision = "float32"
[data]
dataset = "sparse-spikes"
degradation = "gaussian[sigma=3]"
pairs = 100
validation = 20
target = "clean"
metric = "psnr"
limit = "spikes-posterior-mean"
"""
TOML_WORDS = (
    b"[[problems]]",
    b"[a.b]",
    b'"""',
    b"1979-05-27",
    b"0x" + b"f" * 200,
    b"a." * 40,
    b"= nan\n",
    b"= inf\n",
    b"= true\n",
    b"= []\n",
    b"= {}\n",
)


def _suite(path: Path) -> Any:
    return load(str(path)).cells()


def _recipe(path: Path) -> Any:
    return load_recipe(str(path))


def _refusing(read: Callable[[Path], Any]) -> Callable[[Path], Any]:
    """Require that an error names the file."""

    def checked(path: Path) -> Any:
        try:
            return read(path)
        except InputError as error:
            if path.name not in str(error):
                raise AssertionError(f"the error does not name the file: {error}") from error
            raise

    return checked


def _toml(file: str, read: Callable[[Path], Any], good: Sequence[bytes]) -> Target:
    tables = [tomllib.loads(text.decode()) for text in good]
    return Target(
        file,
        _refusing(read),
        lambda: list(good),
        tokens=TOML_WORDS,
        strategy=random_files(lambda rng: as_toml(changed(rng.choice(tables), rng))),
        memory=256 * MB,
        per_byte=200,
    )


SPEC = Target(
    "case.txt",
    read_spec,
    lambda: [spec.encode() for spec in SPECS if "folder" not in spec],
    tokens=WORDS,
    strategy=random_files(_random_spec),
    memory=256 * MB,
)
SUITE_FILE = _toml("case.toml", _suite, [SUITE, SYSTEMS])
FLOORS_FILE = _toml("case.floors.toml", load_floors, [FLOORS])
RECIPE_FILE = _toml("case.toml", _recipe, [RECIPE])
