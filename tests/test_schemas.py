"""Files of our own that are damaged, altered or hostile: one line with the file and the field."""

import csv
import json
import os
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load as arrays_of
from safetensors.numpy import save as to_bytes

from sigbench import InputError, load, run_suite
from sigbench.benchmark.checks.floors import load_floors
from sigbench.benchmark.compare import compare
from sigbench.benchmark.run_suite import write_reports
from sigbench.benchmark.store.cells import read_tables
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.cli.main import main
from sigbench.config.spec import MAX_SWEEP, expand, parse
from sigbench.config.toml import read_toml
from sigbench.core import schema
from sigbench.core.durations import seconds
from sigbench.networks.pretrained.weights import FOLDER, digest_of
from sigbench.networks.pretrained.weights import load as load_weights
from sigbench.networks.training.checkpoint import Checkpoint, TrainingState, ValidationRow
from sigbench.networks.training.recipe import load_recipe

TINY = str(Path(__file__).parent / "tiny.toml")


@pytest.fixture
def run(tmp_path):
    path = tmp_path / "run"
    run_suite(load(TINY).select(seeds=[1], items=3), path)
    return path


def one_line(error, *words):
    text = str(error.value)
    assert len(text) < 1000
    for word in words:
        assert word in text
    return text


class TestSpecs:
    def test_a_sweep_is_bounded_before_it_is_built(self):
        axis = ",".join(map(str, range(101)))
        spec = parse(f"a[x=[{axis}],y=[{axis}],z=[{axis}],w=[{axis}]]")
        with pytest.raises(
            InputError, match=f"104060401 combinations of values: at most {MAX_SWEEP}"
        ):
            expand(spec)
        assert len(expand(parse(f"a[x=[{axis[:-4]}],y=[1,2]]"))) == 200

    def test_nested_sweeps_count_too(self):
        axis = f"[{','.join(map(str, range(101)))}]"
        with pytest.raises(InputError, match="10201 combinations"):
            expand(parse(f"a[b=c[x={axis},y={axis}]]"))

    @pytest.mark.parametrize("word", ["1_0", "１", "٣", "0x10", "1e", "--1", "1,0"[0:1] + "_"])
    def test_only_plain_digits_are_numbers(self, word):
        assert parse(f"a[x={word}]").params == (("x", word),)

    @pytest.mark.parametrize("word", ["1e999", "-1e999", "1" * 400, "9" * 5000])
    def test_a_number_that_is_too_large(self, word):
        with pytest.raises(InputError, match=r"is too large") as error:
            parse(f"a[x={word}]")
        one_line(error)

    @pytest.mark.parametrize("text", ["a" * 100_001, "a" + "[b=c" * 60 + "]" * 60, "[" * 5000])
    def test_length_and_depth_are_bounded(self, text):
        with pytest.raises(InputError) as error:
            parse(text)
        one_line(error)

    @pytest.mark.parametrize("text", ['a[b="', 'a[b="x"y]', 'a[b="\\q"]', '"a" "b"', '""b'])
    def test_quotes_that_do_not_match(self, text):
        with pytest.raises(InputError, match="cannot read"):
            parse(text)

    @pytest.mark.parametrize("text", ["a\udcff", 'a[b="\\ud800"]', "a[b=\0]"])
    def test_what_is_not_text(self, text):
        with pytest.raises(InputError, match="not text"):
            parse(text)

    def test_whole_numbers_have_64_bits_and_larger_ones_are_floats(self):
        (_, value), *_ = parse("a[x=9223372036854775808]").params
        assert isinstance(value, float)
        assert parse("a[x=9223372036854775807]").params == (("x", 2**63 - 1),)


