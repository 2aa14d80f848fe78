"""The work of `sigbench bundle`: list the files, check them, write the zip file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sigbench.benchmark.bundle.archive import archive
from sigbench.benchmark.bundle.contents import RUN, WORK, Contents, collect, private_texts
from sigbench.benchmark.bundle.texts import readme, requirements
from sigbench.benchmark.engine.secret import read_secret
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.cli.exit_codes import SUCCESS
from sigbench.cli.output import show
from sigbench.core.atomic import write_atomically
from sigbench.core.errors import InputError


def bundle(args: argparse.Namespace) -> int:
    """Pack a run, and return the exit code."""
    path = Path(args.folder)
    out = Path(args.out) if args.out else Path(f"{path.resolve().name}.zip")
    if out.suffix != ".zip":
        raise InputError(f"-o {out} must end in .zip")
    if not args.dry_run:
        _check_target(out, force=args.force)
    secret = None if args.secret_seed is None else read_secret(Path(args.secret_seed))
    contents = collect(path, logs=args.logs, secret=secret)
    manifest = RunFolder(path).manifest.require()
    contents.add("requirements.txt", requirements(manifest, contents.requirements).encode())
    contents.add("README.md", readme(manifest, contents).encode())
    show("\n".join(listing(contents)))
    found = [] if args.allow_paths else list(private_texts(contents, (Path.home(), Path.cwd())))
    if found:
        name, text = found[0]
        more = f", and so do {len(found) - 1} other files" if len(found) > 1 else ""
        raise InputError(
            f"{name} contains a path of this machine ({text}){more}: remove it, or use --allow-paths"
        )
    if args.dry_run:
        return SUCCESS
    data = archive(contents)
    _check_target(out, force=args.force)
    write_atomically(out, data)
    show(f"{len(contents.files) + 1} files, {len(data) / 2**20:.2f} MiB: {out}", sys.stderr)
    return SUCCESS


def _check_target(out: Path, *, force: bool) -> None:
    if out.exists() and not force:
        raise InputError(f"{out} exists: choose another file (-o), or use --force")
    if out.exists() and not out.is_file():
        raise InputError(f"{out} is not a file")


def listing(contents: Contents) -> list[str]:
    """Return what goes into a bundle, one line per file; those of the run are counted."""
    run = [name for name in contents.files if name.startswith(f"{RUN}/")]
    size = sum(len(contents.files[name]) for name in run)
    lines = [f"{size:>12,} bytes  {RUN}/ ({len(run)} files of the run folder)"]
    for name in sorted(set(contents.files) - set(run)):
        kind = "  your code" if name in contents.code else ""
        if name.startswith(f"{WORK}/") and name.endswith(".safetensors"):
            kind = "  weights"
        lines.append(f"{len(contents.files[name]):>12,} bytes  {name}{kind}")
    return [*lines, *(f"    not packed: {text}" for text in contents.left_out)]
