"""Training histories, images and figures of a run."""

import csv
import io
import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sigbench import ExecutorConfig, InputError, load, run_suite
from sigbench.benchmark.engine.evaluate import Cell
from sigbench.benchmark.merge import merge
from sigbench.benchmark.report import plots
from sigbench.benchmark.report.plots import Strip
from sigbench.benchmark.run_suite import write_reports
from sigbench.benchmark.store.cells import UNTRAINED, encode_cells
from sigbench.benchmark.store.gallery import example_file, figure_file, training_file
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.cli.main import main
from sigbench.core.fingerprint import identity
from sigbench.core.protocols import LogEntry, TrainingHistory
from sigbench.networks.pretrained.denoiser import NetworkDenoiser, Pretrained
from sigbench.networks.pretrained.weights import Weights, shipped
from sigbench.scoring.leaderboard import COLUMNS

RECIPE = """
network = "strided"
optimizer = "adam[lr=1e-3]"
batch = 4
steps = 6
engine = "numpy"
[data]
dataset = "photos32"
degradation = "gaussian[sigma=25]"
pairs = 8
validation = 2
"""
SUITE = """
name = "tiny"
metrics = ["psnr", "rmse"]
seeds = [1]
[[problems]]
name = "photos"
dataset = "photos32"
degradation = "gaussian[sigma=25]"
items = 6
train_items = 20
[[methods]]
method = "noisy"
[[methods]]
method = "gaussian-blur[width=0.6]"
name = "blur"
[[methods]]
method = "trained[recipe=tiny-recipe.toml]"
name = "net"
"""
FILES = {
    "estimates": ["photos.blur.npz", "photos.net.npz", "photos.noisy.npz", "photos.npz"],
    "trainings": ["photos.net.csv"],
    "figures": ["estimates-photos.png", "trainings-photos.png"],
}


def tiny_suite(folder):
    (folder / "tiny-recipe.toml").write_text(RECIPE)
    (folder / "tiny.toml").write_text(SUITE)
    return load("tiny.toml")


@pytest.fixture
def tiny(here):
    """A suite of images with a tiny network that is trained for a few steps."""
    return tiny_suite(here)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run of the tiny suite; tests copy it."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run_suite(tiny_suite(folder), folder / "run")
    return folder / "run"


@pytest.fixture
def run(made, tiny, here):
    return shutil.copytree(made, here / "run")


def files(path):
    return {
        name: sorted(p.name for p in (path / name).iterdir())
        for name in FILES
        if (path / name).exists()
    }


def contents(path, *folders):
    return {p: p.read_bytes() for name in folders for p in sorted((path / name).iterdir())}


def table_of(path, problem="photos"):
    """Return the rows of a problem's table in the Markdown, by method."""
    text = (path / "leaderboard.md").read_text().partition(f"## {problem}")[2]
    table = next(part for part in text.split("\n\n") if part.startswith("|"))
    lines = [line[1:-1].split("|") for line in table.splitlines()]
    header, _, *rows = [[cell.strip() for cell in line] for line in lines]
    return {row[1]: dict(zip(header, row, strict=True)) for row in rows}


