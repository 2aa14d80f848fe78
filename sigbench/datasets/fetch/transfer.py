"""Transfer of a file from an address or path into a partial file: size-limited, resumable."""

from __future__ import annotations

import contextlib
import http.client
import re
import shutil
import socket
import ssl
import time
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from sigbench.core.errors import InputError
from sigbench.datasets.fetch.part import Incomplete, Part
from sigbench.datasets.source import File

SCHEMES = ("https", "http")
CHUNK = 1 << 16  # bytes
TIMEOUT = 30.0  # seconds to wait for a connection or for more bytes
TRANSIENT = (408, 429)  # status codes that may be temporary, in addition to 5xx
PAUSES = (1.0, 2.0, 4.0)  # seconds between attempts that make no progress

ProgressCallback = Callable[[int, "int | None"], None]
"""Called with the number of bytes received, and with the total if it is known."""


class _ConnectionClosed(Incomplete):
    """The connection was closed before the end of the file."""


class _Stale(Exception):
    """The part belongs to a different version of the file than the server has now."""


def copy(path: Path, part: Part, file: File, progress: ProgressCallback) -> None:
    """Copy a local file.

    Raises
    ------
    InputError
        If its size is not as declared, or it does not fit on the disk.
    """
    part.begin(str(path), None)
    with path.open("rb") as source:
        _append(part, file, source.read, 0, path.stat().st_size, str(path), progress)


def download(url: str, part: Part, file: File, progress: ProgressCallback) -> None:
    """Download a file, resuming the part that exists if the server supports it.

    If the connection is closed early, the download is resumed until several consecutive attempts
    make no progress.

    Raises
    ------
    InputError
        If the server does not have the file, its size is not as declared, or it does not fit on
        the disk.
    Incomplete
        If the server cannot be reached, or keeps closing the connection.
    """
    best, attempts, connected = part.size, 0, False
    while True:
        try:
            return _receive(url, part, file, progress)
        except _Stale:
            part.discard()
        except Incomplete as error:
            connected = connected or isinstance(error, _ConnectionClosed)
            if part.size > best:
                best, attempts = part.size, 0
            if not connected or attempts == len(PAUSES):
                if not part.is_resumable:
                    raise
                raise Incomplete(f"{error}; run the same command again to resume") from None
            time.sleep(PAUSES[attempts])
            attempts += 1


def _receive(url: str, part: Part, file: File, progress: ProgressCallback) -> None:
    validator = part.validator(url)
    received = part.size if validator else 0
    if validator and received == file.size:
        return  # complete, but interrupted before it was checked
    request = Request(url, headers={"User-Agent": "sigbench", "Accept-Encoding": "identity"})
    if validator:
        request.add_header("Range", f"bytes={received}-")
        request.add_header("If-Range", validator)
    with _open(request) as response:
        if response.status == 206:
            if not validator:
                raise InputError(f"{url}: the server sent a part of the file instead of all of it")
            content_range = response.headers.get("Content-Range", "")
            found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", content_range)
            same_file = _validator(response.headers) in (validator, None)
            if not found or int(found[1]) != received or not same_file:
                raise _Stale
            total: int | None = int(found[2])
        else:  # the whole file: a new download, no support for ranges, or a different version
            received, total = 0, response.length
            ranges = "bytes" in response.headers.get("Accept-Ranges", "")
            part.begin(url, _validator(response.headers) if ranges else None)

        failed = False

        def read(size: int) -> bytes:
            nonlocal failed
            try:
                return response.read1(size)
            except (OSError, http.client.HTTPException):
                failed = True
                return b""  # as at the end of the stream

        received = _append(part, file, read, received, total, url, progress)
    end = file.size if total is None else total
    if failed or (end is not None and received < end):
        of = f" of {end}" if end else ""
        raise _ConnectionClosed(f"{url}: the connection was closed after {received}{of} bytes")


def _append(
    part: Part,
    file: File,
    read: Callable[[int], bytes],
    received: int,
    total: int | None,
    origin: str,
    progress: ProgressCallback,
) -> int:
    """Append the bytes that ``read`` returns, within the limits; return the new size of the part."""
    if total is not None:
        _check_size(total, file, origin)
    expected = file.size if total is None else total
    free = shutil.disk_usage(part.path.parent).free
    if expected is not None and expected - received > free:
        raise InputError(
            f"the disk of {part.path.parent} has {free} bytes free, but {file.name} needs "
            f"{expected - received}"
        )
    with part.path.open("ab") as out:
        while chunk := read(CHUNK):
            received += len(chunk)
            if received > _limit(file):
                raise InputError(
                    f"{origin} has more than the declared {_limit(file)} bytes: refused"
                )
            out.write(chunk)
            progress(received, expected)
    return received


def _limit(file: File) -> int:
    limit = file.most if file.size is None else file.size
    assert limit is not None  # every file to fetch declares one of the two
    return limit


def _check_size(size: int, file: File, origin: str) -> None:
    if file.size is not None and size != file.size:
        raise InputError(f"{origin} has {size} bytes, not the declared {file.size}: refused")
    if size > _limit(file):
        raise InputError(f"{origin} has {size} bytes, the limit is {file.most}: refused")


def _validator(headers: Message) -> str | None:
    """Return a strong ETag or the modification date, which identify a version of a file."""
    etag = headers.get("ETag", "")
    return etag if etag.startswith('"') else headers.get("Last-Modified")


class _Redirects(HTTPRedirectHandler):
    """Follow redirects from http to https or within one scheme, and refuse all others."""

    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        scheme = urlsplit(newurl).scheme
        if scheme not in ("https", urlsplit(req.full_url).scheme):
            fp.close()
            raise InputError(f"{req.full_url}: a redirect to {scheme!r} is refused")
        return super().redirect_request(req, fp, code, msg, headers, newurl)

    def http_error_302(self, req: Request, fp: Any, code: int, msg: str, headers: Any) -> Any:
        try:
            urlsplit(headers.get("Location", ""))
        except ValueError as error:
            fp.close()
            raise InputError(f"{req.full_url}: its redirect cannot be read: {error}") from None
        return super().http_error_302(req, fp, code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def _open(request: Request) -> Any:
    """Return the response to a request, translating errors."""
    url = request.full_url
    host = urlsplit(url).hostname or ""
    try:
        return build_opener(_Redirects).open(request, timeout=TIMEOUT)
    except InputError:
        raise
    except HTTPError as error:
        with contextlib.suppress(OSError):
            error.close()
        if error.code == 416 and request.has_header("Range"):
            raise _Stale from None
        if 300 <= error.code < 400:  # a scheme that urllib refuses, or a redirect loop
            raise InputError(f"{url}: its redirect is refused") from None
        text = f"{url}: {error.code} {http.client.responses.get(error.code, '')}".strip()
        transient = error.code >= 500 or error.code in TRANSIENT
        raise Incomplete(text) if transient else InputError(text) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        if isinstance(reason, socket.gaierror):
            raise Incomplete(f"unknown host {host!r}: check the network connection") from None
        if isinstance(reason, TimeoutError):
            raise Incomplete(f"{host} did not answer within {TIMEOUT:g} s") from None
        if isinstance(reason, ssl.SSLError | http.client.HTTPException | ValueError):
            raise InputError(f"{url} cannot be read: {reason}") from None
        raise Incomplete(f"{host} cannot be reached: {reason}") from None
