"""Bytes from an address or a file into a partial file: bounded, and gone on with where cut."""

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
from sigbench.datasets.fetch.part import Part, Unfinished
from sigbench.datasets.source import File

SCHEMES = ("https", "http")
CHUNK = 1 << 16  # bytes
PATIENCE = 30.0  # seconds without a byte
LATER = (408, 429)  # what a server answers, beside its own errors, that may pass
PAUSES = (1.0, 2.0, 4.0)  # seconds before trying again while nothing new comes

Tell = Callable[[int, "int | None"], None]
"""Called with the bytes that are here, and with how many there are in all where that is known."""


class _Cut(Unfinished):
    """The connection ended before the file did."""


class _Stale(Exception):
    """The part that is here belongs to another file than the server has by now."""


def copy(path: Path, part: Part, file: File, tell: Tell) -> None:
    """Copy a local file.

    Raises
    ------
    InputError
        Where it has another size than declared, or does not fit on the disk.
    """
    part.begin(str(path), None)
    with path.open("rb") as source:
        _append(part, file, source.read, 0, path.stat().st_size, str(path), tell)


def download(url: str, part: Part, file: File, tell: Tell) -> None:
    """Download a file; what is here of it already is not asked for again, if the server can.

    A cut connection is taken up again where it ended, until nothing new came for some times.

    Raises
    ------
    InputError
        Where the server has no such file or one of another size, or it does not fit on the disk.
    Unfinished
        Where the server is not reached, or the connection is cut again and again.
    """
    best, tries, reached = part.size, 0, False
    while True:
        try:
            return _receive(url, part, file, tell)
        except _Stale:
            part.discard()
        except Unfinished as stop:
            reached = reached or isinstance(stop, _Cut)
            if part.size > best:
                best, tries = part.size, 0
            if not reached or tries == len(PAUSES):
                if not part.can_go_on:
                    raise
                raise Unfinished(f"{stop}; the same command goes on from there") from None
            time.sleep(PAUSES[tries])
            tries += 1


def _receive(url: str, part: Part, file: File, tell: Tell) -> None:
    mark = part.mark(url)
    have = part.size if mark else 0
    if mark and have == file.size:
        return  # it was stopped between the last byte and the check
    request = Request(url, headers={"User-Agent": "sigbench", "Accept-Encoding": "identity"})
    if mark:
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", mark)
    with _answer(request) as answer:
        if answer.status == 206:
            if not mark:
                raise InputError(f"{url}: the server answers with a part, not with the file")
            found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range", ""))
            if not found or int(found[1]) != have or _mark(answer.headers) not in (mark, None):
                raise _Stale
            total: int | None = int(found[2])
        else:  # all of it: the first time, or where the server has no ranges or another file
            have, total = 0, answer.length
            ranges = "bytes" in answer.headers.get("Accept-Ranges", "")
            part.begin(url, _mark(answer.headers) if ranges else None)

        broken = False

        def read(size: int) -> bytes:
            nonlocal broken
            try:
                return answer.read1(size)
            except (OSError, http.client.HTTPException):
                broken = True
                return b""  # as where the connection is closed

        have = _append(part, file, read, have, total, url, tell)
    end = file.size if total is None else total
    if broken or (end is not None and have < end):
        raise _Cut(f"{url}: the connection was cut after {have} of {end or 'all'} bytes")


def _append(
    part: Part,
    file: File,
    read: Callable[[int], bytes],
    have: int,
    total: int | None,
    origin: str,
    tell: Tell,
) -> int:
    """Append what ``read`` gives, within the bounds; return how many bytes are here then."""
    if total is not None:
        _check_size(total, file, origin)
    coming = file.size if total is None else total
    free = shutil.disk_usage(part.path.parent).free
    if coming is not None and coming - have > free:
        raise InputError(
            f"the disk of {part.path.parent} has {free} bytes free, and {file.name} needs "
            f"{coming - have}"
        )
    with part.path.open("ab") as out:
        while chunk := read(CHUNK):
            have += len(chunk)
            if have > _limit(file):
                raise InputError(
                    f"{origin} has more than the {_limit(file)} bytes declared: refused"
                )
            out.write(chunk)
            tell(have, coming)
    return have


def _limit(file: File) -> int:
    limit = file.most if file.size is None else file.size
    assert limit is not None  # every file that is fetched declares one of both
    return limit


def _check_size(size: int, file: File, origin: str) -> None:
    if file.size is not None and size != file.size:
        raise InputError(f"{origin} has {size} bytes, not the declared {file.size}: refused")
    if size > _limit(file):
        raise InputError(f"{origin} has {size} bytes: it may have {file.most}: refused")


def _mark(headers: Message) -> str | None:
    """Return what tells this state of a file from others: a strong ETag, else its date."""
    etag = headers.get("ETag", "")
    return etag if etag.startswith('"') else headers.get("Last-Modified")


class _Redirects(HTTPRedirectHandler):
    """From http to https, or to the same: no other."""

    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        scheme = urlsplit(newurl).scheme
        if scheme not in ("https", urlsplit(req.full_url).scheme):
            fp.close()
            raise InputError(f"{req.full_url}: a redirect to {scheme!r} is refused")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _answer(request: Request) -> Any:
    """Return the open answer of a server that has what was asked for."""
    url = request.full_url
    host = urlsplit(url).hostname or ""
    try:
        return build_opener(_Redirects).open(request, timeout=PATIENCE)
    except InputError:
        raise
    except HTTPError as error:
        with contextlib.suppress(OSError):
            error.close()
        if error.code == 416 and request.has_header("Range"):
            raise _Stale from None
        if 300 <= error.code < 400:  # to a place that the library itself refuses, or in circles
            raise InputError(f"{url}: its redirect is refused") from None
        text = f"{url}: {error.code} {http.client.responses.get(error.code, '')}".strip()
        later = error.code >= 500 or error.code in LATER
        raise Unfinished(text) if later else InputError(text) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        if isinstance(reason, socket.gaierror):
            raise Unfinished(f"unknown host {host!r}: is there a network?") from None
        if isinstance(reason, TimeoutError):
            raise Unfinished(f"{host} did not answer within {PATIENCE:g} s") from None
        if isinstance(reason, ssl.SSLError | http.client.HTTPException | ValueError):
            raise InputError(f"{url} cannot be read: {reason}") from None
        raise Unfinished(f"{host} cannot be reached: {reason}") from None
