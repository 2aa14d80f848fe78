"""`sigbench denoise` with several files, folders, streams, JSON and figures."""

import io
import json
import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from PIL import Image

from sigbench import GaussianBlur
from sigbench.cli.denoise import files
from sigbench.cli.denoise.missing import refine_missing
from sigbench.cli.main import main
from sigbench.core.media import read

TABLE = "t,x,y\n0,1.0,2.5\n1,3.5,4.0\n2,5.0,6.5\n3,1.0,9.5\n"


@pytest.fixture
def two(here):
    """Two tables in a folder."""
    (here / "in").mkdir()
    for name in ("a.csv", "b.csv"):
        (here / "in" / name).write_text(TABLE)
    return here


def denoise(*arguments, method="noisy"):
    return main(["denoise", *map(str, arguments), "-m", method])


def test_several_files_go_into_a_folder_and_keep_their_names(two, capsys):
    assert denoise("in/a.csv", "in/b.csv", "-o", "out") == 0
    assert sorted(p.name for p in two.joinpath("out").iterdir()) == ["a.csv", "b.csv"]
    assert (two / "out/a.csv").read_text() == TABLE
    err = capsys.readouterr().err.splitlines()
    assert err[-1] == "all 2 files are written to out"
    assert [line for line in err if line.startswith("out/a.csv: noisy, shape 2×1×4")]


def test_a_folder_stands_for_its_files_of_known_formats(two, capsys):
    (two / "in/notes.doc").write_text("notes")
    (two / "in/.hidden.csv").write_text("damaged")
    (two / "in/deeper").mkdir()
    (two / "in/deeper/c.csv").write_text(TABLE)
    soundfile.write("in/c.WAV", np.zeros(8), 8000, format="WAV")
    assert denoise("in", "-o", "out") == 0
    assert sorted(p.name for p in two.joinpath("out").iterdir()) == ["a.csv", "b.csv", "c.WAV"]
    assert "in: 2 others ignored: not of a known format" in capsys.readouterr().err


def test_one_file_into_a_folder(two):
    (two / "out").mkdir()
    assert denoise("in/a.csv", "-o", "out") == 0
    assert denoise("in/a.csv", "-o", f"new{os.sep}") == 0
    assert (two / "out/a.csv").read_text() == (two / "new/a.csv").read_text() == TABLE


def files_of(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["in/a.csv", "in/b.csv", "-o", "a.csv"], "OUT a.csv must be a folder for several files"),
        (["in/a.csv", "in/b.csv", "-o", "no/out"], "no is not a folder"),
        (["in/a.csv", "a.csv", "-o", "out"], "in/a.csv and a.csv have the same name"),
        (["in/a.csv", "in/a.csv", "-o", "out"], "in/a.csv and in/a.csv have the same name"),
        (["in", "-o", "in"], "in/a.csv is an input: it is never overwritten"),
        (["in", "-o", "in", "--force"], "in/a.csv is an input: it is never overwritten"),
        (["in", "-o", "links", "--force"], "links/b.csv is an input: it is never overwritten"),
        (["in", "-o", "same", "--force"], "would be written twice"),
        (["in", "-o", "old"], "old/a.csv and 1 more exist; use --force to replace them"),
        (["empty", "-o", "out"], "empty contains no files of a known format"),
        (["in", "-", "-o", "out"], "- (standard input) must be the only IN"),
        (["in", "-o", "-"], "- (standard output) takes one table, not several files"),
        (["in", "-o", "out", "--plot", "p.png"], "--plot p.png must be a folder for several files"),
        (["a.csv", "-o", "b.csv", "--plot", "p.jpg"], "p.jpg: a figure must be one of .png"),
        (["a.csv", "-o", "b.csv", "--plot", "no/p.png"], "no is not a folder"),
        (["a.csv", "-o", "b.csv", "--plot", "old.png"], "old.png exists; use --force"),
        (["a.npy", "-o", "b.npy", "--fill"], "--fill is for tables, not for a.npy"),
        (
            ["a.npy", "-o", "-"],
            "standard output must be of the same kind as a.npy: array, not table",
        ),
        (["a.csv", "-o", "b.csv", "--columns", ","], "--columns , must be names or numbers"),
        (["a.csv", "-o", "b.csv", "--delimiter", "xx"], "--delimiter xx must be one character"),
        (["a.csv", "-o", "-", "--json"], "--json and -o -: only one of them"),
        (["a.csv", "-o", "b.csv", "--sigma", "1", "--noise", "mad"], "give one of them"),
        (["a.csv", "-o", "b.csv", "--noise", "mda"], "did you mean 'mad'"),
    ],
)
def test_invalid_calls_write_nothing(two, capsys, arguments, message):
    for folder in ("old", "links", "same", "empty"):
        (two / folder).mkdir()
    (two / "a.csv").write_text(TABLE)
    (two / "old.png").write_bytes(b"old")
    np.save("a.npy", np.arange(8.0))
    for name in ("a.csv", "b.csv"):
        (two / "old" / name).write_text("old")
    (two / "links/b.csv").symlink_to(two / "in/a.csv")
    (two / "same/a.csv").symlink_to("b.csv")
    before = files_of(two)
    assert denoise(*arguments) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert err.count("\n") == 1
    assert out == ""
    assert files_of(two) == before
    assert not (two / "out").exists()


