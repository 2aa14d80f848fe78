"""What goes into a bundle, and what must not."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sigbench.benchmark.bundle.suite_file import suite_file
from sigbench.benchmark.engine.secret import Secret
from sigbench.benchmark.methods.own import Origin, OwnMethod
from sigbench.benchmark.methods.resolve import Method
from sigbench.benchmark.store.lock import unchanged
from sigbench.benchmark.store.manifest import FILES, LOG, MANIFEST
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.benchmark.suites.definition import texts
from sigbench.benchmark.verify.rebuild import definition_of, entry_of, rebuild
from sigbench.benchmark.verify.records import check_keys
from sigbench.config.plugins import Plugin, plugins
from sigbench.core.dependencies import Dependency
from sigbench.core.errors import InputError, shown
from sigbench.core.sources import module_file

RUN, WORK = "run", "work"
SUITE = "suite.toml"
MAX_BYTES = 2**28  # of all files
MAX_FILES = 2_000
MAX_NAME = 512  # bytes
DATA_FILES = (".safetensors", ".toml")  # weights and recipes that a method names
_PART = (
    r"[^/\\:\0-\x1f\x7f-\x9f.][^/\\:\0-\x1f\x7f-\x9f]*"  # no hidden files, no control characters
)
_NAME = re.compile(rf"README\.md|requirements\.txt|({RUN}|{WORK})(/{_PART})+")
PRIVATE = re.compile(
    r"(.*\.(key|pem|p12|pfx|kdbx)|\.env.*|id_(rsa|dsa|ecdsa|ed25519).*|secrets?(\.[a-z]+)?)",
    re.IGNORECASE,
)


def is_legal(name: str) -> bool:
    r"""Return whether a name can be that of a file of a bundle, below its folder on any system.

    Examples
    --------
    >>> [is_legal(name) for name in ("work/mine.py", "work/../mine.py", "work/\x1b[31m.py")]
    [True, False, False]
    """
    data = name.encode(errors="replace")
    short = len(data) <= MAX_NAME and all(len(part) <= 255 for part in data.split(b"/"))
    return short and _NAME.fullmatch(name) is not None


@dataclass
class Contents:
    """The files of a bundle.

    Attributes
    ----------
    files : dict of str to bytes
        Content by name in the bundle.
    code : list of str
        The files that contain code of the user.
    requirements : set of str
        Packages that the methods need, besides those of the manifest, as ``name==version``.
    left_out : list of str
        What is not in it, and why.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    code: list[str] = field(default_factory=list)
    requirements: set[str] = field(default_factory=set)
    left_out: list[str] = field(default_factory=list)

    def add(self, name: str, content: bytes) -> None:
        """Add a file.

        Raises
        ------
        InputError
            If its name is that of a secret or is not portable, or the bundle becomes too large.
        """
        file = name.rpartition("/")[2]
        if name.startswith(f"{WORK}/") and PRIVATE.fullmatch(file):
            raise InputError(f"{name}: a file of this name may be a secret, and is not packed")
        if not is_legal(name):
            raise InputError(
                f"{shown(name)} cannot be packed: no part of a name may begin with a dot, be longer "
                "than 255 bytes or contain a colon, a backslash or a control character"
            )
        self.files[name] = content
        total = sum(map(len, self.files.values()))
        if total > MAX_BYTES or len(self.files) > MAX_FILES:
            largest = max(self.files, key=lambda one: len(self.files[one]))
            raise InputError(
                f"the bundle has more than {MAX_BYTES >> 20} MiB or {MAX_FILES:,} files; its largest "
                f"file is {largest} with {len(self.files[largest]) / 2**20:.1f} MiB"
            )


