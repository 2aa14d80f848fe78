"""Stored examples: the first items of every kind of data, with their estimates."""

import dataclasses
import json
import zipfile

import numpy as np
import pytest

from sigbench import InputError, load, run_suite
from sigbench.benchmark.engine.examples import Limit, first_examples, remaining
from sigbench.benchmark.merge import merge
from sigbench.benchmark.run_suite import write_reports
from sigbench.benchmark.store.cells import read_values
from sigbench.benchmark.store.examples import read_estimates, read_originals
from sigbench.benchmark.store.gallery import example_file
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.core.protocols import Block

SUITE = """
name = "kinds"
metrics = ["psnr", "rmse"]
seeds = [1]
[[problems]]
name = "{name}"
dataset = "{dataset}"
degradation = "gaussian[sigma=0.1]"
items = {items}
[[methods]]
method = "noisy"
[[methods]]
method = "gaussian-blur[width=0.6]"
name = "blur"
"""
SYSTEM = """
name = "systems"
metrics = ["system_error"]
seeds = [1]
[[problems]]
name = "system"
system = "systems[taps=8]"
length = [64]
snr_db = [20]
items = 6
[[methods]]
method = "spectral-division"
[[methods]]
method = "least-squares-fir"
"""
TRACKING = """
name = "tracking"
metrics = ["noise_spectrum_error"]
seeds = [1]
[[problems]]
name = "white"
task = "noise-tracking"
dataset = "speech-smoke"
degradation = "mix[noise=white,snr_db=5]"
items = 2
[[methods]]
method = "leading"
"""


def made(folder, text, run="run"):
    """Run a suite, and return it with the folder of the run."""
    (folder / "kinds.toml").write_text(text)
    suite = load("kinds.toml")
    assert run_suite(suite, folder / run).failed == 0
    return suite, folder / run


def examples(run, problem):
    """Return the originals of a problem and its estimates by method."""
    folder = RunFolder(run)
    originals = folder.gallery.originals(problem)
    return originals, folder.gallery.estimates(originals, folder.cells.all().values())


def item_values(run, method):
    """Return the values of a method by metric, one per item, from the cells."""
    cells = RunFolder(run).cells.all()
    (cell,) = [cell for (_, _, name), cell in cells.items() if name == method]
    (values,) = read_values([cell])
    metrics = cell.about["metrics"]
    return dict(zip(metrics, values.reshape(len(metrics), -1), strict=True))


@pytest.mark.parametrize(
    ("dataset", "items", "domain", "fs", "kept"),
    [
        ("demo-signals[n=64]", 6, "signal", None, 4),
        ("demo-signals[n=32768]", 3, "signal", None, 2),  # 2**16 samples
        ("demo-signals[n=131072]", 1, "signal", None, 0),
        ("speech-smoke", 3, "speech", 16000, 2),
        ("photos32", 6, "image", None, 4),
        ("photos32[grey=true]", 2, "image", None, 2),
    ],
)
def test_the_first_items_are_kept_with_their_values(here, dataset, items, domain, fs, kept):
    suite, run = made(here, SUITE.format(name="first", dataset=dataset, items=items))
    if not kept:
        assert not (run / "estimates").exists()
        return
    originals, found = examples(run, "first")
    (block,) = suite.problems[0].blocks(1, 100)
    assert (originals.domain, originals.fs) == (domain, fs)
    assert originals.peak == suite.problems[0].dataset.peak
    assert originals.items == tuple(range(kept))
    assert set(found) == {"noisy", "blur"}
    for i in range(kept):
        assert originals.clean[i].dtype == originals.noisy[i].dtype == np.float32
        np.testing.assert_array_equal(originals.clean[i], block.clean[i].astype(np.float32))
        np.testing.assert_array_equal(originals.noisy[i], block.noisy[i].astype(np.float32))
        np.testing.assert_array_equal(found["noisy"].estimates[i], originals.noisy[i])
    for method, estimates in found.items():
        own = item_values(run, method)
        assert set(estimates.values) == {"psnr", "rmse"}
        for metric, values in estimates.values.items():
            assert list(values) == list(own[metric][:kept])
    assert (run / "figures").exists() == (domain == "image")


def test_impulse_responses_are_kept_with_input_and_output(here):
    suite, run = made(here, SYSTEM)
    originals, found = examples(run, "system")
    (block,) = suite.problems[0].blocks(1, 100)
    assert originals.domain == "system"
    assert [h.shape for h in originals.clean] == [(1, 8)] * 4
    assert [xy.shape for xy in originals.noisy] == [(2, 64)] * 4
    np.testing.assert_array_equal(originals.noisy[3], block.noisy[3].astype(np.float32))
    assert [h.shape for h in found["least-squares-fir"].estimates] == [(1, 8)] * 4