GOOD_FLOORS = 'suite = "table1"\n[[floors]]\nproblem = "p"\nmethod = "m"\nmetric = "psnr"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD_FLOORS + "floor = nan", "floor=nan must be a number"),
        (GOOD_FLOORS + "floor = inf", "floor=inf must be a number"),
        (GOOD_FLOORS + "floor = true", "floor=True must be a number"),
        (GOOD_FLOORS + f"floor = 1{'0' * 400}", "must be a whole number of at most 64 bits"),
        (GOOD_FLOORS + 'reference = "r"\nmargin = inf', "margin=inf must be a number >= 0"),
        (GOOD_FLOORS + 'reference = "r"\nmargin = nan', "margin=nan must be a number >= 0"),
        (GOOD_FLOORS + 'reference = "r"\nmargin = -0.1', "margin=-0.1 must be a number >= 0"),
        (GOOD_FLOORS + "floor = " + "9" * 5000, "f.toml: "),
        (GOOD_FLOORS + "floor = 0x" + "f" * 5000, "a number of 20000 bits"),
        (GOOD_FLOORS + "floor = " + "[" * 5000, "f.toml: "),
        (GOOD_FLOORS + "floor = " + "[" * 90 + "]" * 90, "more than 60 nested levels"),
        ('suite = "table1"\nfloors = []', "must not be empty"),
        ('suite = "table1"', "needs the key 'floors'"),
        ("items = true\n" + GOOD_FLOORS, "items=True must be a whole number"),
        ("items = 0\n" + GOOD_FLOORS, "items=0 must be a whole number >= 1"),
        ("items = 1000000000000\n" + GOOD_FLOORS, "items=1000000000000 must be"),
        ("seeds = [1, 1]\n" + GOOD_FLOORS, "seeds=[1, 1] must be distinct"),
        ("seeds = []\n" + GOOD_FLOORS, "seeds=[] must be"),
        ("seeds = [true]\n" + GOOD_FLOORS, "seeds[0]=True must be a whole number"),
        (f"seeds = [{'7,' * 20_000}]\n" + GOOD_FLOORS, "seeds has 20000 values: at most 10000"),
        ('folder = "a\\u0000b"\n' + GOOD_FLOORS, "text without control characters"),
        ("timeout = -1\n" + GOOD_FLOORS, "timeout=-1 must be"),
        ("a." * 40 + "b = 1\n" + GOOD_FLOORS, "more than 30 dotted parts"),
        ("# " + "x" * 2**20 + "\n" + GOOD_FLOORS, "larger than 1,048,576 bytes"),
    ],
)
def test_floors_that_are_no_floors(tmp_path, text, message):
    file = tmp_path / "f.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=re.escape(message)) as error:
        load_floors(file)
    one_line(error, "f.toml")


@pytest.mark.parametrize("time", ["nan", "inf", "1_0", "1_0m", "٣s", "1e999", "", "s", True, "0x1"])
def test_a_time_has_plain_digits(time):
    with pytest.raises(InputError, match="must be a time like"):
        seconds(time)


def test_a_pipe_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "x.toml")
    os.mkfifo(tmp_path / "x.safetensors")
    with pytest.raises(InputError, match=r"x\.toml: no such file"):
        read_toml(tmp_path / "x.toml")
    with pytest.raises(InputError, match=r"x\.safetensors"):
        load_weights(tmp_path / "x.safetensors")


SUITE = """
metrics = ["psnr"]
[[problems]]
dataset = "sparse-spikes"
degradation = "gaussian[sigma=1]"
items = 3
[[methods]]
method = "affine"
"""
MANY = ",".join(map(str, range(5000)))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("metrics", "block = 1000000000000\nmetrics", "block=1000000000000 must be"),
        ("metrics", f"seeds = [{'1,' * 10**5}]\nmetrics", "seeds has 100000 values: at most 10000"),
        ("items = 3", "items = true", "items=True must be a whole number"),
        ("items = 3", "items = -3", "items=-3 must be a whole number >= 1"),
        ("items = 3", "items = 1000000000000", "items=1000000000000 must be"),
        ('"affine"', '"affine"\nname = "a\\nb"', "name='a\\nb' must be text without control"),
        ('"affine"', '"affine"\nname = "\\u001b[2J"', "must be text without control characters"),
        ('"affine"', f'"affine"\nname = "{"n" * 2000}"', "text of 1 to 1000 characters"),
        ('"affine"', '"affine"\nname = ""', "text of 1 to 1000 characters"),
        ('"affine"', f'"l1[lam=[{MANY}],gamma=[{MANY}]]"', "25000000 combinations"),
        (
            "sigma=1]",
            "sigma=[1,2]]",
            "problem names must be distinct",
        ),
        ("metrics", 'name = "' + "n" * 300 + '"\nmetrics', "must be text of 1 to 100 characters"),
        ('"psnr"', '"psnr", "psnr"', "must be distinct"),
        ('method = "affine"', 'method = "\\u0000"', "text without control characters"),
    ],
)
def test_suites_that_are_too_large_or_odd(tmp_path, old, new, message):
    file = tmp_path / "s.toml"
    file.write_text(SUITE.replace(old, new, 1))
    with pytest.raises(InputError, match=re.escape(message)) as error:
        load(str(file))
    one_line(error, "s.toml")