def test_hard_links_to_the_input_are_not_overwritten(two, capsys):
    os.link("in/a.csv", "b.csv")
    assert denoise("in/a.csv", "-o", "b.csv", "--force") == 2
    assert "b.csv is the input: it is never overwritten" in capsys.readouterr().err


def test_a_file_that_fails_does_not_stop_the_others(two, capsys):
    (two / "in/aa.csv").write_text("t,x\n1,2\n2,red\n3,4\n")
    (two / "in/absent.npy").symlink_to("nowhere")
    assert denoise("in", "-o", "out") == 2
    err = capsys.readouterr().err.splitlines()
    errors = [line for line in err if line.startswith("sigbench: error: ")]
    assert len(errors) == 2
    assert "in/aa.csv, line 3" in errors[0]
    assert "in/absent.npy: no such file" in errors[1]
    assert err[-1] == "2 of 4 files are written to out"
    assert sorted(p.name for p in two.joinpath("out").iterdir()) == ["a.csv", "b.csv"]


def test_a_method_that_fails_on_a_file_does_not_stop_the_others(two, capsys):
    np.save("in/c.npy", np.zeros((4, 4)))
    (two / "own_fails.py").write_text("def f(noisy):\n    return noisy + 1 / (noisy.ndim - 4)\n")
    assert denoise("in", "-o", "out", method="own_fails:f") == 2
    err = capsys.readouterr().err
    assert "sigbench: error: own_fails:f failed on c.npy: ZeroDivisionError" in err
    assert (two / "out/b.csv").exists()


def test_ctrl_c_keeps_the_finished_files(two, capsys, monkeypatch):
    denoise_job = files.denoise_job

    def interrupted(job, *arguments, **options):
        if job.name == "b.csv":
            raise KeyboardInterrupt
        return denoise_job(job, *arguments, **options)

    monkeypatch.setattr(files, "denoise_job", interrupted)
    assert denoise("in", "-o", "out", "--json") == 128 + signal.SIGINT
    out, err = capsys.readouterr()
    assert err.splitlines()[-1] == "interrupted: 1 of 2 files are written to out"
    result = json.loads(out)
    assert result["error"] == "interrupted"
    assert [record["in"] for record in result["files"]] == ["in/a.csv"]
    assert [p.name for p in two.joinpath("out").iterdir()] == ["a.csv"]