def collect(path: Path, *, logs: bool = False, secret: Secret | None = None) -> Contents:
    """Return the files of the bundle of a run.

    Weights, modules and other files are read relative to the working directory, as by the run.

    Parameters
    ----------
    path : Path
        The run folder.
    logs : bool
        Whether to pack tracebacks and what methods printed.
    secret : Secret, optional
        The secret of a run with private data seeds; needed to check the run, and never packed.

    Raises
    ------
    InputError
        If the folder contains no run, a cell was computed by other code than that of today, a file
        is missing or may be a secret, or the bundle is too large.
    """
    folder, contents = RunFolder(path), Contents()
    manifest = folder.manifest.require()
    with unchanged(path):
        stored = folder.cells.all()
        _add_run(contents, folder, manifest, logs)
    rebuilt = rebuild(manifest["suite"], stored, trust_code=True, secret=secret)
    _, checks = check_keys(manifest, stored, rebuilt)
    for check in checks:
        if check.state != "good":
            raise InputError(
                f"{path}: {check.text}, so that nobody could verify it: {check.details[0]}"
            )
    if rebuilt.suite is None:
        raise InputError(f"{path} has no finished cell")
    for method in rebuilt.suite.methods:
        _add_method(contents, method)
    definition = definition_of(manifest["suite"])
    for name in manifest["suite"]["methods"]:
        for text in texts(entry_of(definition, "methods", name)):
            if text.endswith(DATA_FILES):
                contents.add(f"{WORK}/{text}", _content(Path(text), name))
    _add_plugins(contents, manifest["suite"], [p.labels["dataset"] for p in rebuilt.suite.problems])
    for problem in rebuilt.suite.problems:
        entry = entry_of(definition, "problems", problem.name)
        folders = [text for text in texts(entry) if Path(text).is_dir()]
        contents.left_out += [f"the data in {text}, used by {problem.name}" for text in folders]
    contents.add(f"{WORK}/{SUITE}", suite_file(manifest).encode())
    if secret is not None:
        _check_no_secret(contents, secret)
    contents.left_out = list(dict.fromkeys(contents.left_out))
    return contents


def _add_run(
    contents: Contents, folder: RunFolder, manifest: Mapping[str, Any], logs: bool
) -> None:
    for name in sorted({MANIFEST, *manifest["files"]}):
        path = folder.path / name
        if not (name == MANIFEST or re.fullmatch(FILES, name)) or not path.is_file():
            continue
        if path.is_symlink() or path.parent.is_symlink():
            raise InputError(f"{path} is a link, and is not packed")
        if not logs and (name == LOG or name.startswith("logs/")):
            contents.left_out.append(
                f"{name}: it may contain paths of this machine (--logs packs it)"
            )
            continue
        contents.add(f"{RUN}/{name}", path.read_bytes())


def _add_method(contents: Contents, method: Method) -> None:
    """Add the code that a method consists of, and the files that it depends on."""
    for one in method.depends_on:
        if one.kind == "environment variable":
            contents.left_out.append(f"the environment variable {one.name}, used by {method.name}")
        elif one.path is not None:
            contents.add(f"{WORK}/{one.name}", _content(one.path, method.name))
    used: Iterable[Dependency] = method.code
    place = str(Path.cwd())
    if isinstance(method.entry, OwnMethod):
        origin = method.entry.made_by
        if isinstance(origin, Origin) and ":" not in origin.spec.name:  # of an installed package
            contents.requirements.add(_requirement(plugins("method")[origin.spec.name]))
            return
        used, place = method.entry.traits.code, method.entry.folder
    for one in used:
        if one.kind == "distribution":
            contents.requirements.add(f"{one.name}=={version(one.name)}")
        elif one.kind == "module":
            found = module_file(one.name, place)
            if found is None or hashlib.sha256(found[1]).hexdigest() != one.digest:
                raise InputError(f"{method.name}: the source of {one.name} has just changed")
            name = f"{WORK}/{found[0]}"
            contents.add(name, found[1])
            if name not in contents.code:
                contents.code.append(name)


def _add_plugins(contents: Contents, about: Mapping[str, Any], datasets: Iterable[str]) -> None:
    """Add the packages that register the metrics and datasets."""
    for kind, names in (("metric", about["metrics"]), ("dataset", datasets)):
        found = plugins(kind)
        contents.requirements |= {_requirement(found[name]) for name in names if name in found}


def _requirement(plugin: Plugin) -> str:
    name, _, release = plugin.package.partition(" ")
    return f"{name}=={release}" if release else name


def _content(path: Path, method: str) -> bytes:
    if not path.is_file():
        raise InputError(f"{method} uses {path.name}, which is not in the working directory")
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path.name} has more than {MAX_BYTES >> 20} MiB")
    return path.read_bytes()


def _check_no_secret(contents: Contents, secret: Secret) -> None:
    """Check that no file is the secret of the run, or contains it."""
    for name, content in contents.files.items():
        if secret.content in content:
            raise InputError(f"{name} contains the secret of the run, and is not packed")


def private_texts(contents: Contents, places: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """Yield the files that contain the path of a folder of this machine, with the path."""
    words = [f"{place}/".encode() for place in places if len(place.parts) > 1]
    for name, content in contents.files.items():
        for word in words:
            if word in content:
                yield name, word.decode()
                break
