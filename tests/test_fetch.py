"""Fetching against a local server that does what servers do, and what they should not."""

import dataclasses
import errno
import http.server
import io
import json
import os
import pickle
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import warnings
from email.message import Message
from pathlib import Path
from urllib.request import Request

import numpy as np
import pytest

from sigbench import DATASETS, InputError
from sigbench.cli.data import fetch, verify
from sigbench.cli.main import main
from sigbench.core.progress import Progress
from sigbench.datasets import Cifar10, Ee559, cifar10, ee559
from sigbench.datasets.fetch import transfer
from sigbench.datasets.fetch.part import Part
from sigbench.datasets.source import data_folder, digest_of
from sigbench.problems.degradations import Gaussian, Recorded
from sigbench.problems.denoising import Denoising

NAME = "cifar-10-python.tar.gz"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.asked.append(self.headers.get("Range"))
        if self.path in server.moved:
            self.send_response(302)
            self.send_header("Location", server.moved[self.path])
            self.end_headers()
            return
        content = server.files.get(self.path)
        if content is None or server.status != 200:
            self.send_error(404 if content is None else server.status)
            return
        start = self.start_of_range(content)
        if start is not None and start >= len(content):
            self.send_error(416)
            return
        self.send_response(200 if start is None else 206)
        if server.says_length:
            self.send_header("Content-Length", str(len(content) - (start or 0)))
        if server.has_ranges:
            self.send_header("Accept-Ranges", "bytes")
        if start is not None:
            end = len(content) - 1
            self.send_header("Content-Range", f"bytes {start}-{end}/{len(content)}")
        if server.etag:
            self.send_header("ETag", server.etag)
        self.end_headers()
        most = server.cuts.pop(0) if server.cuts else len(content)
        self.wfile.write(content[start or 0 :][:most])
        if most < len(content) and server.hold is not None:
            self.wfile.flush()
            server.hold.wait(60)

    def start_of_range(self, content):
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        same = self.headers.get("If-Range") == self.server.etag or self.server.ignores_if_range
        return int(found[1]) if found and same and self.server.has_ranges else None

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, host="127.0.0.1"):
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, 0), Handler)
        self.files, self.moved, self.asked, self.cuts = {}, {}, [], []
        self.has_ranges, self.ignores_if_range, self.says_length = True, False, True
        self.etag, self.status, self.hold = '"one"', 200, None
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_):
        pass  # a client that has gone


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(transfer, "PAUSES", (0.0, 0.0, 0.0))
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def public(tiny, server):
    """Cifar10 as a server has it; returns the archive's bytes."""
    content = tiny.archive()
    server.files[f"/{NAME}"] = content
    tiny.declare(content, url=f"{server.url}/{NAME}")
    return content


def left():
    """Return the names of the files in the folder of data, but for the lock."""
    return sorted(p.name for p in data_folder().rglob("*") if p.is_file() and p.name != ".lock")


def test_fetch_verify_and_read(public, server, capsys):
    assert main(["data", "fetch", "cifar10"]) == 0
    assert (data_folder() / "cifar10" / NAME).read_bytes() == public
    assert left() == [NAME]
    assert main(["data", "verify", "cifar10"]) == 0
    assert "good     cifar10" in capsys.readouterr().out
    assert main(["data", "fetch", "cifar10"]) == 0
    assert "is already here" in capsys.readouterr().out
    assert server.asked == [None]


def test_pictures_are_those_of_the_archive(tiny):
    first, second = tiny.levels(2), tiny.levels(2)
    members = {"data_batch_2": first, "test_batch": second}
    replaced = {f"cifar-10-batches-py/{k}": tiny.pickle(v) for k, v in members.items()}
    tiny.declare(tiny.archive(replaced=replaced.items()))
    fetch("cifar10", str(tiny.folder))
    np.testing.assert_array_equal(Cifar10().item("train", 1, 3), first[1])
    np.testing.assert_array_equal(Cifar10().item("test", 1, 0), second[0])
    assert (Cifar10().size("train"), Cifar10().size("test")) == (10, 2)


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_pickle_is_read_as_python_reads_it(tiny, order):
    """An oracle: that made for these tests, loaded by Python itself."""
    levels = tiny.levels(2)
    written = tiny.pickle(levels, order)
    with warnings.catch_warnings():  # NumPy has another name for it by now
        warnings.simplefilter("ignore")
        held = pickle.loads(written, encoding="bytes")
    np.testing.assert_array_equal(held[b"data"].reshape(levels.shape), levels)
    np.testing.assert_array_equal(cifar10._pictures_in(written), levels)


