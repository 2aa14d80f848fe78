"""Ordinary CSV files: read as they are, and given back as they were."""

import csv
from dataclasses import dataclass

import numpy as np
import pytest

from sigbench import GaussianBlur, InputError
from sigbench.cli.denoise.file import denoise_file
from sigbench.core.cautions import cautions
from sigbench.core.media import TableOptions, read, read_table_bytes
from sigbench.core.media.table import lines

VALUES = (1.5, 2.25, -3.125, 4.0, 5.5, 0.25, 7.75, 2.0, 1.0, 3.5, 9.25, 2.5)
N = len(VALUES)
COUNTS = (15, 22, 31, 40, 55, 2, 77, 20, 10, 35, 92, 25)


@dataclass(frozen=True)
class Case:
    """A file, and how it must be understood.

    ``denoised`` are the columns that change, ``head`` and ``tail`` the numbers of lines around the
    rows, and ``fs`` the sampling rate.
    """

    id: str
    text: str
    note: str
    denoised: tuple[int, ...] = (1,)
    mark: str = ","
    head: int = 1
    tail: int = 0
    fs: float | None = None
    encoding: str = "utf-8"
    decimal: str = "."
    options: TableOptions | None = None

    @property
    def data(self):
        return self.text.encode(self.encoding)


def rows(axis, *columns, mark=",", end="\n", form="{:.3f}", decimal="."):
    """Return the lines of a table; the columns are multiples of VALUES."""
    made = []
    for at, value in zip(axis, VALUES, strict=True):
        cells = [form.format(k * value).replace(".", decimal) for k in columns or (1,)]
        made.append(mark.join([str(at), *cells]))
    return end.join(made) + end


def seconds(form="2024-03-01 12:00:{:02d}"):
    return [form.format(i) for i in range(N)]


def tenths(decimal="."):
    return [f"{i / 10:.1f}".replace(".", decimal) for i in range(N)]