def test_the_method_is_loaded_once(two, capsys):
    (two / "own_once.py").write_text(
        "print('imported', flush=True)\n\n\ndef f(noisy):\n    return noisy\n"
    )
    command = [sys.executable, "-m", "sigbench", "denoise", "in", "-o", "out", "-m", "own_once:f"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.count("imported") <= 2  # here, and in the process that describes it


def test_a_sweep_is_refused_with_its_methods(two, capsys):
    assert denoise("in", "-o", "out", method="tv[lam=[1,2]]") == 2
    assert (
        "defines 2 methods, but denoise takes one, such as tv[lam=1] or tv[lam=2]"
        in capsys.readouterr().err
    )


def test_a_method_with_a_given_level_needs_one(two, capsys):
    assert denoise("in", "-o", "out", method="wavelet[sigma=given,wavelet=haar]") == 2
    assert "needs the noise level: use --sigma S or --sigma auto" in capsys.readouterr().err
    given = ["in/a.csv", "-o", "b.csv", "--sigma", "0.5"]
    assert denoise(*given, method="wavelet[sigma=given,wavelet=haar]") == 0
    assert denoise("in/a.csv", "-o", "c.csv", "--sigma", "0.5", method="wavelet[wavelet=haar]") == 0
    assert (two / "b.csv").read_text() == (two / "c.csv").read_text()


def test_json(two, capsys):
    (two / "in/c.csv").write_text("t,x\n1,2\n2,red\n3,4\n")
    call = ["in", "-o", "out", "--json", "--sigma", "0.5"]
    assert denoise(*call, method="wavelet[wavelet=haar]") == 2
    result = json.loads(capsys.readouterr().out)
    assert result["error"] is None
    a, b, c = result["files"]
    assert (a["in"], a["out"], b["in"]) == ("in/a.csv", "out/a.csv", "in/b.csv")
    assert a["method"] == "wavelet[wavelet=haar]"
    assert a["sigma"] == [0.5, 0.5]
    assert a["noise"] is None
    assert a["expected"] is None
    assert a["cautions"] == []
    assert a["seconds"] >= 0
    assert "in/c.csv, line 3" in c["error"]


def test_json_of_an_invalid_call(two, capsys):
    assert denoise("in", "-o", "out", "--json", method="waveley") == 2
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert result["files"] == []
    assert result["error"].startswith("unknown method 'waveley'")
    assert err.startswith("sigbench: error: unknown method")


def test_json_of_one_file_that_is_invalid(two, capsys):
    (two / "in/c.csv").write_text("t,x\n1,2\n2,red\n3,4\n")
    assert denoise("in/c.csv", "-o", "out.csv", "--json") == 2
    result = json.loads(capsys.readouterr().out)
    assert "in/c.csv, line 3" in result["error"]
    assert result["files"] == [
        {"in": "in/c.csv", "out": "out.csv", "plot": None, "error": result["error"]}
    ]


def test_json_names_the_choice_of_auto_so_that_it_can_be_used_again(here, capsys, rng):
    y = np.sin(np.arange(2000) / 50) + 0.1 * rng.standard_normal(2000)
    np.save("a.npy", y)
    assert denoise("a.npy", "-o", "b.npy", "--json", "--sigma", "0.1", method="auto") == 0
    (record,) = json.loads(capsys.readouterr().out)["files"]
    again = ["a.npy", "-o", "c.npy", "--sigma", str(record["sigma"][0])]
    assert denoise(*again, method=record["method"]) == 0
    np.testing.assert_array_equal(np.load("b.npy"), np.load("c.npy"))


def test_a_noise_estimator_by_name_equals_the_wrapper(here, capsys, rng):
    np.save("a.npy", np.sin(np.arange(500) / 20) + 0.1 * rng.standard_normal(500))
    assert denoise("a.npy", "-o", "b.npy", "--noise", "mad", "--json", method="local-wiener") == 0
    (record,) = json.loads(capsys.readouterr().out)["files"]
    assert record["method"] == "with-noise[method=local-wiener,noise=mad]"
    assert record["noise"] == {"estimator": "mad", "level": [pytest.approx(0.1, rel=0.2)]}
    assert record["sigma"] is None
    assert denoise("a.npy", "-o", "c.npy", method=record["method"]) == 0
    np.testing.assert_array_equal(np.load("b.npy"), np.load("c.npy"))
    assert not np.array_equal(np.load("a.npy"), np.load("b.npy"))


@pytest.mark.parametrize("dtype", ["int64", "uint64", "float16", ">i8", ">f2", "int8"])
def test_arrays_of_other_types_keep_them(here, rng, dtype):
    values = rng.integers(0, 100, 50).astype(dtype)
    np.save("a.npy", values)
    assert denoise("a.npy", "-o", "b.npy") == 0
    out = np.load("b.npy")
    assert out.dtype == values.dtype
    np.testing.assert_array_equal(out, values)
    assert denoise("a.npy", "-o", "b.npy", "--force", method="gaussian-blur[width=2]") == 0
    assert np.load("b.npy").dtype == values.dtype
    assert not np.array_equal(np.load("b.npy"), values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([2**53 + 1]), "contains 9007199254740993: integers must be within ±2^53"),
        (np.array([True]), "dtype bool: it must be float16, float32, float64 or an integer type"),
        (np.zeros((8, 9, 3)), "has shape (8, 9, 3)"),
        (np.zeros((8, 9, 3)), "save a color image as PNG or TIFF"),
        (np.zeros((3, 8, 9)), "save a color image as PNG or TIFF, with the channels last"),
        (np.zeros((1, 1, 9)), "save a signal with shape (9,)"),
        (np.zeros((5, 1, 9)), "save several signals as the columns of a CSV file"),
        (np.array(3.0), "has shape ()"),
    ],
)
def test_other_arrays_are_refused_with_what_to_do(here, capsys, values, message):
    np.save("a.npy", values)
    assert denoise("a.npy", "-o", "b.npy") == 2
    assert message in capsys.readouterr().err
    assert not (here / "b.npy").exists()