def test_a_cut_connection_is_gone_on_with(public, server):
    server.cuts = [1000, 2000, 500]
    fetch("cifar10")
    assert server.asked == [None, "bytes=1000-", "bytes=3000-", "bytes=3500-"]
    assert (data_folder() / "cifar10" / NAME).read_bytes() == public
    assert left() == [NAME]


def test_without_ranges_a_cut_connection_begins_anew(public, server):
    server.has_ranges, server.cuts = False, [1000]
    fetch("cifar10")
    assert server.asked == [None, None]
    assert left() == [NAME]


@pytest.mark.parametrize("says_length", [True, False])
def test_without_ranges_nothing_is_left_of_what_is_cut(public, server, capsys, says_length):
    server.has_ranges, server.says_length, server.cuts = False, says_length, [1000] * 9
    assert main(["data", "fetch", "cifar10"]) == 2
    err = capsys.readouterr().err.splitlines()[-1]
    assert f"the connection was closed after 1000 of {len(public)} bytes" in err
    assert len(server.asked) == 4  # once, and once more after each pause
    assert left() == []


def test_a_part_is_kept_where_the_next_command_can_go_on(public, server, capsys):
    server.cuts = [1000, 0, 0, 0]
    assert main(["data", "fetch", "cifar10"]) == 2
    assert "run the same command again to resume" in capsys.readouterr().err
    assert left() == [f".{NAME}.part", f".{NAME}.part.json"]
    assert main(["data", "verify", "cifar10"]) == 1
    server.asked.clear()
    fetch("cifar10")
    assert server.asked == ["bytes=1000-"]
    assert left() == [NAME]


@pytest.mark.parametrize("status", [429, 503])
def test_a_part_is_kept_where_the_server_is_only_busy(public, server, status):
    server.cuts = [1000, 0, 0, 0]
    with pytest.raises(InputError, match="run the same command again to resume"):
        fetch("cifar10")
    server.status = status
    with pytest.raises(InputError, match=f": {status} .*; run the same command again to resume"):
        fetch("cifar10")
    server.status = 200
    server.asked.clear()
    fetch("cifar10")
    assert server.asked == ["bytes=1000-"]


@pytest.mark.parametrize("goes_on", [False, True])
def test_nothing_is_written_through_a_link_in_the_place_of_a_part(public, server, here, goes_on):
    if goes_on:
        server.cuts = [1000, 0, 0, 0]
        with pytest.raises(InputError, match="run the same command again to resume"):
            fetch("cifar10")
    victim = here / "victim"
    victim.write_bytes(b"mine")
    part = data_folder() / "cifar10" / f".{NAME}.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    part.unlink(missing_ok=True)
    part.symlink_to(victim)
    fetch("cifar10")
    assert victim.read_bytes() == b"mine"
    path = data_folder() / "cifar10" / NAME
    assert not path.is_symlink()
    assert path.read_bytes() == public


@pytest.mark.parametrize("ignores", [False, True])
def test_a_part_of_another_file_is_not_gone_on_with(tiny, public, server, ignores):
    server.ignores_if_range = ignores
    server.files[f"/{NAME}"], server.cuts = bytes(len(public)), [1000, 0, 0, 0]
    with pytest.raises(InputError, match="run the same command again to resume"):
        fetch("cifar10")
    server.files[f"/{NAME}"], server.etag = public, '"two"'
    fetch("cifar10")
    assert (data_folder() / "cifar10" / NAME).read_bytes() == public


def test_a_part_longer_than_the_file_is_by_now_is_dropped(tiny, server):
    url = f"{server.url}/train_data.pkl"
    server.files["/train_data.pkl"], server.cuts = bytes(3000), [2000, 0, 0, 0]
    with pytest.raises(InputError, match="run the same command again to resume"):
        fetch("ee559", url)
    whole = (tiny.pairs(tiny.folder / "pairs") / "train_data.pkl").read_bytes()
    server.files["/train_data.pkl"], server.ignores_if_range = whole[:1500], True
    with pytest.raises(InputError, match=r"it is not a torch\.save file"):
        fetch("ee559", url)
    assert server.asked[-2:] == ["bytes=2000-", None]
    assert left() == []