NUMBERS = list(map(str, range(N)))
CASES = [
    Case("iso dates", "date,a,b\n" + rows(seconds(), 1, 2), "axis: date, 1 Hz", (1, 2), fs=1),
    Case(
        "iso dates with a zone",
        "when,a\n" + rows(seconds("2024-03-01T12:00:{:02d}.500Z")),
        "axis: when, 1 Hz",
        fs=1,
    ),
    Case(
        "iso dates with an offset",
        "when,a\n" + rows(seconds("2024-03-01T12:00:{:02d}+01:00")),
        "axis: when, 1 Hz",
        fs=1,
    ),
    Case(
        "dates with slashes",
        "Date,a\n" + rows([f"03/{i + 1:02d}/2024 6:00 PM" for i in range(N)]),
        "axis: Date, every 1 d",
        fs=1 / 86400,
    ),
    Case(
        "date and time in two columns",
        "Datum;Zeit;a\n" + rows(seconds("01.03.2024;12:00:{:02d}"), mark=";", decimal=","),
        "axis: Datum and Zeit, 1 Hz; 1 column denoised; decimal comma",
        (2,),
        ";",
        fs=1,
        decimal=",",
    ),
    Case(
        "nanoseconds",
        "timestamp,a\n" + rows([1700000000123456789 + 2_000_000 * i for i in range(N)]),
        "axis: timestamp [ns], 500 Hz",
        fs=500,
    ),
    Case(
        "milliseconds in the name",
        "time_ms,a\n" + rows([20 * i for i in range(N)]),
        "axis: time_ms [ms], 50 Hz",
        fs=50,
    ),
    Case(
        "repeated stamps",
        "time [s],a\n" + rows([i // 3 for i in range(N)]),
        "axis: time [s], 3 Hz",
        fs=3,
    ),
    Case(
        "gaps",
        "time [s],a\n" + rows([i + (i > 3) + 5 * (i > 8) for i in range(N)]),
        "axis: time [s], 1 Hz, 2 gaps",
        fs=1,
    ),
    Case(
        "jitter",
        "t (s),a\n" + rows([f"{i + 0.2 * (-1) ** i:.1f}" for i in range(N)]),
        "axis: t [s], uneven spacing, 0.6 to 1.4 s",
        fs=None,
    ),
    Case(
        "decimal commas and semicolons",
        "t [s];a;b\n" + rows(tenths(","), 1, 2, mark=";", decimal=","),
        "axis: t [s], 10 Hz; 2 columns denoised; decimal comma",
        (1, 2),
        ";",
        fs=10,
        decimal=",",
    ),
    Case(
        "decimal commas and tabs",
        "t [s]\ta\n" + rows(tenths(","), mark="\t", decimal=","),
        "axis: t [s], 10 Hz; 1 column denoised; decimal comma",
        mark="\t",
        fs=10,
        decimal=",",
    ),
    Case(
        "one column with decimal commas",
        "value\n" + "".join(f"{v:.2f}\n".replace(".", ",") for v in VALUES),
        "no axis; 1 column denoised; decimal comma",
        (0,),
        ";",
        decimal=",",
    ),
    Case(
        "several header lines and units",
        "Device,X1\nRun,5\n\ntime,a,b\ns,V,mV\n" + rows(NUMBERS, 1, 2),
        "axis: time [s], 1 Hz",
        (1, 2),
        head=5,
        fs=1,
    ),
    Case(
        "a header with quoted line ends",
        '"Time\n[s]","Temp\n[°C]"\n' + rows(NUMBERS),
        "axis: Time [s], 1 Hz",
        head=3,
        fs=1,
    ),
    Case(
        "comments",
        "# made by a, b\n% c\nt,a\n" + rows(NUMBERS) + "# end\n\n// bye\n",
        "axis: t, step 1",
        head=3,
        tail=3,
    ),
    Case("names in a comment", "# time,a\n" + rows(NUMBERS), "axis: time, step 1"),
    Case(
        "trailing delimiters",
        "t,a,\n" + rows(NUMBERS).replace("\n", ",\n"),
        "axis: t, step 1; 1 column denoised",
    ),
    Case(
        "aligned at the right",
        "    t       a         b\n"
        + "".join(f"{i / 2:8.2f}{v:10.3f}{100 * v:12.4f}\n" for i, v in enumerate(VALUES)),
        "axis: t, step 0.5",
        (1, 2),
        " ",
    ),
    Case(
        "aligned at the left",
        "".join(f"{i / 2:<8.2f}{v:<10.3f}{100 * v:<12.4f}\n" for i, v in enumerate(VALUES)),
        "axis: column 1, step 0.5",
        (1, 2),
        " ",
        head=0,
    ),
    Case(
        "Latin-1 and CRLF",
        "t [s];Größe [µm]\r\n" + rows(NUMBERS, mark=";", end="\r\n"),
        "axis: t [s], 1 Hz; 1 column denoised; read as Windows-1252",
        mark=";",
        fs=1,
        encoding="latin-1",
    ),
    Case("UTF-16", "t,Größe\n" + rows(NUMBERS), "axis: t, step 1", encoding="utf-16"),
    Case(
        "UTF-16 without mark",
        "t,a\n" + rows(NUMBERS),
        "axis: t, step 1; 1 column denoised; read as UTF-16",
        encoding="utf-16-be",
    ),
    Case("UTF-8 with mark", "t,Größe\n" + rows(NUMBERS), "axis: t, step 1", encoding="utf-8-sig"),
    Case(
        "quoted names and numbers",
        '"t, in s","a"\n' + "".join(f'"{i}","{v:.2f}"\n' for i, v in enumerate(VALUES)),
        "axis: t, in s [s], 1 Hz",
        fs=1,
    ),
    Case(
        "quoted decimal commas",
        '"t","a"\n' + "".join(f'"{i}","{v:.2f}"\n'.replace(".", ",") for i, v in enumerate(VALUES)),
        "axis: t, step 1; 1 column denoised; decimal comma",
        decimal=",",
    ),
    Case(
        "missing samples",
        "t,a\n" + rows(NUMBERS, form="{:.2f}").replace("0.25", "").replace("-3.12", "n/a"),
        "axis: t, step 1; 1 column denoised; 2 missing samples stay missing",
    ),
    Case(
        "missing markers",
        "t;a\n" + rows(NUMBERS, mark=";").replace("4.000", "NaN").replace("9.250", "-"),
        "axis: t, step 1; 1 column denoised; 2 missing samples stay missing",
        mark=";",
    ),
    Case(
        "integers",
        "t,counts\n" + "".join(f"{i},{v}\n" for i, v in enumerate(COUNTS)),
        "axis: t, step 1; 1 column denoised",
    ),
    Case(
        "thousands",
        "t;a\n" + "".join(f"{i};{v * 1e3:,.2f}\n" for i, v in enumerate(VALUES)),
        "axis: t, step 1; 1 column denoised; thousands separated by ','",
        mark=";",
    ),
    Case(
        "thousands with spaces",
        "t;a\n"
        + "".join(f"{i};{v * 1e3:,.2f}\n".replace(",", "\u202f") for i, v in enumerate(VALUES)),
        "axis: t, step 1; 1 column denoised; thousands separated by spaces",
        mark=";",
    ),
    Case("exponents", "t,a\n" + rows(NUMBERS, 1e-7, form="{:.4E}"), "axis: t, step 1"),
    Case(
        "exponents of three digits",
        "t,a\n" + rows(NUMBERS, 1e5, form="{:.4e}").replace("e+", "e+0").replace("e-", "e-0"),
        "axis: t, step 1",
    ),
    Case(
        "exponents of Fortran",
        "t,a\n" + rows(NUMBERS, 1e5, form="{:.4E}").replace("E", "D"),
        "axis: t, step 1",
    ),
    Case("full precision", "t,a\n" + rows(NUMBERS, 1 / 7e4, form="{!r}"), "axis: t, step 1"),
    Case("CR", "t,a\r" + rows(NUMBERS, end="\r"), "axis: t, step 1"),
    Case("no final line end", "t,a\n" + rows(NUMBERS).rstrip(), "axis: t, step 1"),
    Case(
        "mixed line ends",
        "t,a\r\n" + rows(NUMBERS).replace("2.250\n", "2.250\r\n"),
        "axis: t, step 1",
    ),
    Case(
        "a status",
        "t,status,a\n" + rows([f"{i},{'OK' if i % 3 else 'E 5'}" for i in range(N)]),
        "axis: t, step 1; 1 column denoised, status copied",
        (2,),
    ),
    Case("one column", "".join(f"{v}\n" for v in VALUES), "no axis", (0,), head=0),
    Case("names of some columns", ",a,\n" + rows(NUMBERS, 1, 2), "axis: column 1, step 1", (1, 2)),
    Case(
        "a file of pandas without names", ",0,1\n" + rows(NUMBERS, 1, 2), "axis: column 1", (1, 2)
    ),
    Case(
        "a file of R",
        '"a","b"\n' + rows([f'"{i}"' for i in range(N)], 1, 2),
        "axis: column 1, step 1",
        (1, 2),
    ),
    Case("a file of Excel", "sep=;\nt;a\n" + rows(NUMBERS, mark=";"), "axis: t", mark=";", head=2),
    Case("bars", "t|a\n" + rows(NUMBERS, mark="|"), "axis: t, step 1", mark="|"),
    Case("spaces after commas", "t, a\n" + rows(NUMBERS, mark=", "), "axis: t, step 1"),
    Case("signs", "t,a\n" + rows(NUMBERS, form="{:+.2f}"), "axis: t, step 1"),
    Case(
        "a falling axis",
        "wavelength [nm],a\n" + rows([700.5 - i / 2 for i in range(N)]),
        "axis: wavelength [nm], step 0.5",
    ),
    Case(
        "a counter beside the axis",
        "time [s],sample,a\n" + rows([f"{i / 4:.2f},{i}" for i in range(N)]),
        "axis: time [s], 4 Hz; 1 column denoised, sample copied",
        (2,),
        fs=4,
    ),
    Case(
        "a growing measurement",
        "t,energy\n" + "".join(f"{i},{3 * i + v % 2.9:.2f}\n" for i, v in enumerate(VALUES)),
        "axis: t, step 1; 1 column denoised; energy only increases, but is no axis (--axis)",
    ),
    Case(
        "a growing measurement in the first column",
        "energy [kWh],a\n" + "".join(f"{3 * i + v % 2.9:.2f},{v}\n" for i, v in enumerate(VALUES)),
        "no axis; 2 columns denoised; energy only increases, but is no axis (--axis)",
        (0, 1),
    ),
    Case(
        "names of months",
        "Date,a\n" + rows([f"{i + 1:02d}-Mar-2024" for i in range(N)]),
        "axis: Date, every 1 d",
        fs=1 / 86400,
    ),
    Case(
        "a counter that starts again",
        "t,seq,a\n" + "".join(f"{i},{(i + 9) % 16},{v}\n" for i, v in enumerate(VALUES)),
        "axis: t, step 1; 1 column denoised, seq copied",
        (2,),
    ),
    Case(
        "a date in several columns",
        "Year,Month,Day,a\n"
        + "".join(f"2024,{1 + i // 9},{1 + 3 * (i % 9)},{v}\n" for i, v in enumerate(VALUES)),
        "no axis; 1 column denoised, Year, Month, Day copied",
        (3,),
    ),
    Case(
        "a logger that writes TOA5",
        '"TOA5","CR1000X","CPU:a.CR1X"\n"TIMESTAMP","RECORD","Temp"\n"TS","RN","Deg C"\n'
        + '"","","Avg"\n'
        + "".join(f'"2024-03-01 00:00:{i:02}",{i},{v}\n' for i, v in enumerate(VALUES)),
        "axis: TIMESTAMP, 1 Hz; 1 column denoised, RECORD copied",
        (2,),
        head=4,
        fs=1.0,
    ),
    Case(
        "dates as numbers",
        "date,a\n" + "".join(f"{20240224 + i + 71 * (i > 5)},{v}\n" for i, v in enumerate(VALUES)),
        "axis: date, every 1 d; 1 column denoised",
        fs=1 / 86400,
    ),
    Case(
        "aligned names with units",
        "Time (s)  Force (N)\n"
        + "".join(f"{i / 10:8.1f} {v:10.3f}\n" for i, v in enumerate(VALUES)),
        "axis: Time [s], 10 Hz; 1 column denoised",
        mark=" ",
        fs=10.0,
    ),
    Case(
        "seconds of an oscilloscope",
        "Second,Volt\n" + "".join(f"{i * 1e-3:.6f},{v}\n" for i, v in enumerate(VALUES)),
        "axis: Second [second], 1 kHz; 1 column denoised",
        fs=1000.0,
    ),
    Case(
        "named columns",
        "t,a,b\n" + rows(NUMBERS, 1, 2),
        "axis: t, step 1; 1 column denoised, a copied",
        (2,),
        options=TableOptions(columns=("b",)),
    ),
    Case(
        "no axis",
        "a,b\n" + "".join(f"{i**2}.5,{v}\n" for i, v in enumerate(VALUES)),
        "no axis; 2 columns denoised",
        (0, 1),
        options=TableOptions(axis="none"),
    ),
]
BY_ID = pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])