class TestTrainingHistory:
    """The training history, from the training loop to the tables."""

    def test_a_fitted_network_has_its_training_history(self, tiny):
        (problem,), (*_, net) = tiny.problems, tiny.methods
        fitted = net.entry.fit(problem.training(sigma_given=False), rng=np.random.default_rng(0))
        history = fitted.history
        assert (history.steps, history.epochs, history.samples, history.metric) == (
            6,
            3,
            24,
            "psnr",
        )
        assert history.seconds == history.log[-1].seconds > 0
        assert [point.step for point in history.log] == [1, 2, 3, 4, 5, 6]
        assert all(math.isfinite(value) for point in history.log for value in point)

    def test_the_history_is_not_part_of_the_identity(self, tiny):
        weights = Weights(shipped("icnn").network, shipped("icnn").arrays)
        plain = NetworkDenoiser(weights)
        told = replace(plain, history=TrainingHistory(1.0, 2, 3.0, 4))
        assert told == plain
        assert repr(told) == repr(plain)
        assert identity(told) == identity(plain)

    def test_the_history_is_read_from_the_card_of_weights(self):
        card = shipped("icnn").card
        history = Pretrained("icnn").history
        assert (history.seconds, history.steps) == (card["seconds"], card["steps"])
        assert (history.samples, history.log) == (card["samples"], ())

    def test_a_card_without_a_history_gives_none(self, here):
        from sigbench.networks.pretrained.weights import save

        save(here / "own.safetensors", Weights(shipped("icnn").network, shipped("icnn").arrays))
        assert Pretrained("own.safetensors").history is None

    def test_timings_contain_the_cost_of_training(self, run):
        timings = pd.read_parquet(run / "timings.parquet").set_index("method")
        net = timings.loc["net"]
        assert (net["train_steps"], net["train_epochs"], net["train_samples"]) == (6, 3, 24)
        assert net["train_s"] > 0
        assert net["n_params"] == 11_739
        others = timings.drop(index="net")[list(UNTRAINED)]
        assert others[["train_s", "train_epochs"]].isna().all(axis=None)
        assert (others[["train_steps", "train_samples"]] == 0).all(axis=None)

    def test_the_markdown_shows_the_training_and_the_csv_is_unchanged(self, run):
        rows = table_of(run)
        assert rows["net"]["parameters"] == "11,739"
        assert rows["net"]["training"].endswith(" s, 3 epochs")
        assert (rows["blur"]["parameters"], rows["blur"]["training"]) == ("", "")
        with open(run / "leaderboard.csv", encoding="utf-8") as file:
            assert tuple(next(csv.reader(file))) == COLUMNS

    def test_training_columns_appear_only_with_trained_methods(self, here):
        suite = load("table1").select(methods=["icnn", "wiener-printed"], seeds=[1], items=3)
        run_suite(suite, here / "run")
        rows = table_of(here / "run", "sparse-spikes")
        assert rows["icnn"]["parameters"] == f"{Pretrained('icnn').n_params:,}"
        assert rows["icnn"]["training"].startswith("82 s")
        assert "trainings" not in files(here / "run")
        run_suite(suite.select(methods=["wiener-printed"]), here / "other")
        assert "| training " not in (here / "other" / "leaderboard.md").read_text()

    def test_another_attribute_named_history_is_ignored(self, here):
        (here / "mine.py").write_text(
            "class Mine:\n"
            "    history = 'uphill'\n"
            "    def __call__(self, noisy, *, sigma=None): return noisy.copy()\n"
        )
        suite = load("table1").select(methods=["noisy", "mine:Mine"], seeds=[1], items=3)
        assert run_suite(suite, here / "run").failed == 0
        assert not pd.read_parquet(here / "run" / "timings.parquet")["train_steps"].any()

    def test_an_invalid_history_fails_its_cell(self, here):
        (here / "mine.py").write_text(
            "from sigbench.core.protocols import TrainingHistory\n"
            "class Mine:\n"
            "    history = TrainingHistory(1.0, 2, 3.0, 4, log=((1, 2.0, 'low'),))\n"
            "    def __call__(self, noisy, *, sigma=None): return noisy.copy()\n"
        )
        suite = load("table1").select(methods=["noisy", "mine:Mine"], seeds=[1], items=3)
        assert run_suite(suite, here / "run").failed == 1
        (failure,) = RunFolder(here / "run").failures()
        assert "BadEstimate: its training history is invalid: could not" in failure["error"]

    def test_a_user_learner_may_have_a_history(self, here):
        (here / "mine.py").write_text(
            "import numpy as np\n"
            "from sigbench.core.protocols import LogEntry, TrainingHistory\n"
            "class Half:\n"
            "    history = TrainingHistory(np.float32(90), np.int64(7), 0.5, 14, 'psnr',\n"
            "                    (LogEntry(7, 90.0, float('nan'), 1.0, np.float32(20)),))\n"
            "    def __call__(self, noisy, *, sigma=None): return 0.5 * noisy\n"
            "class Mine:\n"
            "    def fit(self, train, *, rng): return Half()\n"
        )
        suite = load("table1").select(methods=["noisy", "mine:Mine"], seeds=[1], items=3)
        assert run_suite(suite, here / "run").failed == 0
        assert (
            table_of(here / "run", "sparse-spikes")["mine:Mine"]["training"] == "90 s, 0.5 epochs"
        )
        (log,) = (here / "run" / "trainings").iterdir()
        assert log.read_text() == "step,seconds,loss,validation,psnr\n7,90,,1,20\n"