@pytest.mark.parametrize("note", ["{", "[]", '{"url": 1}', "null"])
def test_a_broken_note_begins_anew(public, server, note):
    folder = data_folder() / "cifar10"
    folder.mkdir(parents=True)
    (folder / f".{NAME}.part").write_bytes(b"something")
    (folder / f".{NAME}.part.json").write_text(note)
    fetch("cifar10")
    assert server.asked == [None]
    assert left() == [NAME]


def test_a_whole_part_is_checked_and_not_asked_for_again(public, server):
    folder = data_folder() / "cifar10"
    folder.mkdir(parents=True)
    (folder / f".{NAME}.part").write_bytes(public)
    url = f"{server.url}/{NAME}"
    (folder / f".{NAME}.part.json").write_text(json.dumps({"url": url, "mark": '"one"'}))
    fetch("cifar10")
    assert server.asked == []
    assert left() == [NAME]


def test_wrong_bytes_are_named_by_their_digest(public, server, capsys):
    wrong = bytes(len(public))
    server.files[f"/{NAME}"] = wrong
    assert main(["data", "fetch", "cifar10"]) == 2
    err = capsys.readouterr().err.splitlines()[-1]
    expected = Cifar10.source.files[0].digest.removeprefix("md5:")[:12]
    assert re.search(rf"has md5 [0-9a-f]{{12}}, not the declared md5 {expected}:", err)
    assert left() == []


def test_what_was_there_stays_until_the_new_one_is_good(public, server):
    fetch("cifar10")
    path = data_folder() / "cifar10" / NAME
    path.write_bytes(b"damaged")
    server.files[f"/{NAME}"] = bytes(len(public))
    with pytest.raises(InputError, match="not the declared"):
        fetch("cifar10")
    assert path.read_bytes() == b"damaged"
    server.files[f"/{NAME}"] = public
    fetch("cifar10")
    assert path.read_bytes() == public


@pytest.mark.parametrize("says_length", [True, False])
@pytest.mark.parametrize("more", [1, 500_000])
def test_more_bytes_than_declared_are_not_taken(public, server, says_length, more):
    server.files[f"/{NAME}"] = public + bytes(more)
    server.says_length = says_length
    known = f"has {len(public) + more} bytes, not the declared {len(public)}: refused"
    found = f"has more than the declared {len(public)} bytes: refused"
    with pytest.raises(InputError, match=known if says_length else found):
        fetch("cifar10")
    assert left() == []


def test_a_file_of_unknown_size_has_a_bound(tiny, server, monkeypatch):
    most = tuple(dataclasses.replace(file, most=1000) for file in Ee559.source.files)
    monkeypatch.setattr(Ee559, "source", dataclasses.replace(Ee559.source, declared=most))
    server.files["/val_data.pkl"], server.says_length = bytes(5000), False
    with pytest.raises(InputError, match="has more than the declared 1000 bytes: refused"):
        fetch("ee559", f"{server.url}/val_data.pkl")
    assert left() == []


@pytest.mark.parametrize("status", [403, 500, 503])
def test_a_server_that_refuses(public, server, status):
    server.status = status
    with pytest.raises(InputError, match=f"{NAME}: {status} "):
        fetch("cifar10")
    assert left() == []
    assert len(server.asked) == 1


def test_a_file_that_is_not_there(public, server):
    with pytest.raises(InputError, match=r"/cifar/cifar-10-python\.tar\.gz: 404 Not Found"):
        fetch("cifar10", f"{server.url}/cifar/")
    assert left() == []


def test_an_unknown_host(public, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(InputError, match=r"unknown host 'mirror\.invalid'"):
        fetch("cifar10", "https://mirror.invalid/")
    assert left() == []


def test_nobody_listens(public):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(InputError, match=r"127\.0\.0\.1 cannot be reached: "):
            fetch("cifar10", f"http://127.0.0.1:{taken.getsockname()[1]}/")


def test_a_server_that_says_nothing(public, monkeypatch):
    monkeypatch.setattr(transfer, "TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        place = f"http://127.0.0.1:{mute.getsockname()[1]}/"
        with pytest.raises(InputError, match=r"127\.0\.0\.1 did not answer within 0\.05 s"):
            fetch("cifar10", place)
    assert left() == []


def test_a_stream_that_stalls_is_gone_on_with(public, server, monkeypatch):
    monkeypatch.setattr(transfer, "TIMEOUT", 0.2)
    server.cuts, server.hold = [1000], threading.Event()
    fetch("cifar10")
    server.hold.set()
    assert server.asked == [None, "bytes=1000-"]
    assert left() == [NAME]


def test_a_redirect_is_followed(public, server):
    server.moved["/old"] = f"/{NAME}"
    fetch("cifar10", f"{server.url}/old")
    assert left() == [NAME]


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "/circle"])
def test_a_redirect_to_another_scheme_is_refused(public, server, target):
    server.moved |= {f"/{NAME}": target, "/circle": "/circle"}
    with pytest.raises(InputError, match=r"redirect.* is refused"):
        fetch("cifar10")
    assert left() == []