def test_spectra_of_noise_tracking_are_not_kept(here):
    _, run = made(here, TRACKING)
    assert not (run / "estimates").exists()


def test_an_unknown_domain_is_not_kept(here, monkeypatch):
    monkeypatch.setattr("sigbench.datasets.demo_signals.DemoSignals.domain", "radio")
    _, run = made(here, SUITE.format(name="first", dataset="demo-signals[n=64]", items=2))
    assert not (run / "estimates").exists()


class TestLimits:
    """What is kept does not depend on how items are divided into blocks."""

    sizes = (10, 30, 10, 60, 10, 10)

    def blocks(self, together):
        for i, size in enumerate(self.sizes):
            if together and i == len(self.sizes) - 1:
                return
            n = 2 if together and i == len(self.sizes) - 2 else 1
            y = np.zeros((n, 1, size))
            yield Block(np.arange(i, i + n), ("g",) * n, y, y, None)

    @pytest.mark.parametrize("together", [False, True])
    @pytest.mark.parametrize(
        ("limit", "items"),
        [
            (Limit(4, 1000), [0, 1, 2, 3]),
            (Limit(4, 65), [0, 1, 2, 4]),  # the large item is left out, not those behind it
            (Limit(9, 70), [0, 1, 2, 4, 5]),
            (Limit(9, 9), []),
            (Limit(0, 0), []),
        ],
    )
    def test_items_that_fit_are_kept_in_order(self, limit, items, together):
        kept = []
        for block in self.blocks(together):
            values = {"rmse": np.zeros(len(block.items))}
            kept += first_examples(block, block.noisy, values, remaining(limit, kept))
        assert [one.item for one in kept] == items

    def test_values_beyond_float32_become_infinite(self):
        y = np.full((1, 1, 2), 1e300)
        block = Block(np.arange(1), ("g",), y, y, None)
        (one,) = first_examples(block, y, {"psnr": np.array([np.nan])}, Limit(1, 2))
        assert np.isposinf(one.noisy).all()
        assert np.isnan(one.values["psnr"])


SIGNALS = SUITE.format(name="first", dataset="demo-signals[n=64]", items=6)


def contents(run):
    return {path.name: path.read_bytes() for path in (run / "estimates").iterdir()}


def test_a_resumed_run_and_a_merge_have_the_same_files(here):
    suite, whole = made(here, SIGNALS)
    run_suite(suite.select(methods=["noisy"]), here / "a")
    before = contents(here / "a")
    run_suite(suite, here / "a")
    assert contents(here / "a") == contents(whole)
    assert before.items() <= contents(whole).items()
    run_suite(suite.select(methods=["noisy"]), here / "b")
    run_suite(dataclasses.replace(suite, methods=suite.methods[1:]), here / "c")
    merge([here / "b", here / "c"], here / "merged")
    assert contents(here / "merged") == contents(whole)
    listed = json.loads((here / "merged/manifest.json").read_text())["files"]
    assert {f"estimates/{name}" for name in contents(whole)} <= set(listed)


def test_examples_of_an_outdated_cell_are_deleted(here):
    suite, run = made(here, SIGNALS)
    changed = tuple(dataclasses.replace(m, source="other") for m in suite.methods)
    RunFolder(run).cells.drop_outdated(dataclasses.replace(suite, methods=changed).cells())
    assert list(contents(run)) == ["first.npz"]


class TestOlderVersions:
    """Folders whose files have a PSNR and no domain, or no files for signals."""

    @pytest.fixture
    def run(self, here):
        self.suite, run = made(here, SUITE.format(name="first", dataset="photos32", items=6))
        for path in (run / "estimates").iterdir():
            with np.load(path, allow_pickle=False) as file:
                arrays = dict(file)
            for name in ("domain", "fs", "metrics"):
                arrays.pop(name, None)
            if "values" in arrays:
                arrays["psnr"] = arrays.pop("values")[0]
            np.savez(path, **arrays)
        return run

    def test_their_files_are_read_with_defaults(self, run):
        originals, found = examples(run, "first")
        assert (originals.domain, originals.fs, originals.peak) == ("image", None, 255)
        assert {name: list(one.values) for name, one in found.items()} == {
            "noisy": ["psnr"],
            "blur": ["psnr"],
        }
        assert list(found["blur"].values["psnr"]) == list(item_values(run, "blur")["psnr"][:4])
        figure = (run / "figures/estimates-first.png").read_bytes()
        (run / "figures/estimates-first.png").unlink()
        write_reports(run)
        assert (run / "figures/estimates-first.png").read_bytes() == figure

    def test_they_are_extended_and_merged(self, run, here):
        (here / "mine.py").write_text("def f(noisy): return 0.5 * noisy\n")
        run_suite(self.suite.select(methods=["mine:f"]), here / "new")
        run_suite(self.suite.select(methods=["mine:f"]), run)
        originals, found = examples(run, "first")
        assert originals.domain == "image"
        assert {name: len(one.values) for name, one in found.items()} == {
            "noisy": 1,
            "blur": 1,
            "mine:f": 2,
        }
        merge([run, here / "new"], here / "merged")
        assert set(examples(here / "merged", "first")[1]) == set(found)

    def test_a_folder_of_signals_without_examples_is_extended(self, here):
        suite, run = made(here, SIGNALS)
        for path in (run / "estimates").iterdir():
            path.unlink()
        write_reports(run)
        (here / "mine.py").write_text("def f(noisy): return 0.5 * noisy\n")
        assert run_suite(suite.select(methods=["noisy", "mine:f"]), run).computed == 1
        assert set(contents(run)) == {"first.npz", example_file("first", "mine:f")[10:]}