@pytest.mark.parametrize("name", ["A.CSV", "a b.csv", "Größe µ.csv", "-a.csv", "-", "a.b.csv"])
def test_names_of_any_kind(here, name):
    name = "-.csv" if name == "-" else name
    (here / name).write_text(TABLE)
    assert main(["denoise", f"--out=out{name}", "-m", "noisy", "--", name]) == 0
    assert main(["denoise", f"--out={name}x.csv", "-m", "noisy", "--", name]) == 0
    assert (here / f"out{name}").read_text() == (here / f"{name}x.csv").read_text() == TABLE


def test_a_suffix_of_the_same_family(here, rng):
    values = rng.integers(0, 256, (9, 7), dtype=np.uint8)
    Image.fromarray(values).save("a.png")
    assert denoise("a.png", "-o", "b.TIFF") == 0
    with Image.open("b.TIFF") as out:
        np.testing.assert_array_equal(np.asarray(out), values)


@pytest.fixture
def streams(monkeypatch):
    """Standard input and output of bytes."""

    def use(data):
        found = SimpleNamespace(out=io.BytesIO())
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(found.out, write_through=True))
        return found

    return use


def test_standard_input_to_standard_output(here, streams, capsys):
    data = "t;µ\r\n0;1,5\r\n1;2,5\r\n2;0,5\r\n".encode("latin-1")
    found = streams(data)
    assert denoise("-", "-o", "-") == 0
    assert found.out.getvalue() == data
    assert "standard output: noisy, shape 1×1×3" in capsys.readouterr().err


def test_standard_input_to_a_file_and_a_file_to_standard_output(here, streams):
    (here / "a.csv").write_text(TABLE)
    streams(TABLE.encode())
    assert denoise("-", "-o", "b.csv") == 0
    assert (here / "b.csv").read_text() == TABLE
    found = streams(b"")
    assert denoise("b.csv", "-o", "-", method="auto") == 0
    assert found.out.getvalue().startswith(b"t,x,y\n0,")
    assert denoise("-", "-o", "c.csv") == 2


def test_a_reader_that_ends_early_is_no_traceback(here):
    rows = "".join(f"{i}.5,{i % 7}.5\n" for i in range(200_000))
    (here / "a.csv").write_text(rows)
    command = f"{sys.executable} -m sigbench denoise - -o - -m noisy < a.csv | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert done.stdout == "0.5,0.5\n"
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def table(positions, values):
    rows = zip(positions, values, strict=True)
    return "t,x\n" + "".join(f"{t:.3f},{'' if np.isnan(x) else f'{x:.6f}'}\n" for t, x in rows)


def column(path):
    return np.genfromtxt(path, delimiter=",", skip_header=1)[:, 1]


@pytest.mark.parametrize("method", ["gaussian-blur[width=3]", "auto"])
def test_missing_samples_stay_missing_or_are_filled_by_the_method(here, rng, method, capsys):
    clean = np.sin(np.arange(300) / 15)
    noisy = clean + 0.1 * rng.standard_normal(300)
    noisy[100:110] = np.nan
    (here / "a.csv").write_text(table(np.arange(300), noisy))
    assert denoise("a.csv", "-o", "b.csv", method=method) == 0
    assert denoise("a.csv", "-o", "c.csv", "--fill", method=method) == 0
    stays, filled = column("b.csv"), column("c.csv")
    assert np.isnan(stays).sum() == np.isnan(stays[100:110]).sum() == 10
    np.testing.assert_array_equal(stays[:100], filled[:100])
    assert np.abs(filled - clean).max() < 0.2
    if method != "auto":
        content = read(here / "a.csv")
        wanted = refine_missing(GaussianBlur(3.0), content.batch, content.missing)[0, 0]
        np.testing.assert_allclose(filled, wanted, atol=1e-6)  # the digits of the table


def test_samples_on_both_sides_of_a_long_gap_are_not_neighbors(here):
    positions = np.arange(600.0)
    positions[300:] += 100
    steps = np.repeat([1.0, 5.0], 300)
    (here / "a.csv").write_text(table(positions, steps + 0.001 * np.sin(np.arange(600))))
    assert denoise("a.csv", "-o", "b.csv", method="gaussian-blur[width=6]") == 0
    np.testing.assert_allclose(column("b.csv"), steps, atol=0.001)