def test_no_way_leads_from_https_to_http():
    ways = transfer._Redirects()
    with pytest.raises(InputError, match="a redirect to 'http' is refused"):
        ways.redirect_request(
            Request("https://a.org/x"), io.BytesIO(), 302, "", Message(), "http://a.org/x"
        )
    up = ways.redirect_request(
        Request("http://a.org/x"), io.BytesIO(), 302, "", Message(), "https://a.org/x"
    )
    assert up.full_url == "https://a.org/x"


def test_a_part_that_was_not_asked_for_is_refused(public, server, monkeypatch):
    monkeypatch.setattr(Handler, "start_of_range", lambda self, content: 0)
    with pytest.raises(InputError, match="the server sent a part of the file instead of all of it"):
        fetch("cifar10")
    assert left() == []


@pytest.mark.parametrize("place", ["", NAME, "renamed.gz"])
def test_a_local_folder_or_file(tiny, place):
    content = tiny.archive()
    tiny.declare(content)
    shutil.copy(tiny.folder / NAME, tiny.folder / "renamed.gz")
    fetch("cifar10", str(tiny.folder / place))
    assert left() == [NAME]
    assert verify("cifar10")[0].state == "good"


@pytest.mark.parametrize("place", [NAME, ""])
def test_an_ipv6_address(tiny, place):
    content = tiny.archive()
    tiny.declare(content)
    try:
        server = Server("::1")
    except OSError:
        pytest.skip("there is no IPv6 here")
    server.files[f"/{NAME}"] = content
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        fetch("cifar10", f"http://[::1]:{server.server_port}/{place}")
        server.shutdown()
    assert verify("cifar10")[0].state == "good"