def test_the_number_of_cells_is_bounded(tmp_path):
    seeds = ",".join(map(str, range(10_000)))
    names = "\n".join(f'[[methods]]\nmethod = "affine"\nname = "{i}"' for i in range(101))
    file = tmp_path / "s.toml"
    file.write_text(f"seeds = [{seeds}]\n" + SUITE.replace('[[methods]]\nmethod = "affine"', names))
    with pytest.raises(InputError, match="are more than 1000000 cells"):
        load(str(file))


RECIPE = """
network = "icnn[size=s]"
optimizer = "adam[lr=1e-3]"
steps = 10
engine = "numpy"
[data]
dataset = "sparse-spikes"
degradation = "gaussian[sigma=3]"
pairs = 100
validation = 20
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("steps = 10", "steps = true", "steps=True must be a whole number"),
        ("steps = 10", "steps = 1e3", "steps=1000.0 must be a whole number"),
        ("steps = 10", "steps = 10\nunit = nan", "unit=nan must be a number"),
        ("steps = 10", "steps = 10\nbatch = 10000000000", "batch=1e+10 must be >= 1 and <"),
        ("steps = 10", 'time = "nan"', "time 'nan' must be a time"),
        ("pairs = 100", "pairs = 1000000000000", "pairs=1000000000000 must be"),
        ("pairs = 100", "pairs = true", "pairs=True must be"),
        ("validation = 20", "validation = 0", "validation=0 must be a whole number >= 1"),
        ("validation = 20", "validation = [20]", "validation=[20] must be a whole number"),
        ("steps = 10", 'steps = 10\nname = "../x"', "name='../x' must be text"),
    ],
)
def test_recipes(tmp_path, old, new, message):
    file = tmp_path / "r.toml"
    file.write_text(RECIPE)
    assert load_recipe(str(file)).steps == 10
    file.write_text(RECIPE.replace(old, new, 1))
    with pytest.raises(InputError, match=re.escape(message)) as error:
        load_recipe(str(file))
    one_line(error, "r.toml")


def altered(value, path, new):
    """Return plain data with one value replaced, or deleted if ``new`` is ``...``."""
    *outer, last = path
    for key in outer:
        value = value[key]
    if new is ...:
        del value[last]
    else:
        value[last] = new


MANIFEST_CASES = [
    (["suite"], ...),
    (["suite"], []),
    (["suite", "name"], 3),
    (["suite", "block"], True),
    (["suite", "block"], -500),
    (["suite", "block"], 10**400),
    (["suite", "metrics"], []),
    (["suite", "metrics"], ["psnr", "psnr"]),
    (["suite", "metrics", 0], None),
    (["suite", "problems"], []),
    (["suite", "problems", "sparse-spikes"], 1),
    (["suite", "problems", "sparse-spikes", "items"], ...),
    (["suite", "problems", "sparse-spikes", "items"], "3"),
    (["suite", "description"], None),
    (["suite", "methods"], None),
    (["suite", "bounds"], [1]),
    (["suite", "controls"], {}),
    (["suite", "trainings"], {"a": 1}),
    (["suite", "full"], []),
    (["suite", "full", "seeds"], [1.5]),
    (["suite", "full", "problems"], {"sparse-spikes": -1}),
    (["suite", "experiments"], {"metrics": ["rmse"], "source": "", "printed": {"blur": []}}),
    (["suite", "experiments"], {"metrics": ["snr"], "source": "", "printed": {}}),
    (["seeds"], ...),
    (["seeds"], [None]),
    (["pictured_seed"], -1),
    (["block"], "500"),
    (["wall_time_s"], float("nan")),
    (["wall_time_s"], "1"),
    (["files"], {}),
    (["files", 0], 1),
    (["suite", "name"], "\ud800"),
]


@pytest.mark.parametrize(("path", "new"), MANIFEST_CASES)
def test_an_altered_manifest_is_refused_by_field(run, path, new):
    file = run / "manifest.json"
    manifest = json.loads(file.read_text())
    altered(manifest, path, new)
    file.write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=r"manifest\.json is not the manifest of a run") as error:
        write_reports(run)
    one_line(error, next(key for key in reversed(path) if isinstance(key, str)))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "[" * 10**5, '{"a":' * 10**5, "1" * 5000, "\ufeff{}"]
)
def test_a_manifest_that_is_not_json(run, text):
    (run / "manifest.json").write_text(text)
    with pytest.raises(InputError) as error:
        write_reports(run)
    one_line(error, "manifest.json")


def test_a_manifest_of_a_newer_version_is_read(run):
    file = run / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["new"] = manifest["suite"]["new"] = {"a": [1, None, "x"]}
    manifest["files"].append("new/file.txt")
    file.write_text(json.dumps(manifest))
    write_reports(run)


def test_fresh_never_deletes_what_a_run_does_not_write(run):
    outside = run.parent / "outside"
    outside.mkdir()
    names = ["../outside/a", str(outside / "b"), "notes.txt", "cells/../notes.txt", "linked/c"]
    names += ["cells/linked/c", "./notes.txt", "cells", "", ".", "..", "figures/\\..\\notes.txt"]
    for name in ("a", "b", "c"):
        (outside / name).write_text("mine")
    (run / "notes.txt").write_text("mine")
    (run / "cells" / "linked").symlink_to(outside)
    (run / "figures").rmdir() if (run / "figures").exists() else None
    (run / "figures").symlink_to(outside)
    (run / "trainings").mkdir()
    (run / "trainings" / "x.csv").symlink_to(outside / "a")
    file = run / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["files"] += [*names, "figures/c", "trainings/x.csv"]
    file.write_text(json.dumps(manifest))
    RunFolder(run).manifest.delete_files()
    assert not file.exists()
    assert not list((run / "cells").glob("*.parquet"))
    assert not (run / "trainings").exists()  # the link is ours, what it refers to is not
    assert {path.read_text() for path in outside.iterdir()} == {"mine"}
    assert len(list(outside.iterdir())) == 3
    assert (run / "notes.txt").read_text() == "mine"


CELL_CASES = [
    ([], ...),
    (["problem"], ...),
    (["problem"], 3),
    (["seed"], 1.0),
    (["seed"], -1),
    (["seed"], 2**64),
    (["method"], None),
    (["method"], "other"),
    (["dataset"], "other"),
    (["params"], ["a"]),
    (["knowledge"], "all"),
    (["metrics"], []),
    (["metrics"], ["psnr"]),
    (["metrics"], ["rmse", "psnr"]),
    (["metrics"], "psnr"),
    (["cell_key"], ...),
    (["cell_key"], "x"),
    (["method_key"], 0),
    (["timing"], ...),
    (["timing", "items"], 0),
    (["timing", "items"], 2),
    (["timing", "items"], 10**12),
    (["timing", "items"], True),
    (["timing", "time_s"], -1),
    (["timing", "time_s"], "fast"),
    (["timing", "time_s"], float("inf")),
    (["timing", "contended"], 0),
    (["timing", "device"], None),
    (["timing", "n_params"], 1.5),
    (["timing", "method"], "other"),
    (["timing", "train_steps"], -1),
    (["training"], {"metric": "psnr", "log": [[1]]}),
    (["grid_edges"], "lam"),
    (["missing"], {"psnr": {"silent": [-1]}}),
    (["missing"], {"pesq": {"silent": [0]}}),
    (["missing"], {"psnr": {"silent": [0]}}),
    (["missing"], []),
]


def rewritten(path, change=lambda table: table, about=None, **options):
    """Write a file of cells again, with a changed table or metadata."""
    table = pq.read_table(path)
    old = json.loads(table.schema.metadata[b"sigbench"])
    table = change(table)
    text = json.dumps(old if about is None else about)
    options = {"compression": "snappy", "write_page_checksum": True, **options}
    pq.write_table(table.replace_schema_metadata({"sigbench": text}), path, **options)


def read_all(run):
    folder = RunFolder(run)
    write_reports(run)
    list(read_tables(folder.cells.all().values()))


@pytest.mark.parametrize(("path", "new"), CELL_CASES)
def test_altered_metadata_of_a_cell_are_refused(run, path, new):
    file = min((run / "cells").glob("*.parquet"))
    about = json.loads(pq.read_metadata(file).metadata[b"sigbench"])
    if path:
        altered(about[0], path, new)
    rewritten(file, about=about if path else {})
    with pytest.raises(InputError) as error:
        read_all(run)
    one_line(error, str(file))


def with_column(name, values):
    def change(table):
        values_ = values(table) if callable(values) else values
        return table.set_column(table.column_names.index(name), name, pa.array(values_))

    return change


def with_value(value):
    def values(table):
        return pa.array([value, *table["value"].to_pylist()[1:]], pa.float64())

    return with_column("value", values)


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.drop_columns("value"),
        lambda table: table.drop_columns("group"),
        lambda table: table.append_column("value", table["value"]),
        lambda table: table.slice(1),
        lambda table: pa.concat_tables([table, table]),
        with_column("value", lambda table: ["x"] * len(table)),
        with_column("value", lambda table: [1] * len(table)),
        with_column("item", lambda table: [0.5] * len(table)),
        with_column("seed", lambda table: [7] * len(table)),
        with_column("method", lambda table: ["other"] * len(table)),
        with_column("metric", lambda table: ["psnr"] * len(table)),
        with_column("group", lambda table: [["x"]] * len(table)),
        with_column("group", lambda table: pa.array([None] * len(table), pa.string())),
        with_value(None),
        with_value(float("nan")),
    ],
)
def test_rows_that_are_not_those_of_the_metadata(run, change):
    file = min((run / "cells").glob("*.parquet"))
    rewritten(file, change)
    with pytest.raises(InputError) as error:
        read_all(run)
    one_line(error, str(file))


@pytest.mark.parametrize("codec", ["gzip", "zstd", "brotli"])
def test_a_codec_that_can_hide_gigabytes(run, codec):
    file = min((run / "cells").glob("*.parquet"))
    rewritten(file, compression=codec)
    with pytest.raises(InputError, match="not compressed by Snappy"):
        read_all(run)


def test_a_codec_that_does_not_exist_does_not_end_the_process(run):
    file = min((run / "cells").glob("*.parquet"))
    data = file.read_bytes()
    place = data.rindex(b"\x18\x05value\x15\x02") + 8  # path_in_schema, then the codec (SNAPPY)
    file.write_bytes(data[:place] + b"\x0d" + data[place + 1 :])
    with pytest.raises(InputError, match="not compressed by Snappy"):
        read_all(run)


@pytest.mark.parametrize(
    "end", [b"", b"PAR1", b"\xff\xff\xff\xffPAR1", b"\x1c" * 99 + b"\x63\0\0\0PAR1"]
)
def test_footers_that_are_no_footers(run, end):
    file = min((run / "cells").glob("*.parquet"))
    file.write_bytes(b"PAR1" + end)
    with pytest.raises(InputError, match=r"cannot be read: its footer"):
        read_all(run)


def bomb(file, rows, word):
    """Write a few kB that decode to ``rows`` rows with a word in each."""
    about = json.loads(pq.read_metadata(file).metadata[b"sigbench"])[:1]
    about[0]["timing"]["items"] = rows // len(about[0]["metrics"])
    words = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array([word]))

    def column(name):
        kinds = {"seed": np.int64, "item": np.int64, "value": np.float64}
        return pa.array(np.ones(rows, kinds[name])) if name in kinds else words

    names = pq.read_schema(file).names
    table = pa.table({name: column(name) for name in names})
    table = table.replace_schema_metadata({"sigbench": json.dumps(about)})
    pq.write_table(table, file)


@pytest.mark.parametrize(
    ("rows", "word", "message"),
    [(10**6, "g", "rows in"), (20_000, "g" * 10**5, "groups of up to 100000 bytes")],
)
def test_a_small_file_of_many_rows_or_long_words(run, rows, word, message):
    file = min((run / "cells").glob("*.parquet"))
    bomb(file, rows, word)
    assert file.stat().st_size < 300_000
    with pytest.raises(InputError, match=message):
        list(read_tables(RunFolder(run).cells.all().values()))


def test_a_pipe_among_the_cells(run):
    os.mkfifo(run / "cells" / "x.parquet")
    with pytest.raises(InputError, match=r"x\.parquet cannot be read: it is not a file"):
        write_reports(run)


def failure(**changes):
    record = {"suite": "tiny", "problem": "sparse-spikes", "seed": 2, "method": "m", "error": "E"}
    return {**record, "cell_key": "k", **changes}


@pytest.mark.parametrize(
    "changes",
    [{"seed": "1"}, {"seed": True}, {"seed": -1}, {"method": []}, {"error": None}, {"problem": 1}],
)
def test_an_altered_failure_is_refused_by_line(run, changes):
    lines = [json.dumps(failure()), json.dumps(failure(**changes))]
    (run / "failures.jsonl").write_text("\n".join([*lines, ""]))
    with pytest.raises(InputError) as error:
        write_reports(run)
    one_line(error, "failures.jsonl", "line 2", next(iter(changes)))


def test_a_line_separator_in_a_name_is_no_end_of_line(run):
    odd = "a\u2028b\x85c\x0bd"
    text = json.dumps(failure(method=odd), ensure_ascii=False) + "\n" + '{"incomplete'
    (run / "failures.jsonl").write_text(text)
    (record,) = RunFolder(run).failures()
    assert record["method"] == odd
    assert "a" in (write_reports(run) or (run / "leaderboard.md").read_text())


ODD_NAMES = [
    "a=b, [c] \"d\" 'e'",
    "../../x/y",
    "a\u2028b\u202e",
    "x" * 400,
    "<script>|*_`",
    "=cmd()",
    "CON",
    "名前 😀",
    " a ",
]


def quoted(value):
    return json.dumps(value, ensure_ascii=False)


def test_odd_names_go_from_the_suite_to_the_floors(here, capsys):
    blurs = [f"name = {quoted(name)}\nmethod = 'gaussian-blur'" for name in ODD_NAMES]
    methods = "\n".join(f"[[methods]]\n{blur}" for blur in blurs)
    Path("odd.toml").write_text(Path(TINY).read_text() + methods)
    run_suite(load("odd.toml").select(items=5, seeds=[1]), "run")
    resumed = run_suite(load("odd.toml").select(items=5, seeds=[1, 2]), "run")
    assert resumed.cached == resumed.computed == len(ODD_NAMES) + 4
    assert main(["report", "run"]) == 0
    with Path("run/leaderboard.csv").open(newline="", encoding="utf-8") as file:
        board = {
            row["method"].lstrip("'"): row
            for row in csv.DictReader(file)
            if row["metric"] == "rmse"
        }
    for name in ODD_NAMES:
        compare(Path("run"), name, "noisy")
    for end, code in (("ci_high", 0), ("ci_low", 1)):  # rmse: smaller is better
        lines = ['suite = "odd.toml"']
        for name in ODD_NAMES:
            value = float(board[name][end]) + (0.01 if code == 0 else -0.01)
            floor = {"problem": "sparse-spikes", "method": name, "metric": "rmse", "floor": value}
            lines += ["[[floors]]", *(f"{key} = {quoted(own)}" for key, own in floor.items())]
        Path("f.toml").write_text("\n".join(lines))
        capsys.readouterr()
        assert main(["check", "run", "f.toml"]) == code
        state = "holds" if code == 0 else "broken"
        assert f"{len(ODD_NAMES)} floors: {len(ODD_NAMES)} {state}" in capsys.readouterr().err
    assert not Path("../../x").exists()


def repacked(data, network=None, card=None, change=lambda arrays: arrays):
    """Return a weight file with other content and a correct digest."""
    size = int.from_bytes(data[:8], "little")
    about = json.loads(data[8 : 8 + size])["__metadata__"]
    arrays = change(arrays_of(data))
    about["sigbench"] = about["sigbench"] if network is None else network
    about["card"] = about["card"] if card is None else card
    about["sha256"] = digest_of(about["sigbench"] + about["card"], arrays)
    return to_bytes(arrays, metadata=about)


def first_nan(arrays):
    name = min(arrays)
    return {**arrays, name: np.full_like(arrays[name], np.nan)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "nosuch"}, "unknown network 'nosuch'"),
        ({"network": "icnn[size=[s]]"}, "size"),
        ({"network": "icnn[size=999]"}, "size"),
        ({"network": "["}, "cannot read"),
        ({"network": "a" * 10**6}, "has 1000000 characters"),
        ({"card": "[]"}, "the card must be a table"),
        ({"card": "{"}, "the card is not valid JSON"),
        ({"card": "[" * 10**5}, "nested too deeply"),
        ({"card": '{"fresh": 1}'}, "fresh=1 must be true or false"),
        ({"card": '{"seconds": "x"}'}, "seconds='x' must be a number"),
        ({"card": '{"steps": -1}'}, "steps=-1 must be a whole number >= 0"),
        ({"card": '{"name": []}'}, "name=[] must be text"),
        ({"card": '{"precision": 3}'}, "precision=3 must be text"),
        ({"change": first_nan}, "must be finite numbers"),
        ({"change": lambda arrays: {}}, "icnn"),
        (
            {"change": lambda arrays: {**arrays, "x": np.ones(3, np.int64)}},
            "must be finite numbers",
        ),
    ],
)
def test_weights_that_are_no_weights(tmp_path, changes, message):
    file = tmp_path / "w.safetensors"
    file.write_bytes(repacked((FOLDER / "icnn-report.safetensors").read_bytes(), **changes))
    with pytest.raises(InputError, match=re.escape(message)) as error:
        load_weights(file)
    one_line(error, "w.safetensors")


def raw(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def tensor(shape, offsets, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x08",
        raw(b"")[:4],
        (2**63).to_bytes(8, "little") + b"{}",
        (10**8).to_bytes(8, "little") + b"{}",
        raw(b"[]"),
        raw(b"[" * 10**5),
        raw({"a": tensor([2], [0, 8])}, bytes(4)),
        raw({"a": tensor([2], [8, 0])}, bytes(8)),
        raw({"a": tensor([2**62, 4], [0, 8])}, bytes(8)),
        raw({"a": tensor([1], [0, 4]), "b": tensor([1], [0, 4])}, bytes(4)),
        raw({"a": tensor([1], [4, 8])}, bytes(8)),
        raw({"a": tensor([1], [0, 2], "BF16")}, bytes(2)),
        raw({"a": tensor([1], [0, 4], "X")}, bytes(4)),
        raw({"a": tensor([-1], [0, 4])}, bytes(4)),
        raw(b'{"a":' + b'{"dtype":"F32","shape":[1],"data_offsets":[0,4]},' * 2 + b'"b":{}}'),
        raw({"__metadata__": {"sigbench": 1}}),
    ],
)
def test_headers_of_safetensors(tmp_path, data):
    for name, read in (("w.safetensors", load_weights), ("c.safetensors", checkpoint)):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError) as error:
            read(tmp_path / name)
        one_line(error, name)


def checkpoint(path):
    return Checkpoint(path, "key").load()


@pytest.mark.parametrize(
    ("path", "new"),
    [
        (["key"], 3),
        (["steps"], -1),
        (["step"], 1.5),
        (["step"], 11),
        (["log"], {}),
        (["log"], [[1, 2]]),
        (["log", 0, 3], "x"),
        (["seconds"], float("nan")),
        (["count"], True),
        (["loss"], ...),
    ],
)
def test_an_altered_checkpoint(tmp_path, path, new):
    file = tmp_path / "c.safetensors"
    row = ValidationRow(5, 0.5, 40, 1.5, 1e-3, 2.0, 2.5, 10.0, float("nan"))
    weights = {"w": np.ones(3, np.float32)}
    Checkpoint(file, "key").save(TrainingState(10, 5, 2, 5, log=[row], best=weights), weights, {})
    assert checkpoint(file).state.step == 5
    data = file.read_bytes()
    size = int.from_bytes(data[:8], "little")
    text = json.loads(data[8 : 8 + size])["__metadata__"]["sigbench-checkpoint"]
    state = json.loads(text)
    altered(state, path, new)
    text, arrays = json.dumps(state), arrays_of(data)
    about = {"sigbench-checkpoint": text, "sha256": digest_of(text, arrays)}
    file.write_bytes(to_bytes(arrays, metadata=about))
    with pytest.raises(InputError, match="use --fresh") as error:
        checkpoint(file)
    one_line(error, "c.safetensors", next(k for k in reversed(path) if isinstance(k, str)))


def test_true_is_no_number_and_a_choice_has_a_type():
    for bad in (True, 1.0, "1", None):
        with pytest.raises(InputError):
            schema.check("x", bad, schema.Choice((1,)))
    schema.check("x", 1, schema.Choice((1,)))
    with pytest.raises(InputError, match="x has 3 values: at most 2"):
        schema.check("x", [1, 2, 3], schema.List(schema.WHOLE, longest=2))