def cells(case, data):
    """Return the lines around the rows of a file, and the cells of its rows."""
    text = data.decode(case.encoding)
    all_lines = text.splitlines(keepends=True)
    body = all_lines[case.head : len(all_lines) - case.tail]
    if case.mark == " ":
        table = [line.split() for line in body]
    else:
        table = list(csv.reader((line.rstrip("\r\n") for line in body), delimiter=case.mark))
    return all_lines[: case.head] + all_lines[len(all_lines) - case.tail :], np.array(table).T


def numbers(texts, decimal):
    other = {",": ".", ".": ","}[decimal]
    plain = (t.strip().replace(other, "").replace("\u202f", "").replace("D", "E") for t in texts)
    return np.array([float(t.replace(decimal, ".")) for t in plain])


@BY_ID
def test_what_is_read(case):
    content = read_table_bytes(case.data, "a.csv", case.options)
    assert content.notes[0].startswith(case.note)
    assert content.batch.shape == (len(case.denoised), 1, N)
    assert content.fs == (None if case.fs is None else pytest.approx(case.fs))
    assert (content.domain, content.peak) == ("signal", None)


@BY_ID
def test_the_same_values_give_the_same_bytes(case):
    content = read_table_bytes(case.data, "a.csv", case.options)
    assert content.encode(content.batch.copy(), ".csv") == case.data