def saved(path, **arrays):
    np.savez(path, **arrays)
    return path


Y = np.zeros((1, 8), np.float32)
GOOD = {"items": np.array([0]), "noisy0": Y, "clean0": Y, "peak": np.array(1.0)}
SIGNAL = {**GOOD, "domain": np.array("signal"), "fs": np.array(8000.0)}
ESTIMATE = {
    "items": np.array([0]),
    "estimate0": Y,
    "cell_key": np.array("k"),
    "metrics": np.array(["psnr", "rmse"]),
    "values": np.array([[np.nan], [np.inf]]),
}


class TestDamagedFiles:
    def test_good_files_are_read(self, here):
        assert read_originals(saved(here / "a.npz", **SIGNAL)).fs == 8000
        values = read_estimates(saved(here / "b.npz", **ESTIMATE)).values
        assert np.isnan(values["psnr"][0])
        assert values["rmse"] == (np.inf,)

    @pytest.mark.parametrize(
        ("changes", "match"),
        [
            ({"domain": np.array("video")}, "domain='video' must be one of: signal, speech"),
            ({"domain": np.array(1)}, "where a text is expected"),
            ({"domain": np.array("image")}, r"float32 arrays of shape \(C, H, W\)"),
            ({"fs": np.array(-1.0)}, "fs=-1.0 must be > 0"),
            ({"fs": np.array(np.inf)}, "fs=inf must be > 0 and finite"),
            ({"fs": np.array([1.0, 2.0])}, "only"),
            ({"peak": np.array(np.nan)}, "peak=nan must be > 0"),
            ({"clean0": Y[:, :4]}, "have different shapes"),
            ({"clean0": Y.astype(float)}, "float32 arrays"),
            ({"clean0": Y[None]}, r"float32 arrays of shape \(C, L\)"),
            ({"clean0": Y[:0]}, "float32 arrays"),
            ({"items": np.array([0.0])}, "the numbers of items"),
            ({"items": np.array(0)}, "must have one dimension"),
            ({"items": np.array([0, 1])}, "noisy1"),
        ],
    )
    def test_originals_are_checked(self, here, changes, match):
        path = saved(here / "a.npz", **{**SIGNAL, **changes})
        with pytest.raises(InputError, match=f"cannot be read as examples of a run: .*{match}"):
            read_originals(path)

    @pytest.mark.parametrize(
        ("changes", "match"),
        [
            ({"values": np.zeros((1, 1))}, "one value per metric and item"),
            ({"values": np.zeros((2, 1), int)}, "one value per metric and item"),
            ({"metrics": np.array("psnr")}, "must have one dimension"),
            ({"metrics": np.array([b"a", b"b"])}, "where a text is expected"),
            ({"cell_key": np.array(["k"])}, "where a text is expected"),
            ({"estimate0": np.full((1, 8), np.nan, np.float32)}, "without NaN"),
        ],
    )
    def test_estimates_are_checked(self, here, changes, match):
        path = saved(here / "a.npz", **{**ESTIMATE, **changes})
        with pytest.raises(InputError, match=f"cannot be read as examples of a run: .*{match}"):
            read_estimates(path)

    def test_a_small_file_of_many_values_is_refused(self, here):
        np.savez_compressed(here / "bomb.npz", **SIGNAL, more=np.zeros(10**6))
        with pytest.raises(InputError, match="it is compressed"):
            read_originals(here / "bomb.npz")

    def test_members_that_overlap_are_refused(self, here):
        path = saved(here / "a.npz", **SIGNAL)
        with zipfile.ZipFile(path, "a") as archive:  # list one member a thousand times
            archive.filelist += [archive.filelist[0]] * 1000
            archive._didModify = True
        with pytest.raises(InputError, match="its members overlap"):
            read_originals(path)
