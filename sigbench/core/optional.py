"""Files and versions of optional packages, found without importing the packages.

Messages name ``pip install 'sigbench[EXTRA]'``: it works in any folder wherever sigbench was
installed from, because pip finds the installed sigbench and adds the packages of the extra.
"""

from __future__ import annotations

import functools
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any

from sigbench.core.errors import InputError


def package_label(package: str) -> str | None:
    """Return name and version of a package, or None if it is not installed.

    Parameters
    ----------
    package : str
        Name of the distribution.

    Examples
    --------
    >>> package_label("numpy") == f"numpy {version('numpy')}"
    True
    >>> package_label("no-such-package") is None
    True
    """
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return None


def package_file(package: str, name: str, *, user: str, extra: str) -> Path:
    """Return the path of a file inside an installed package, which is not imported.

    Parameters
    ----------
    package : str
        Name of the distribution.
    name : str
        Path of the file in site-packages.
    user : str
        What needs the package, for the message.
    extra : str
        The extra of sigbench that installs the package.

    Raises
    ------
    InputError
        If the package is not installed or does not contain the file.

    Examples
    --------
    >>> package_file("numpy", "numpy/version.py", user="a method", extra="all").name
    'version.py'
    >>> package_file("no-such-package", "model.onnx", user="dtln", extra="dtln")
    Traceback (most recent call last):
    sigbench.core.errors.InputError: dtln needs no-such-package: pip install 'sigbench[dtln]'
    """
    try:
        found = distribution(package)
    except PackageNotFoundError:
        raise InputError(f"{user} needs {package}: pip install 'sigbench[{extra}]'") from None
    path = Path(str(found.locate_file(name)))
    if not path.is_file():
        raise InputError(f"{user}: {package} {found.version} does not contain {name}")
    return path


@functools.cache
def onnx_session(path: Path, *, user: str, extra: str) -> Any:
    """Return the session of an ONNX model on one thread of the CPU, one per file and process.

    A session has no state: the values depend on the inputs of a call only.

    Parameters
    ----------
    path : Path
        The ``.onnx`` file.
    user : str
        What needs the model, for the message.
    extra : str
        The extra of sigbench that installs onnxruntime.

    Raises
    ------
    InputError
        If onnxruntime is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError(
            f"{user} needs onnxruntime ({error}): pip install 'sigbench[{extra}]'"
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(
        str(path), sess_options=options, providers=["CPUExecutionProvider"]
    )