def test_a_redirect_to_a_malformed_address(public, server):
    server.moved[f"/{NAME}"] = "http://[::1"
    with pytest.raises(InputError, match="its redirect cannot be read: Invalid IPv6 URL"):
        fetch("cifar10")
    assert left() == []


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["fetch"], "fetch needs a dataset, one of: cifar10, ee559"),
        (["fetch", "cifar"], "unknown dataset with files 'cifar': did you mean 'cifar10'?"),
        (["fetch", "systems"], "unknown dataset with files 'systems'"),
        (["fetch", "ee559"], "no public URL: sigbench data fetch ee559 --from PATH_OR_URL"),
        (["fetch", "ee559", "--from", "."], "--from .: the folder has no train_data.pkl"),
        (["fetch", "cifar10", "--from", "no"], "--from no: no such file or folder"),
        (["fetch", "cifar10", "--from", "ftp://a.b/c"], "'ftp' must be one of https, http"),
        (["fetch", "cifar10", "--from", "file:///a"], "'file' must be one of https, http"),
        (["fetch", "ee559", "--from", "http://a.b/c.pkl"], "unknown file of ee559 'c.pkl'"),
        (["fetch", "cifar10", "--from", "http://a b/c"], "http://a b/c cannot be read"),
        (
            ["fetch", "cifar10", "--from", "http://[::1/c"],
            "http://[::1/c is not a URL: Invalid IPv6",
        ),
        (
            ["fetch", "cifar10", "--from", "http://[zz]/c"],
            "is not a URL: 'zz' does not appear to be",
        ),
        (["fetch", "cifar10", "--from", "http://[]/c"], "is not a URL: '' does not appear to be"),
        (["fetch", "cifar10", "--from", "http://[::1]:99999/c"], "is not a URL: Port out of range"),
        (["fetch", "cifar10", "--from", "http://[::1]:x/c"], "is not a URL: Port could not be"),
        (["fetch", "cifar10", "--from", "http:///c"], "http:///c has no host"),
        (["verify", "nope"], "unknown dataset with files 'nope'"),
        (["list", "--from", "x"], "--from x is an option of fetch, not of list"),
    ],
)
def test_wrong_calls_are_one_line_and_exit_code_2(tiny, here, capsys, argv, message):
    assert main(["data", *argv]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert left() == []


def test_datasets_of_the_installation(tiny, capsys):
    assert main(["data", "fetch", "photos32"]) == 0
    assert "there is nothing to fetch" in capsys.readouterr().out
    assert main(["data", "verify"]) == 0
    names = {line.split()[1] for line in capsys.readouterr().out.splitlines()}
    assert names == {"photos32:", "speech-smoke:"}
    assert len(verify("speech-smoke")) == 24
    assert main(["data", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    rows = [line for line in lines if not line.startswith(" ")]
    assert [row.split()[0] for row in rows] == ["name", "photos32", "speech-smoke", *FETCHED]
    (own,) = [row for row in rows if row.startswith("ee559")]
    assert "only --from a copy" in own


SPEECH = ["fsdd", "voicebank-demand", "esc10"]
FETCHED = ["cifar10", "ee559", "bsd400", "bsd68", *SPEECH]


def test_a_full_disk_is_seen_before(public, monkeypatch):
    usage = shutil.disk_usage(".")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(InputError, match=f"has 1000 bytes free, but {NAME} needs {len(public)}"):
        fetch("cifar10")
    assert left() == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("local", [True, False])
def test_a_full_disk(tiny, public, capsys, local, monkeypatch):
    begin = Part.begin

    def begin_where_nothing_fits(part, *args):
        begin(part, *args)
        part.path.unlink()
        part.path.symlink_to("/dev/full")

    monkeypatch.setattr(Part, "begin", begin_where_nothing_fits)
    assert main(["data", "fetch", "cifar10", *(["--from", str(tiny.folder)] * local)]) == 2
    err = capsys.readouterr().err
    assert f"is full: {NAME} does not fit and was deleted" in err.splitlines()[-1]
    assert left() == []


def test_other_errors_of_the_disk_are_not_called_full(public, monkeypatch):
    def broken(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="Input/output error"):
        fetch("cifar10")
    assert left() == []


def stopped(monkeypatch, have):
    """Press Ctrl-C, as it were, when so many bytes are here."""
    set_done = Progress.set_done

    def press(self, count, total):
        set_done(self, count, total)
        if count >= have:
            raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "set_done", press)


def test_after_ctrl_c_the_same_command_goes_on(public, server, monkeypatch):
    monkeypatch.setattr(transfer, "CHUNK", 1024)
    with monkeypatch.context() as patch:
        stopped(patch, 4096)
        assert main(["data", "fetch", "cifar10"]) == 130
    assert left() == [f".{NAME}.part", f".{NAME}.part.json"]
    assert main(["data", "fetch", "cifar10"]) == 0
    have = int(re.fullmatch(r"bytes=(\d+)-", server.asked[1])[1])
    assert 4096 <= have < len(public)
    assert left() == [NAME]


@pytest.mark.parametrize("local", [True, False])
def test_ctrl_c_leaves_nothing_that_cannot_be_gone_on_with(
    tiny, public, server, monkeypatch, local
):
    server.has_ranges = False
    stopped(monkeypatch, 1)
    assert main(["data", "fetch", "cifar10", *(["--from", str(tiny.folder)] * local)]) == 130
    assert left() == []


def test_ctrl_c_in_a_terminal(tiny, server, wait_until):
    server.files["/train_data.pkl"] = bytes(5000)
    server.cuts, server.hold = [2000], threading.Event()
    argv = ["data", "fetch", "ee559", "--from", f"{server.url}/train_data.pkl"]
    fetching = subprocess.Popen(
        [sys.executable, "-m", "sigbench", *argv], stderr=subprocess.PIPE, text=True
    )
    note = data_folder() / "ee559/.train_data.pkl.part.json"
    wait_until(lambda: note.exists() or fetching.poll() is not None)
    assert fetching.poll() is None
    fetching.send_signal(signal.SIGINT)
    _, err = fetching.communicate(timeout=60)
    server.hold.set()
    assert fetching.returncode == 130
    assert "Traceback" not in err
    part = note.with_suffix("")
    asked = [f"bytes={part.stat().st_size}-"] if part.exists() else [None]
    assert main(argv) == 2  # zeros are no tensors
    assert server.asked[1:] == asked
    assert left() == []


def member(name, **other):
    info = tarfile.TarInfo(name)
    for key, value in other.items():
        setattr(info, key, value)
    return info


LINK = member("cifar-10-batches-py/link", type=tarfile.SYMTYPE, linkname="/etc/passwd")


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (member("../evil", size=3), "'../evil', which leads outside its folder: refused"),
        (member("a/../../evil"), "'a/../../evil', which leads outside"),
        (member("..\\evil"), r"'..\\evil', which leads outside"),
        (member("/etc/evil"), "'/etc/evil', which leads outside"),
        (member("C:/evil"), "'C:/evil', which leads outside"),
        (LINK, "'cifar-10-batches-py/link', a link or a device: refused"),
        (member("hard", type=tarfile.LNKTYPE, linkname="../x"), "'hard', a link or a device"),
        (member("null", type=tarfile.CHRTYPE), "'null', a link or a device"),
        (member("pipe", type=tarfile.FIFOTYPE), "'pipe', a link or a device"),
        (member("cifar-10-batches-py/test_batch", size=9), "test_batch' twice"),
        (member("zeros", size=5_000_000), "unpacks to more bytes than declared: refused"),
    ],
)
def test_an_archive_with_a_bad_member(tiny, monkeypatch, capsys, extra, message):
    monkeypatch.setattr(cifar10, "MAX_IN_ALL", 200_000)
    tiny.declare(tiny.archive([extra]))
    assert main(["data", "fetch", "cifar10", "--from", str(tiny.folder)]) == 2
    err = capsys.readouterr().err.splitlines()[-1]
    assert err.startswith(f"sigbench: error: cifar10: {NAME}: the archive ")
    assert message in err
    assert left() == []
    assert not (tiny.folder / "evil").exists()


