"""The dataset ``pairs``: noisy files beside clean files of the same names."""

import numpy as np
import pytest
import soundfile

from sigbench import InputError, PairedFiles, load, run_suite
from sigbench.problems.degradations import Recorded


@pytest.fixture
def folders(tmp_path, rng, monkeypatch):
    """Folders `noisy` and `clean` in the working directory, 3 training and 2 test files each."""
    monkeypatch.chdir(tmp_path)
    for split, count in (("train", 6), ("test", 2)):
        for kind in ("noisy", "clean"):
            (tmp_path / kind / split).mkdir(parents=True)
        for i in range(count):
            clean = np.sin(np.arange(64.0) * (i + 1) / 9)
            np.save(f"clean/{split}/{i}.npy", clean)
            np.save(f"noisy/{split}/{i}.npy", clean + 0.3 * rng.standard_normal(64))
    return tmp_path


def make(**options):
    return PairedFiles(**{"noisy": "noisy", "clean": "clean", "peak": 1.0, **options})


def test_items_contain_both_views(folders):
    data = make()
    assert (data.size("train"), data.size("test")) == (6, 2)
    made = Recorded()(data.item("test", 1, 1)[None], np.random.default_rng(0), peak=1.0)
    np.testing.assert_array_equal(made.clean[0, 0], np.load("clean/test/1.npy"))
    np.testing.assert_array_equal(made.noisy[0, 0], np.load("noisy/test/1.npy"))
    assert data.group("test", 1) == "1.npy"


def test_a_suite_tunes_on_the_training_pairs_and_scores_the_test_pairs(folders):
    (folders / "mine.toml").write_text(
        'name = "mine"\nseeds = [1]\nmetrics = ["rmse"]\n'
        '[[problems]]\nname = "mine"\ndataset = "pairs[noisy=noisy,clean=clean,peak=1]"\n'
        'degradation = "recorded"\n'
        '[[methods]]\nname = "blur"\nmethod = "gaussian-blur"\ntune = { width = [0.5, 1, 2] }\n'
    )
    run = run_suite(load("mine.toml"), folders / "out")
    assert run.failed == 0
    means = dict(zip(run.leaderboard.method, run.leaderboard["mean"], strict=True))
    errors = [
        np.sqrt(np.mean((np.load(f"noisy/test/{i}.npy") - np.load(f"clean/test/{i}.npy")) ** 2))
        for i in range(2)
    ]
    assert means["noisy"] == pytest.approx(np.mean(errors))
    assert means["blur"] < means["noisy"]


def test_files_without_a_counterpart_are_an_error_or_left_out(folders):
    (folders / "noisy/test/2.npy").write_bytes((folders / "noisy/test/0.npy").read_bytes())
    with pytest.raises(InputError, match=r"noisy/2.npy has no counterpart in clean; on_bad_item"):
        make()
    data = make(on_bad_item="skip")
    assert data.left_out == {"noisy/2.npy": "has no counterpart in clean"}
    assert data.size("test") == 2


def test_files_of_different_length_are_an_error(folders):
    np.save("noisy/test/0.npy", np.zeros(65))
    with pytest.raises(
        InputError, match=r"0.npy has shape \(1, 65\), but its clean file has \(1, 64\)"
    ):
        make()
    assert make(on_bad_item="skip").size("test") == 1


@pytest.mark.parametrize(
    ("noisy", "clean", "message"),
    [
        ("a,b", "b,a", r"same columns in different orders: 'a, b' and 'b, a'"),
        ("a,b", "a,c", None),
        (0.01, 0.02, "has a sampling rate of 100 Hz, but its clean file has 50 Hz"),
        (0.01, 0.01, None),
    ],
)
def test_tables_have_the_same_columns_and_rate(tmp_path, monkeypatch, rng, noisy, clean, message):
    monkeypatch.chdir(tmp_path)
    for kind, form in (("noisy", noisy), ("clean", clean)):
        (tmp_path / kind).mkdir()
        names, step = (form, 0.01) if isinstance(form, str) else ("a,b", form)
        table = np.c_[np.arange(50) * step, rng.standard_normal((50, 2))]
        np.savetxt(f"{kind}/x.csv", table, "%.4f", ",", header=f"time [s],{names}", comments="")
    if message is None:
        assert make().size("test") == 1
    else:
        with pytest.raises(InputError, match=f"noisy/x.csv .*{message}"):
            make()


def test_formats_may_differ_but_not_rates(tmp_path, monkeypatch, rng):
    monkeypatch.chdir(tmp_path)
    for kind, suffix, fs in (
        ("noisy", "flac", 8000),
        ("clean", "wav", 8000),
        ("other", "wav", 9000),
    ):
        (tmp_path / kind).mkdir()
        soundfile.write(f"{kind}/a.{suffix}", rng.uniform(-1, 1, 100), fs)
    data = PairedFiles("noisy", "clean")
    assert (data.size("test"), data.domain, data.problem_info) == (1, "speech", {"fs": 8000.0})
    with pytest.raises(InputError, match=r"problem_info is {'fs': 8000.0} and {'fs': 9000.0}"):
        PairedFiles("noisy", "other")
    soundfile.write("noisy/a.wav", rng.uniform(-1, 1, 100), 8000)
    with pytest.raises(InputError, match="names without suffix must be distinct"):
        PairedFiles("noisy", "clean")


def test_the_version_depends_on_both_folders(folders):
    before = make().version
    np.save("noisy/test/0.npy", np.zeros(64))
    assert make().version != before


def test_no_pair_at_all_is_an_error(folders):
    for i in range(2):
        (folders / f"noisy/test/{i}.npy").rename(folders / f"noisy/test/x{i}.npy")
    with pytest.raises(InputError, match="have no test file in common"):
        make(on_bad_item="skip")
