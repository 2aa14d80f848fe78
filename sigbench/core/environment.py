"""Software versions and the kind of machine, without host names or paths."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import sigbench

PACKAGES = (
    "numpy",
    "scipy",
    "pywavelets",
    "pandas",
    "pyarrow",
    "scikit-image",
    "cvxpy",
    "torch",
    "onnxruntime",
)


def versions() -> dict[str, str]:
    """Return the versions of sigbench, Python and the numerical packages."""
    found = {"sigbench": sigbench.__version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """Return the operating system, architecture, processor, number of cores and memory."""
    info: dict[str, Any] = {
        "system": platform.system(),
        "architecture": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
    }
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        info["memory_gib"] = round(pages / 2**30, 1)
    return info


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def git_commit() -> str | None:
    """Return the commit of the sigbench checkout, with ``-dirty`` appended if its code is modified.

    None if sigbench was installed from a wheel or git is not available.
    """
    root = Path(__file__).parents[2]
    if not (root / ".git").exists() or not (root / "pyproject.toml").is_file():
        return None
    try:
        commit = _git(root, "rev-parse", "HEAD")
        changed = _git(
            root, "status", "--porcelain", "--", "sigbench", "datasets", "pyproject.toml"
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{commit}-dirty" if changed else commit


def _git(root: Path, *arguments: str) -> str:
    # If this process is killed, a git that writes its index would leave a lock file behind.
    call = ["git", "--no-optional-locks", "-C", str(root), *arguments]
    return subprocess.run(call, capture_output=True, text=True, check=True).stdout.strip()