def test_an_archive_that_is_none_or_is_cut_or_not_whole(tiny, monkeypatch):
    whole = tiny.archive()
    cut = [
        (whole[:-200], "cannot be read"),
        (b"not gzip", "cannot be read"),
        (b"", "cannot be read"),
    ]
    absent = tiny.archive(replaced=[("cifar-10-batches-py/test_batch", None)])
    for content, message in [*cut, (absent, "does not contain 'cifar-10-batches-py/test_batch'")]:
        tiny.declare(content)
        with pytest.raises(InputError, match=f"the archive {message}"):
            fetch("cifar10", str(tiny.folder))
        assert left() == []
    monkeypatch.setattr(cifar10, "MAX_IN_A_MEMBER", 100)
    tiny.declare(whole)
    with pytest.raises(InputError, match=r"_batch_1' with \d+ bytes: the limit is 100"):
        fetch("cifar10", str(tiny.folder))


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_holds_code(tiny, capsys, protocol):
    ran = tiny.folder / "ran"
    evil = pickle.dumps(Evil(ran), protocol)
    pickle.loads(evil)  # it does work
    assert ran.exists()
    ran.unlink()
    levels = tiny.levels(2)
    batch = evil[:-1] + b"0" + tiny.pickle(levels)[2:]  # code, and then the pictures
    tiny.declare(tiny.archive(replaced=[("cifar-10-batches-py/data_batch_3", batch)]))
    assert main(["data", "fetch", "cifar10", "--from", str(tiny.folder)]) == 2
    err = capsys.readouterr().err.splitlines()[-1]
    assert "the pickle contains code, " in err
    assert left() == []
    assert not ran.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p[:-9000], "the pickle cannot be read: "),
        (lambda p: b"\xff" + p, "the pickle cannot be read: at position 0, opcode"),
        (lambda p: b"N.", r"the pickle contains 0 arrays of 2 images instead of 1"),
        (lambda p: p[:-1] + b"0" + p[2:], r"the pickle contains 2 arrays of 2 images instead of 1"),
    ],
)
def test_a_pickle_that_is_not_as_it_must_be(tiny, change, message):
    with pytest.raises(InputError, match=message):
        cifar10._pictures_in(change(tiny.pickle(tiny.levels(2))))


def test_a_dataset_that_is_not_here_says_what_to_do(tiny):
    with pytest.raises(
        InputError, match=r"^cifar10 has not been fetched: run sigbench data fetch cifar10$"
    ):
        Cifar10().item("test", 1, 0)
    told = "^ee559 has not been fetched: run sigbench data fetch ee559 --from PATH_OR_URL$"
    with pytest.raises(InputError, match=told):
        Ee559().item("test", 1, 0)
    with pytest.raises(InputError, match=told):
        _ = Ee559().version