@BY_ID
def test_only_the_values_change(case):
    content = read_table_bytes(case.data, "a.csv", case.options)
    estimate = GaussianBlur(1.0)(content.batch)
    with cautions():
        written = content.encode(estimate, ".csv")
    (around, before), (same, after) = cells(case, case.data), cells(case, written)
    assert around == same
    assert before.shape == after.shape
    missing = np.zeros((len(case.denoised), N), bool)
    if content.missing is not None:
        missing = content.missing[:, 0]
    for k in range(len(before)):
        if k not in case.denoised:
            np.testing.assert_array_equal(before[k], after[k])
            continue
        i = case.denoised.index(k)
        hole = missing[i]
        np.testing.assert_array_equal(before[k][hole], after[k][hole])
        assert (before[k][~hole] != after[k][~hole]).mean() > 0.5
        found = numbers(after[k][~hole], case.decimal)
        decimals = max(len(t.strip().rpartition(case.decimal)[2]) for t in before[k][~hole])
        step = 1.0 if case.id == "integers" else 10.0**-decimals
        if "E" in "".join(after[k]).upper() or "D" in "".join(after[k]):
            step = 1e-3 * np.abs(found).max()
        np.testing.assert_allclose(found, estimate[i, 0, ~hole], rtol=0, atol=0.501 * step)