@pytest.mark.parametrize(
    ("seconds", "text"), [(3.21, "3.2 s"), (42, "42 s"), (192, "3.2 min"), (9000, "2.5 h")]
)
def test_durations_in_the_table(run, seconds, text):
    folder = RunFolder(run)
    for entry in folder.cells.all().values():
        if entry.has_log:
            entry.about["timing"]["train_s"] = seconds
    (run / "cells" / "all.parquet").write_bytes(encode_cells(list(folder.cells.all().values())))
    for file in (run / "cells").glob("photos*.parquet"):
        file.unlink()
    write_reports(run)
    assert table_of(run)["net"]["training"] == f"{text}, 3 epochs"


class TestFiles:
    """The logs and images of a folder: complete, listed in the manifest, never written twice."""

    def test_the_manifest_lists_logs_and_images(self, run):
        assert files(run) == FILES
        listed = json.loads((run / "manifest.json").read_text())["files"]
        ours = [name for name in listed if name.partition("/")[0] in FILES]
        assert ours == sorted(f"{folder}/{name}" for folder in FILES for name in FILES[folder])

    def test_the_log_is_the_training_history(self, run):
        with open(run / "trainings" / "photos.net.csv", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert list(rows[0]) == ["step", "seconds", "loss", "validation", "psnr"]
        assert [int(row["step"]) for row in rows] == [1, 2, 3, 4, 5, 6]
        timings = pd.read_parquet(run / "timings.parquet").set_index("method")
        assert float(rows[-1]["seconds"]) == pytest.approx(timings.loc["net", "train_s"], rel=1e-6)

    def test_images_are_the_first_items_of_the_first_seed(self, run, tiny):
        gallery = RunFolder(run).gallery
        originals = gallery.originals("photos")
        (block,) = tiny.problems[0].blocks(1, 100)
        assert originals.items == (0, 1, 2, 3)
        assert originals.peak == 255
        for i in range(4):
            assert originals.clean[i].dtype == np.float32
            np.testing.assert_array_equal(originals.clean[i], block.clean[i])
            np.testing.assert_array_equal(originals.noisy[i], block.noisy[i])
        cells = pd.concat(pd.read_parquet(p) for p in (run / "cells").iterdir())
        psnr = cells[cells["metric"] == "psnr"].set_index(["method", "item"])["value"]
        found = gallery.estimates(originals, RunFolder(run).cells.all().values())
        assert set(found) == {"noisy", "blur", "net"}
        for method, estimates in found.items():
            assert list(estimates.values["psnr"]) == [psnr[method, i] for i in range(4)]
        np.testing.assert_array_equal(found["noisy"].estimates, originals.noisy)

    def test_signals_have_no_figures(self, here):
        run_suite(load("table1").select(methods=["affine"], seeds=[1], items=3), here / "run")
        assert list(files(here / "run")) == ["estimates"]

    def test_large_images_are_not_kept(self, tiny, here, monkeypatch):
        monkeypatch.setattr("sigbench.benchmark.engine.examples.MAX_SAMPLES", 3 * 32 * 32 - 1)
        run_suite(tiny.select(methods=["blur"]), here / "run")
        assert "estimates" not in files(here / "run")

    @pytest.mark.parametrize("jobs", [1, 2])
    def test_files_do_not_depend_on_the_number_of_workers(self, run, tiny, here, jobs):
        other = here / "other"
        run_suite(tiny, other, executor=ExecutorConfig(jobs=jobs))
        assert files(other) == FILES
        for name in (
            *[f"estimates/{n}" for n in FILES["estimates"]],
            "figures/estimates-photos.png",
        ):
            assert (other / name).read_bytes() == (run / name).read_bytes(), name
        logs = [pd.read_csv(path / "trainings" / "photos.net.csv") for path in (run, other)]
        pd.testing.assert_frame_equal(*[log.drop(columns="seconds") for log in logs])

    def test_unchanged_files_are_not_rewritten(self, run, tiny):
        before = {p: p.stat().st_mtime_ns for name in FILES for p in (run / name).iterdir()}
        assert run_suite(tiny, run).computed == 0
        write_reports(run)
        assert {p: p.stat().st_mtime_ns for name in FILES for p in (run / name).iterdir()} == before

    def test_fresh_deletes_only_these_files(self, run, tiny):
        (run / "figures" / "mine.png").write_text("mine")
        (run / "trainings" / "photos.mine.csv").write_text("mine")
        (run / "estimates" / "mine.npz").write_text("mine")
        write_reports(run)
        run_suite(tiny.select(methods=["blur"], items=5), run, fresh=True)
        assert files(run) == {
            "estimates": ["mine.npz", "photos.blur.npz", "photos.noisy.npz", "photos.npz"],
            "trainings": ["photos.mine.csv"],
            "figures": ["estimates-photos.png", "mine.png"],
        }

    def test_a_folder_with_other_figures_is_refused(self, tiny, here):
        (here / "run" / "figures").mkdir(parents=True)
        (here / "run" / "figures" / "mine.png").write_bytes(b"")
        with pytest.raises(InputError, match="contains figures but no manifest"):
            run_suite(tiny, here / "run")

    def test_ctrl_c_loses_no_files(self, run, tiny, here):
        path, ended = here / "stopped", []

        def stop_at_the_second(cell, out):
            ended.extend([cell.method.name] * (out is not None and isinstance(cell, Cell)))
            if len(ended) == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run_suite(tiny, path, progress=stop_at_the_second)
        assert len(files(path)["estimates"]) == 3
        write_reports(path)
        listed = set(json.loads((path / "manifest.json").read_text())["files"])
        there = {f"{folder}/{name}" for folder, names in files(path).items() for name in names}
        assert there <= listed
        assert "(figures/estimates-photos.png)" in (path / "leaderboard.md").read_text()
        assert run_suite(tiny, path).computed == 1
        assert files(path) == FILES
        for name in FILES["estimates"]:
            assert (path / "estimates" / name).read_bytes() == (
                run / "estimates" / name
            ).read_bytes()

    def test_planned_files_are_listed_before_they_exist(self, tiny, here):
        """So --fresh deletes the files of a run that was killed at any moment."""
        listed = []

        def look(cell, out):
            listed.append(json.loads((here / "run" / "manifest.json").read_text())["files"])

        run_suite(tiny, here / "run", progress=look)
        wanted = {f"{folder}/{name}" for folder in FILES for name in FILES[folder]}
        assert all(wanted <= set(names) for names in listed)

    def test_a_run_killed_between_images_and_cell_computes_both_again(
        self, tiny, here, monkeypatch
    ):
        def dies(*_):
            raise KeyboardInterrupt

        suite = tiny.select(methods=["blur"])
        with monkeypatch.context() as patch:
            patch.setattr("sigbench.benchmark.store.cell_store.encode_result", dies)
            with pytest.raises(KeyboardInterrupt):
                run_suite(suite, here / "run")
        assert files(here / "run") == {"estimates": ["photos.noisy.npz", "photos.npz"]}
        assert RunFolder(here / "run").cells.all() == {}
        assert run_suite(suite, here / "run").computed == 2
        run_suite(suite, here / "alone")
        assert list(contents(here / "run", "estimates").values()) == list(
            contents(here / "alone", "estimates").values()
        )

    def test_temporary_files_of_a_killed_run_are_deleted(self, run, tiny):
        torn = run / "estimates" / ".photos.net.npz.x1.unfinished"
        from sigbench.core.atomic import UNFINISHED

        torn = torn.with_name(f".photos.net.npz.x1{UNFINISHED}")
        torn.write_bytes(b"PK")
        run_suite(tiny, run)
        assert not torn.exists()

    def test_the_displayed_seed_of_a_folder_does_not_change(self, tiny, here):
        path = here / "run"
        run_suite(tiny.select(methods=["noisy"], seeds=[2]), path)
        before = contents(path, "estimates")
        run_suite(tiny.select(methods=["blur"], seeds=[1, 2]), path)
        after = contents(path, "estimates")
        assert {p.name for p in after} == {"photos.npz", "photos.noisy.npz", "photos.blur.npz"}
        assert {p: after[p] for p in before} == before
        assert json.loads((path / "manifest.json").read_text())["pictured_seed"] == 2

    def test_images_of_a_changed_method_are_not_shown(self, tiny, here):
        (here / "mine.py").write_text("def f(noisy): return 0.5 * noisy\n")
        run_suite(tiny.select(methods=["noisy", "mine:f"]), here / "run")
        folder = RunFolder(here / "run")
        name = example_file("photos", "mine:f")
        old = (here / "run" / name).read_bytes()
        methods = tuple(
            replace(m, source="other") if m.name == "mine:f" else m
            for m in tiny.select(methods=["noisy", "mine:f"]).methods
        )
        other = replace(tiny.select(methods=["noisy", "mine:f"]), methods=methods)
        folder.cells.drop_outdated(other.cells())
        originals = folder.gallery.originals("photos")
        assert set(folder.gallery.estimates(originals, folder.cells.all().values())) == {"noisy"}
        run_suite(tiny.select(methods=["noisy", "mine:f"]), here / "run")
        assert (here / "run" / name).read_bytes() == old

    def test_the_log_of_an_outdated_training_is_deleted(self, run, tiny):
        folder = RunFolder(run)
        methods = tuple(replace(m, source="other") for m in tiny.methods)
        folder.cells.drop_outdated(replace(tiny, methods=methods).cells())
        assert files(run)["trainings"] == []
        assert files(run)["estimates"] == ["photos.npz"]

    def test_figures_without_data_are_deleted(self, run, tiny):
        folder = RunFolder(run)
        methods = tuple(replace(m, source="other") for m in tiny.methods if m.name == "net")
        folder.cells.drop_outdated(replace(tiny, methods=methods).cells())
        write_reports(run)
        text = (run / "leaderboard.md").read_text()
        assert files(run)["figures"] == ["estimates-photos.png"]
        assert "figures/trainings" not in text

    def test_file_names_are_safe_and_unique(self):
        assert example_file("photos") == "estimates/photos.npz"
        assert training_file("photos", "net-2") == "trainings/photos.net-2.csv"
        odd = [
            ("a/../b", "c"),
            ("a b", "c"),
            ("a", "b.c"),
            ("a.b", "c"),
            ("A", "c"),
            ("a", "c" * 99),
        ]
        names = [training_file(*row) for row in odd] + [training_file("a", "c")]
        assert len({name.lower() for name in names}) == len(names)
        assert all(name.count("/") == 1 and len(name) < 160 for name in names)
        assert figure_file("estimates", "../../x").startswith("figures/estimates-_x.")

    @pytest.mark.parametrize(
        ("harm", "match"),
        [
            ("cut", "photos.blur.npz cannot be read as examples of a run: .*"),
            ("pickle", "photos.blur.npz cannot be read as examples of a run: .*allow_pickle"),
            ("text", "photos.blur.npz cannot be read as examples of a run: .*"),
            ("array", "photos.blur.npz cannot be read as examples of a run: .*"),
            ("empty", "photos.blur.npz cannot be read as .* not contain the numbers of items"),
            ("nan", "photos.blur.npz cannot be read as .* not contain float32 .* without NaN"),
            ("figures", "photos.blur.npz cannot be read as .* one value per metric and item"),
            (
                "other",
                "photos.blur.npz contains other items than those of the problem: delete it",
            ),
            (
                "items",
                "photos.blur.npz contains other items than those of the problem: delete it",
            ),
            ("large", "photos.blur.npz cannot be read as examples .* more than 9 bytes"),
        ],
    )
    def test_an_unreadable_file_is_named(self, run, harm, match, monkeypatch, capsys):
        file = run / "estimates" / "photos.blur.npz"
        with np.load(file, allow_pickle=False) as found:
            arrays = dict(found)
        if harm == "cut":
            file.write_bytes(file.read_bytes()[:5000])
        elif harm == "text":
            file.write_text("no archive")
        elif harm == "array":
            with file.open("wb") as data:
                np.save(data, arrays["estimate0"])
        elif harm == "empty":
            np.savez(file, **{**arrays, "items": np.array([], int)})
        elif harm == "nan":
            nan = np.full((3, 32, 32), np.nan, np.float32)
            np.savez(file, **{**arrays, "estimate0": nan})
        elif harm == "figures":
            np.savez(file, **{**arrays, "values": arrays["values"][:, :2]})
        elif harm == "pickle":
            np.savez(file, **{**arrays, "values": np.array([{}], object)}, allow_pickle=True)
        elif harm == "items":
            np.savez(file, **{**arrays, "items": arrays["items"] + 1})
        elif harm == "other":
            np.savez(file, **{**arrays, "estimate1": arrays["estimate1"][:, 1:]})
        else:
            (run / "estimates" / "photos.npz").unlink()  # it would be read first
            file.rename(run / "estimates" / "photos.npz")
            monkeypatch.setattr("sigbench.benchmark.store.examples.MAX_BYTES", 9)
            match = match.replace(".blur", "")
        for table in ("leaderboard.md", "leaderboard.csv"):
            (run / table).unlink()
        with pytest.raises(InputError, match=match):
            write_reports(run)
        assert set(table_of(run)) == {"noisy", "blur", "net"}  # the tables are still written
        assert (run / "leaderboard.csv").is_file()
        assert main(["report", str(run)]) == 2
        assert capsys.readouterr().err.count("\n") == 1


class TestMerge:
    def test_images_and_logs_are_merged(self, tiny, here):
        a, b, whole = here / "a", here / "b", here / "whole"
        run_suite(tiny.select(methods=["blur"]), a)
        run_suite(tiny.select(methods=["net"]), b)
        run_suite(tiny, whole)
        merge([a, b], here / "merged")
        assert files(here / "merged") == FILES
        assert list(contents(here / "merged", "estimates").values()) == list(
            contents(whole, "estimates").values()
        )
        assert (here / "merged/trainings/photos.net.csv").read_bytes() == (
            b / "trainings/photos.net.csv"
        ).read_bytes()
        picture = "figures/estimates-photos.png"
        assert (here / "merged" / picture).read_bytes() == (whole / picture).read_bytes()
        listed = json.loads((here / "merged/manifest.json").read_text())["files"]
        assert {f"{folder}/{name}" for folder in FILES for name in FILES[folder]} <= set(listed)

    def test_merged_images_belong_to_the_merged_cells(self, tiny, here):
        one, other = here / "one", here / "other"
        chosen = tiny.select(methods=["noisy", "blur"])
        run_suite(chosen, one)
        stale = (one / "estimates/photos.blur.npz").read_bytes()
        RunFolder(one).cells.drop_outdated(
            replace(chosen, methods=(replace(chosen.methods[1], source="old"),)).cells()
        )
        (one / "estimates/photos.blur.npz").write_bytes(
            stale + b" "
        )  # as an older version of sigbench left it
        run_suite(chosen, other)
        merge([one, other], here / "merged")
        name = "estimates/photos.blur.npz"
        assert (here / "merged" / name).read_bytes() == (other / name).read_bytes()

    @pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
    def test_trainings_are_merged_in_any_order(self, tiny, here, order):
        text = SUITE + "training_seeds = [1, 2]\n"
        (here / "seeds.toml").write_text(text)
        suite = load("seeds.toml")
        run_suite(suite.select(methods=["noisy"]), here / "a")
        run_suite(suite.select(methods=["net #1", "net #2"]), here / "b")
        merge([here / name for name in order], here / "merged")
        assert "Over training seeds" in (here / "merged/leaderboard.md").read_text()

    def test_images_of_the_first_folder_are_used_if_the_seeds_differ(self, tiny, here):
        run_suite(tiny.select(methods=["noisy"], seeds=[2]), here / "a")
        run_suite(tiny.select(methods=["blur"], seeds=[1]), here / "b")
        merge([here / "a", here / "b"], here / "merged")
        assert files(here / "merged")["estimates"] == ["photos.noisy.npz", "photos.npz"]
        assert json.loads((here / "merged/manifest.json").read_text())["pictured_seed"] == 2


def as_older_version(path):
    """Make a folder look as if an older version, without histories and images, had written it."""
    entries = RunFolder(path).cells.all().values()
    for entry in entries:
        entry.about.pop("training", None)
        for name in UNTRAINED:
            entry.about["timing"].pop(name, None)
    data = encode_cells(list(entries))
    for file in [*(path / "cells").iterdir(), *(p for n in FILES for p in (path / n).iterdir())]:
        file.unlink()
    (path / "cells" / "part-0000.parquet").write_bytes(data)
    manifest = json.loads((path / "manifest.json").read_text())
    del manifest["pictured_seed"]
    (path / "manifest.json").write_text(json.dumps(manifest))


class TestOldFolders:
    def test_they_are_read_without_training_columns(self, run):
        as_older_version(run)
        write_reports(run)
        text = (run / "leaderboard.md").read_text()
        assert "| training " not in text
        assert "figures/" not in text
        timings = pd.read_parquet(run / "timings.parquet")
        assert (timings["train_steps"] == 0).all()
        assert timings["train_s"].isna().all()

    def test_they_are_extended_and_merged(self, run, tiny, here):
        as_older_version(run)
        (here / "mine.py").write_text("def f(noisy): return 0.5 * noisy\n")
        assert run_suite(tiny.select(methods=["noisy", "mine:f"]), run).computed == 1
        assert len(files(run)["estimates"]) == 2
        as_older_version(run)
        run_suite(tiny.select(methods=["blur"]), here / "new")
        merge([run, here / "new"], here / "merged")
        assert len(files(here / "merged")["estimates"]) == 3


class TestFigures:
    def test_the_leaderboard_shows_figures_below_their_problem(self, run):
        text = (run / "leaderboard.md").read_text()
        for name in FILES["figures"]:
            assert text.count(f"](figures/{name})") == 1
            with Image.open(run / "figures" / name) as image:
                assert image.size[0] <= 1300

    def test_without_matplotlib_one_line_says_how_to_install_it(
        self, tiny, here, monkeypatch, capsys
    ):
        with monkeypatch.context() as patch:
            patch.setattr("sigbench.benchmark.report.figures.find_spec", lambda name: None)
            assert main(["run", "tiny.toml", "-o", "run", "-j", "1", "--quiet"]) == 0
            assert "figures" not in files(here / "run")
            assert "figures/" not in (here / "run" / "leaderboard.md").read_text()
            lines = capsys.readouterr().err.splitlines()
            assert [line for line in lines if "Matplotlib" in line] == [
                "run: figures need Matplotlib: pip install 'sigbench[plots]'"
            ]
            assert main(["report", "run"]) == 0
            assert "figures need Matplotlib" in capsys.readouterr().err
        assert main(["report", "run"]) == 0
        assert capsys.readouterr().err == ""
        assert files(here / "run") == FILES
        monkeypatch.setattr("sigbench.benchmark.report.figures.find_spec", lambda name: None)
        write_reports(here / "run")  # existing files are kept and shown
        assert "figures/" in (here / "run" / "leaderboard.md").read_text()

    def test_signals_need_no_matplotlib(self, here, monkeypatch, capsys):
        monkeypatch.setattr("sigbench.benchmark.report.figures.find_spec", lambda name: None)
        run = ["run", "table1", "-m", "affine", "--seeds", "1", "--items", "2", "--quiet"]
        assert main([*run, "-j", "1"]) == 0
        assert "Matplotlib" not in capsys.readouterr().err

    def test_tiles_are_the_pixels_enlarged(self, rng):
        clean = rng.uniform(0, 255, (3, 32, 32)).astype(np.float32)
        beyond = np.where(clean > 200, 300, np.where(clean < 50, -20, clean)).astype(np.float32)
        figure = plots.estimates([Strip("clean", [clean]), Strip("far", [beyond], [9.5])], 255.0)
        with Image.open(io.BytesIO(plots.png(figure))) as image:
            drawn = np.asarray(image.convert("RGB"))
        for wanted in (clean, beyond):
            pixels = np.rint(np.clip(wanted, 0, 255)).astype(np.uint8)
            tile = np.moveaxis(pixels, 0, -1).repeat(4, axis=0).repeat(4, axis=1)
            windows = np.lib.stride_tricks.sliding_window_view(drawn, tile.shape)[:, :, 0]
            rows, columns = np.nonzero((windows[:, :, 0, :4] == tile[0, :4]).all(axis=(2, 3)))
            assert any((windows[at] == tile).all() for at in zip(rows, columns, strict=True))

    @pytest.mark.parametrize(
        "shape", [(1, 32, 32), (3, 40, 56), (3, 700, 300), (2, 16, 16), (3, 1, 9)]
    )
    def test_images_of_any_shape(self, rng, shape):
        images = [rng.uniform(0, 1, shape) for _ in range(3)]
        strips = [Strip(f"method {i}", images, [20.0, math.inf, -3.0], 20.0) for i in range(11)]
        first, second = (plots.png(plots.estimates(strips, 1.0)) for _ in range(2))
        assert first == second
        with Image.open(io.BytesIO(first)) as image:
            assert image.size[0] <= 1600

    def test_values_beyond_float32_are_white_or_black(self, here):
        (here / "mine.py").write_text(
            "import numpy as np\n"
            "def far(noisy): return np.where(noisy > 0.5, 1e60, -1e60).astype(noisy.dtype)\n"
        )
        for i in range(2):
            np.save(here / f"{i}.npy", np.random.default_rng(i).uniform(size=(16, 16)))
        (here / "own.toml").write_text(
            "metrics = ['rmse']\n"
            "[[problems]]\ndataset = 'folder[path=.,peak=1]'\ndegradation = 'gaussian[sigma=0.1]'\n"
            "[[methods]]\nmethod = 'noisy'\n[[methods]]\nmethod = 'mine:far'\n"
        )
        assert run_suite(load("own.toml"), here / "run").failed == 0
        assert files(here / "run")["figures"] == ["estimates-folder.png"]

    def test_images_of_several_sizes(self, rng):
        images = [rng.uniform(0, 1, shape) for shape in ((3, 32, 32), (3, 64, 48))]
        plots.estimates([Strip("noisy", images, [1.0, 2.0])], 1.0)

    def test_strips_are_in_the_order_of_the_leaderboard(self, run, monkeypatch):
        drawn = []
        monkeypatch.setattr(
            "sigbench.benchmark.report.figures.plots.estimates",
            lambda strips, peak: drawn.extend(strips) or plots.trainings(HISTORIES),
        )
        write_reports(run)
        with open(run / "leaderboard.csv", encoding="utf-8") as file:
            board = [row for row in csv.DictReader(file) if row["metric"] == "psnr"]
        order = [row["method"] for row in board if row["method"] != "noisy"]
        assert [strip.name for strip in drawn] == ["noisy", "clean", *order]
        assert drawn[1].psnr == ()
        mean = {row["method"]: float(row["mean"]) for row in board}
        assert drawn[2].mean == pytest.approx(mean[order[0]], rel=1e-5)

    def test_labels_of_trainings_do_not_overlap_or_leave_their_panel(self):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.text import Text

        figure = plots.trainings(HISTORIES, {"net 1": "net", "net 2": "net"})
        FigureCanvasAgg(figure).draw()
        top, bottom = figure.axes
        assert (len(top.texts), len(bottom.texts)) == (19, 1)
        assert top.lines[2].get_color() == top.lines[4].get_color() != top.lines[0].get_color()
        renderer = figure.canvas.get_renderer()
        panel = top.get_window_extent()
        boxes = [
            Text.get_window_extent(text, renderer) for text in top.texts
        ]  # without its connecting line
        centres = sorted((box.y0 + box.y1) / 2 for box in boxes)
        assert min(np.diff(centres)) > max(box.height for box in boxes)
        assert panel.y0 - 2 <= centres[0]
        assert centres[-1] <= panel.y1 + 2

    def test_figures_of_trainings_are_reproducible(self):
        assert plots.png(plots.trainings(HISTORIES)) == plots.png(plots.trainings(HISTORIES))

    def test_a_training_with_one_point_can_be_drawn(self):
        plots.png(
            plots.trainings({"one": TrainingHistory(0, 1, 1, 1, "own", (LogEntry(1, 0, 1, 1, 5),))})
        )


def history(end, seed, metric="psnr"):
    at = np.arange(1, 41) / 40
    figures = end - 15 * np.exp(-9 * at) + 0.1 * np.random.default_rng(seed).normal(size=40)
    log = tuple(
        LogEntry(i, 60 * u, 1.0, 1.0, f) for i, (u, f) in enumerate(zip(at, figures, strict=True))
    )
    return TrainingHistory(60.0, 40, 2.0, 80, metric, log)


HISTORIES = {
    **{f"net {i}": history(30 + 0.01 * i, i) for i in range(18)},
    "poor": history(20, 99),
    "other": history(3, 5, "rmse"),
}