def test_damage_is_found_by_verify_and_when_it_is_read(tiny, capsys):
    tiny.declare(tiny.archive())
    fetch("cifar10", str(tiny.folder))
    path = data_folder() / "cifar10" / NAME
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert main(["data", "verify"]) == 1
    found = re.search(r"^damaged +cifar10: .*: md5 (\S+), not md5 ", capsys.readouterr().out, re.M)
    assert digest_of(path, "md5:").startswith(f"md5:{found[1]}")
    with pytest.raises(
        InputError, match=r"cifar10 is damaged: .*: run sigbench data fetch cifar10"
    ):
        Cifar10().item("train", 1, 0)


def test_recorded_pairs(tiny, capsys):
    import torch

    folder = tiny.pairs(tiny.folder / "pairs")
    assert main(["data", "fetch", "ee559", "--from", str(folder)]) == 0
    assert left() == ["hashes.json", "train_data.pkl", "val_data.pkl"]
    train, val = (torch.load(folder / name, weights_only=True) for name in ee559.PAIRS)
    problem = Denoising("course", Ee559(), Recorded(), items=3, train_items=3)
    (block,) = problem.blocks(1, 8)
    np.testing.assert_array_equal(block.noisy, val[0][1:].numpy())
    np.testing.assert_array_equal(block.clean, val[1][1:].numpy())
    assert block.sigma is None
    training = problem.training(sigma_given=True)
    seen = np.concatenate([training.pairs.noisy, training.validation.noisy])
    np.testing.assert_array_equal(seen, train[0].numpy())
    for target in ("clean", "noisy"):  # the other view in any case
        drawn = training.draw(5, np.random.default_rng(0), target=target)
        for noisy, other in zip(drawn.noisy, drawn.target, strict=True):
            (at,) = np.flatnonzero((train[0].numpy() == noisy).all(axis=(1, 2, 3)))
            np.testing.assert_array_equal(other, train[1][at].numpy())


def test_recorded_noise_needs_a_dataset_that_has_it(tiny):
    for dataset, noise in ((DATASETS["photos32"](), Recorded()), (Ee559(), Gaussian(sigma=1.0))):
        kinds = f"got {dataset.kind} and {noise.kind}"
        with pytest.raises(InputError, match=f"must be 'recorded' if the dataset has .*{kinds}"):
            Denoising("mine", dataset, noise, items=2)
    with pytest.raises(
        InputError, match=r"recorded: 3 channels must be an even number \(two views\)"
    ):
        Recorded()(np.ones((1, 3, 4, 4)), np.random.default_rng(0), peak=1.0)


def test_the_digests_of_a_copy_are_recorded(tiny, capsys):
    first, second = (tiny.pairs(tiny.folder / name) for name in ("first", "second"))
    fetch("ee559", str(first))
    before = Ee559().version
    assert all(": val_data.pkl is already here" in s or "train" in s for s in fetch("ee559"))
    fetch("ee559", str(first / "val_data.pkl"))
    assert Ee559().version == before
    assert {v.state for v in verify("ee559")} == {"good"}
    path = data_folder() / "ee559/val_data.pkl"
    path.write_bytes((second / "val_data.pkl").read_bytes())
    assert [v.state for v in verify()[-2:]] == ["good", "damaged"]
    fetch("ee559", str(second))
    assert {v.state for v in verify("ee559")} == {"good"}
    assert Ee559().version != before
    (data_folder() / "ee559/hashes.json").write_text('{"val_data.pkl": "md5:../x"}')
    assert [v.text for v in verify("ee559")] == ["no digest was recorded"] * 2
    path.unlink()
    assert main(["data", "verify"]) == 1


def tensors(count=3, dtype="uint8", shape=(3, 32, 32)):
    import torch

    return tuple(torch.zeros((count, *shape), dtype=getattr(torch, dtype)) for _ in range(2))