def test_the_width_of_aligned_columns_is_kept():
    (case,) = (case for case in CASES if case.id == "aligned at the right")
    content = read_table_bytes(case.data, "a.csv")
    written = content.encode(content.batch / 3, ".csv").splitlines()
    assert {len(line) for line in written[1:]} == {30}
    assert written[1] == b"    0.00     0.500     50.0000"


def test_files_are_given_back_by_the_command(here):
    for case in CASES[::5]:
        (here / "a.csv").write_bytes(case.data)
        if case.options is None:
            denoise_file(here / "a.csv", here / "b.csv", "noisy", force=True)
            assert (here / "b.csv").read_bytes() == case.data


def test_missing_samples_are_interpolated_and_missing_again():
    data = b"a,b\n1,5.0\n,\nNA,null\n4,8.0\n2,\n"
    content = read_table_bytes(data, "a.csv")
    np.testing.assert_allclose(content.batch[:, 0], [[1, 2, 3, 4, 2], [5, 6, 7, 8, 8]])
    np.testing.assert_array_equal(content.missing[:, 0], [[0, 1, 1, 0, 0], [0, 1, 1, 0, 1]])
    assert content.encode(content.batch + 1, ".csv") == b"a,b\n2,6.0\n,\nNA,null\n5,9.0\n3,\n"
    filled = read_table_bytes(data, "a.csv", TableOptions(fill=True))
    expected = b"a,b\n2,6.0\n3,7.0\n4,8.0\n5,9.0\n3,9.0\n"
    assert filled.encode(filled.batch + 1, ".csv") == expected


def test_missing_samples_are_interpolated_along_the_axis():
    content = read_table_bytes(b"time [s],a\n0.00,0.0\n1.00,\n3.00,3.0\n4.00,4.0\n", "a.csv")
    np.testing.assert_allclose(content.batch[0, 0], [0, 1, 3, 4])
    np.testing.assert_allclose(content.positions, [0, 1, 3, 4])


def test_whole_numbers_are_rounded_to_the_nearest_and_it_is_said():
    content = read_table_bytes(b"t,a\n0,10\n1,-12\n2,17\n", "a.csv")
    assert content.notes[1] == "a has whole numbers: the result is rounded to them"
    with cautions() as found:
        out = content.encode(content.batch + np.array([0.6, -0.6, 0.4]), ".csv")
    assert out == b"t,a\n0,11\n1,-13\n2,17\n"
    (caution,) = found or ("",)
    assert "column a is written with whole numbers" in caution


def test_tabs_between_cells_of_one_width_are_kept():
    rows = "".join(f"{i}.0\t{i % 4 + 5}.25\t{9 - i}.50\n" for i in range(9))
    content = read_table_bytes(f"t\ta\tb\tcomment\n{rows}".encode(), "a.txt")
    written = content.encode(content.batch[:, :, ::-1], ".txt")
    assert written.count(b"\t") == 3 + 2 * 9


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("t,a\n0,0042\n1,1042\n2,0007\n", "t,a\n0,0044\n1,1044\n2,0009\n"),
        ("t ; a ; b\n0 ; 4.5 ; 1\n1 ; 6.5 ; 5\n", "t ; a ; b\n0 ; 6.5 ; 3\n1 ; 8.5 ; 7\n"),
    ],
)
def test_zeros_in_front_and_spaces_around_are_kept(table, expected):
    content = read_table_bytes(table.encode(), "a.csv")
    assert content.encode(content.batch + 2, ".csv").decode() == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([20.5, -9999, 21.5, -9999, 20.0], "column a is -9999 in 2 samples, far from all others"),
        ([20.5, 999.9, 21.5, 19.0, 20.0], "column a is 999.9 in 1 sample, far from all others"),
        ([90.5, 99.0, 91.5, 95.5, 93.0], None),
        ([20.5, 850.0, 21.5, 19.0, 20.0], None),
        ([0, 1, 1, 0] * 5, "column a has only 2 different values: if it is a state"),
        ([3] * 20, None),
    ],
)
def test_markers_and_states_that_were_taken_for_data_are_named(values, expected):
    table = "t,a\n" + "".join(f"{i},{value}\n" for i, value in enumerate(values))
    content = read_table_bytes(table.encode(), "a.csv")
    with cautions() as found:
        content.encode(content.batch + 3, ".csv")
    assert [text[: len(expected or "")] for text in found] == ([expected] if expected else [])


def test_a_time_beside_a_column_without_values_is_not_denoised():
    with pytest.raises(InputError, match="no column to denoise beside the axis t"):
        read_table_bytes(b"t,a\n0,NaN\n1,NaN\n2,NaN\n", "a.csv")


def test_there_is_no_minus_zero():
    content = read_table_bytes(b"a\n0.50\n-0.50\n1.50\n", "a.csv")
    assert content.encode(content.batch * 1e-3, ".csv") == b"a\n0.00\n0.00\n0.00\n"


def test_a_column_of_time_is_never_denoised_even_out_of_order():
    content = read_table_bytes(b"time,a\n3,1.5\n1,2.5\n2,3.5\n", "a.csv")
    assert content.notes[0].startswith("axis: time, not in order; 1 column denoised")
    assert content.fs is None


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (
            "1,5\n2,7\n",
            {},
            "'1,5' is one number with a decimal comma, or two whole numbers: use --",
        ),
        ("a,b\n1,5,2,5\n2,7,3,1\n", {}, "a.csv has 2 names, but 4 cells in a line: in '1,5,2,5'"),
        ("t,a\n0,ERR\n1,5.5\n2,1.5\n", {}, "a.csv, line 2: 'ERR' is not a number"),
        ("t,a\n0,1.5\n1,x\n2,1.5\n", {}, "a.csv, line 3: 'x' is not a number; --columns names"),
        ("t,a\n0,1.5\n1,1,5\n", {}, "a.csv, line 3: 3 cells instead of 2"),
        (
            "a,b\n0,1\n3,2\n",
            {"columns": ("c",)},
            "columns='c' is not a column of a.csv: one of a, b,",
        ),
        ("a,b\n0,1\n3,2\n", {"columns": ("3",)}, "or a number from 1 to 2"),
        ("a,a\n0,1\n3,2\n", {"columns": ("a",)}, "a.csv has several such columns: 1, 2"),
        ("a,b\n0,1\n3,2\n", {"axis": "t"}, "axis='t' is not a column of a.csv: one of a, b,"),
        ("a,s\n0,x\n3,y\n", {"axis": "s"}, "axis=s has neither numbers nor dates"),
        (
            "a,b\n0,1\n3,2\n",
            {"axis": "a", "columns": ("a",)},
            "columns=a is the axis, which is not",
        ),
        ("a,s\n0,x\n3,y\n", {"columns": ("s",)}, "line 2: 'x' is not a number"),
        ("a,s\n0,\n3,\n", {"columns": ("s",)}, "columns=s has no numbers in a.csv"),
        ("a,b\n0,1\n3,2\n", {"delimiter": "no"}, "delimiter='no' must be one character, such as"),
        ("a,b\n0,1\n3,2\n", {"delimiter": "1"}, "delimiter='1' must be one character, such as"),
        (
            "a,b\n0.0,1\n3.0,2\n",
            {"delimiter": ";"},
            "a.csv contains no column of numbers with the del",
        ),
        ("t,a\n0,1%\n1,2%\n2,3%\n", {}, "a.csv has no column to denoise beside the axis t; --axis"),
        ("date,a\n2024-01-01,x\n2024-01-02,y\n", {}, "a.csv contains no column of numbers"),
        ('t,a\n0,1\n1,"2\n', {}, "a.csv, line 3 cannot be read: a quote is not closed"),
        ("", {}, "a.csv is empty"),
    ],
)
def test_what_cannot_be_read_is_refused(text, options, message):
    with pytest.raises(InputError) as error:
        read_table_bytes(text.encode(), "a.csv", TableOptions(**options))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("delimiter", "expected"), [(";", [[1.5, 2.7]]), (",", [[5.0, 7.0]]), ("comma", [[5.0, 7.0]])]
)
def test_a_given_delimiter_decides(delimiter, expected):
    text = b"1,5\n2,7\n" if delimiter == ";" else b"x,a\n1,5\n2,7\n"
    content = read_table_bytes(text, "a.csv", TableOptions(delimiter=delimiter, axis=None))
    np.testing.assert_allclose(content.batch[-1:, 0], expected)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("v\n1,05\n2,70\n", 1),  # one name
        ("1,05\n2,70\n", 1),  # a leading zero
        ("a,b\n1,5\n2,7\n", 2),  # two names
        ("1,5\n2,-7\n", 2),  # a sign
        ("1,5\n2,\n", 2),  # a missing sample
        ("".join(f"{i},{i * i % 7}\n" for i in range(9)), 1),  # 0, 1, 2 ...: an index
    ],
)
def test_the_meaning_of_a_comma_by_evidence(text, columns):
    content = read_table_bytes(text.encode(), "a.csv", TableOptions(axis=None))
    assert len(content.batch) == columns or content.notes[0].startswith("axis")
    assert ("decimal comma" in content.notes[0]) == (text in ("v\n1,05\n2,70\n", "1,05\n2,70\n"))