@pytest.mark.parametrize(
    ("held", "message"),
    [
        (lambda: (*tensors(), Evil("ran")), r"the pickle contains code, '\w+\.system': refused"),
        (lambda: (*tensors(), print), "the pickle contains code, '__builtin__.print': refused"),
        (lambda: tensors(dtype="float32"), r"torch.float32 and shape \(3, 3, 32, 32\)"),
        (lambda: tensors(count=4), r"shape \(4, 3, 32, 32\): it must be .*\(3, 3, 32, 32\)"),
        (lambda: tensors()[:1], "it must contain two tensors"),
        (lambda: tensors()[0], "it must contain two tensors"),
        (lambda: {"a": 1, "b": 2}, "it must contain two tensors"),
        (lambda: ("a", "b"), "it must contain two tensors"),
        (
            lambda: (tensors()[0].to_sparse(), tensors()[0]),
            "the pickle contains code, 'torch._utils",
        ),
        (lambda: tensors(count=500), r"has \d+ bytes, the limit is 1000000: refused"),
    ],
)
def test_a_torch_file_that_is_not_as_it_must_be(tiny, here, held, message):
    most = tuple(dataclasses.replace(file, most=1_000_000) for file in Ee559.source.files)
    tiny.monkeypatch.setattr(Ee559, "source", dataclasses.replace(Ee559.source, declared=most))
    folder = tiny.pairs(here / "pairs", train_data=held())
    with pytest.raises(InputError, match=message):
        fetch("ee559", str(folder))
    assert left() == []
    assert not (here / "ran").exists()


def zipped(content, compression=0):
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"nothing", "it is not a torch.save file"),
        (pickle.dumps(Evil("ran")), "it is not a torch.save file"),
        (zipped({"a/b": b""}), "it must contain one small data.pkl"),
        (zipped({"a/data.pkl": b"N.", "a/x": b"x"}, 8), "unpacks to more bytes than declared"),
        (zipped({"a/data.pkl": pickle.dumps(1, 4)}), "torch's safe loader rejects it"),
        (zipped({"a/data.pkl": pickle.dumps(Evil("ran"), 4)}), "the opcode STACK_GLOBAL: refused"),
    ],
)
def test_a_file_that_is_none_of_torchs(tiny, here, content, message):
    folder = tiny.pairs(here / "pairs")
    (folder / "train_data.pkl").write_bytes(content)
    with pytest.raises(InputError, match=message):
        fetch("ee559", str(folder))
    assert left() == []
    assert not (here / "ran").exists()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_torch_file_that_is_cut(tiny, here, share):
    folder = tiny.pairs(here / "pairs")
    whole = (folder / "train_data.pkl").read_bytes()
    (folder / "train_data.pkl").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match="or it is truncated"):
        fetch("ee559", str(folder))
    assert left() == []


def test_where_data_lie(monkeypatch, tmp_path):
    monkeypatch.setenv("SIGBENCH_DATA", str(tmp_path))
    assert Cifar10.source.folder == tmp_path / "cifar10"
    monkeypatch.delenv("SIGBENCH_DATA")
    assert data_folder().name == "sigbench"


def test_two_fetches_take_turns(tiny, monkeypatch, wait_until):
    from filelock import FileLock

    tiny.declare(tiny.archive())
    data_folder().mkdir()
    with FileLock(data_folder() / ".lock") as first:
        err = io.StringIO()
        monkeypatch.setattr("sys.stderr", err)
        second = threading.Thread(target=fetch, args=("cifar10", str(tiny.folder)))
        second.start()
        wait_until(lambda: "waiting for another fetch to finish" in err.getvalue())
        assert second.is_alive()
        assert left() == []
        first.release()
        second.join()
    assert left() == [NAME]


def test_many_files_are_summarized_but_each_damaged_one_is_named(tiny_speech, capsys, monkeypatch):
    monkeypatch.setattr("sigbench.cli.commands.data.MANY", 5)
    assert main(["data", "fetch", "esc10", "--from", str(tiny_speech.esc10())]) == 0
    assert re.fullmatch(r"esc10: 6 files are in \S+esc10\n", capsys.readouterr().out)
    assert main(["data", "verify", "esc10"]) == 0
    assert capsys.readouterr().out == "good     esc10: 6 of 6 files\n"
    name = "rain-1-10-A"
    next((data_folder() / "esc10").glob(f"{name}*")).write_bytes(b"changed")
    assert main(["data", "verify", "esc10"]) == 1
    damaged, good = capsys.readouterr().out.splitlines()
    assert damaged.startswith(f"damaged  esc10: {name}: sha256")
    assert good == "good     esc10: 5 of 6 files"