def test_options_of_tables_are_refused_for_other_files(here):
    np.save("a.npy", np.ones(4))
    assert read(here / "a.npy", TableOptions()).batch.shape == (1, 1, 4)
    with pytest.raises(InputError, match="the option axis is for tables"):
        read(here / "a.npy", TableOptions(axis="t"))


def test_a_table_with_missing_samples_is_no_clean_data(here):
    from sigbench.datasets import Folder

    (here / "data").mkdir()
    (here / "data" / "a.csv").write_text("a\n1.5\n\n2.5\nnan\n")
    with pytest.raises(InputError, match=r"a\.csv has 1 missing samples, the first at index"):
        Folder("data", peak=1.0)


def test_many_rows_are_read_in_parts(monkeypatch):
    """Many blocks of lines, with a comment in one of them."""
    monkeypatch.setattr(lines, "BLOCK", 1000)
    written = [f"{i / 100:.2f};{np.sin(i / 50):.6f}\r\n" for i in range(600)]
    written.insert(500, "# a break\r\n")
    data = ("t [s];a\r\n" + "".join(written)).encode()
    content = read_table_bytes(data, "a.csv")
    assert (content.fs, content.batch.shape) == (100, (1, 1, 600))
    assert content.encode(content.batch.copy(), ".csv") == data
    halved = content.encode(content.batch / 2, ".csv").decode().split("\r\n")
    assert halved[501] == "# a break"
    assert halved[552] == f"5.50;{np.sin(11) / 2:.6f}"


@pytest.mark.parametrize(("digits", "rows"), [(3, 200), (3, 1024), (4, 1024), (6, 30)])
def test_a_rate_is_rounded_within_the_resolution_of_its_stamps(here, digits, rows):
    """The stamps of 360 Hz have 3, 4 or 6 decimals; their mean step is that of 359.86 to 360 Hz."""
    stamps = [f"{k / 360:.{digits}f},{k % 7}" for k in range(rows)]
    (here / "a.csv").write_text("\n".join(["time [s],a", *stamps]) + "\n")
    content = read(here / "a.csv")
    assert content.fs == 360
    assert content.notes[0].startswith("axis: time [s], 360 Hz;")
