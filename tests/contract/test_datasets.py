"""One contract over every registered dataset."""

import re

import numpy as np
import pytest

from sigbench import DATASETS, InputError
from sigbench.cli.data import fetch
from sigbench.config.registry import build
from sigbench.datasets.base import card_folder

SPECS = [
    "sparse-spikes",
    "demo-signals[signal=doppler,n=64]",
    "photos32",
    "speech-smoke",
    "gaussian-process[n=64]",
    "systems",
    "cifar10",
    "ee559",
    "bsd400[window=16]",
    "bsd68",
    "fsdd[length_s=0.5]",
    "esc10",
    "voicebank-demand",
    "speech-training",
    "folder",
    "pairs",
]


@pytest.fixture(params=SPECS)
def dataset(request, tmp_path):
    spec = request.param
    if spec in ("cifar10", "ee559"):  # fetched from tiny files
        tiny = request.getfixturevalue("tiny")
        tiny.declare(tiny.archive())
        fetch(spec, str(tmp_path if spec == "cifar10" else tiny.pairs(tmp_path / "pairs")))
    if spec.startswith("bsd"):
        request.getfixturevalue("tiny_bsd")
        for name in ("bsd400", "bsd68"):
            fetch(name, str(tmp_path / f"{name}-copy"))
    if spec in ("fsdd[length_s=0.5]", "esc10", "voicebank-demand", "speech-training"):
        tiny_speech = request.getfixturevalue("tiny_speech")
        tiny_speech.fsdd()
        if spec == "esc10":
            fetch(spec, str(tiny_speech.esc10()))
        if spec == "voicebank-demand":
            fetch(spec, str(tiny_speech.voicebank()))
        if spec == "speech-training":
            return DATASETS[spec](str(tiny_speech.synthetic()))
    if spec == "folder":
        for split in ("train", "test"):
            (tmp_path / split).mkdir()
            for i in range(2):
                np.save(tmp_path / split / f"{i}.npy", np.arange(8.0) + i)
        return DATASETS["folder"](str(tmp_path), peak=10.0)
    if spec == "pairs":
        for kind in ("noisy", "clean"):
            for split in ("train", "test"):
                (tmp_path / kind / split).mkdir(parents=True)
                for i in range(2):
                    values = np.arange(8.0) + i + (split == "test")
                    np.save(tmp_path / kind / split / f"{i}.npy", values)
        return DATASETS["pairs"](str(tmp_path / "noisy"), str(tmp_path / "clean"), peak=10.0)
    return build("dataset", DATASETS, spec)


def test_every_registered_dataset_is_covered():
    assert {spec.partition("[")[0] for spec in SPECS} == set(DATASETS)


@pytest.mark.parametrize("split", ["train", "test"])
def test_an_item_can_be_made_again_alone_and_in_any_order(dataset, split):
    if dataset.size(split) == 0:
        return
    forwards = [dataset.item(split, 1, i) for i in range(2)]
    backwards = [dataset.item(split, 1, i) for i in (1, 0)][::-1]
    for one, two in zip(forwards, backwards, strict=True):
        np.testing.assert_array_equal(one, two)
        assert one.dtype in (np.float32, np.float64)
        assert one.ndim in (2, 3)
        assert np.isfinite(one).all()
        bounded = dataset.kind != "gaussian-process"  # its peak is declared: three deviations
        assert not bounded or np.abs(one).max() <= dataset.peak + 1e-9


def test_items_are_copies(dataset):
    before = dataset.item("test", 1, 0).copy()
    dataset.item("test", 1, 0)[...] = 99
    np.testing.assert_array_equal(dataset.item("test", 1, 0), before)


def test_train_and_test_differ(dataset):
    if dataset.size("train") == 0:
        return
    one, two = dataset.item("train", 1, 0), dataset.item("test", 1, 0)
    if dataset.kind in ("folder", "pairs"):
        return  # what is in the folders is the user's
    assert one.shape != two.shape or not np.array_equal(one, two)


def test_sizes_and_groups(dataset):
    for split in ("train", "test"):
        size = dataset.size(split)
        if dataset.kind == "voicebank-demand" and split == "train":
            assert size == 0
            continue
        assert size is None or size >= 2
        assert isinstance(dataset.group(split, 0), str | None)


@pytest.mark.parametrize("name", [n for n in DATASETS if n != "folder"])
def test_every_dataset_has_a_card(name):
    card = (card_folder() / f"{name}.md").read_text(encoding="utf-8")
    for heading in ("Source", "License", "Units and peak", "Size", "Splits", "Version"):
        assert re.search(rf"^\| {heading} +\|", card, re.M), f"{name}: no row {heading!r}"


def test_photos_are_split_by_photograph():
    photos = DATASETS["photos32"]()
    of = {
        s: {photos.group(s, i).split("/")[0] for i in range(photos.size(s))}
        for s in ("train", "test")
    }
    assert of == {"train": {"astronaut", "coffee"}, "test": {"chelsea", "rocket"}}
    # About 1,860 and 1,060 crops were counted by the measurements that this set follows.
    assert photos.size("train") == 1863
    assert photos.size("test") == 1061


def test_fresh_crops_are_of_the_training_photographs_and_turned(rng, monkeypatch):
    """One photograph whose pixels say where they are: 100·row + column."""
    from sigbench.datasets import photos32

    where = np.add.outer(100.0 * np.arange(40), np.arange(50)).astype(np.float32)
    monkeypatch.setattr(photos32, "_photograph", lambda name, scale, grey: np.stack([where] * 3))
    crops = DATASETS["photos32"](scales=1).draw(400, rng)[:, 0]
    corners = [sorted((c[0, 0], c[0, -1], c[-1, 0], c[-1, -1])) for c in crops]
    first = np.array([c[0] for c in corners])
    np.testing.assert_array_equal(np.diff(corners, axis=1), [[31, 3069, 31]] * 400)
    np.testing.assert_array_equal(np.unique(first // 100), np.arange(9))
    np.testing.assert_array_equal(np.unique(first % 100), np.arange(19))
    turns = {tuple(np.sign([c[0, 1] - c[0, 0], c[1, 0] - c[0, 0]]) * (1, 2)) for c in crops}
    steps = {(c[0, 1] - c[0, 0], c[1, 0] - c[0, 0]) for c in crops}
    assert len(turns) == 4
    assert len(steps) == 8


@pytest.mark.parametrize(
    ("name", "package"), [("china.jpg", "sigbench"), ("coffee.png", "scikit-image")]
)
def test_a_photograph_that_is_not_installed_is_named(monkeypatch, tmp_path, name, package):
    from sigbench.datasets import photos32

    monkeypatch.setattr(photos32, "card_folder", lambda: tmp_path)
    monkeypatch.setattr(photos32, "find_spec", lambda package: None)
    message = f"photos32: {name} is missing from the installation of {package}"
    with pytest.raises(InputError, match=message):
        photos32.photograph_file(name)


def test_overlapping_crops_share_their_group():
    photos = DATASETS["photos32"](scales=1, min_std=0)
    groups = [photos.group("test", i) for i in range(photos.size("test"))]
    assert len(set(groups)) < len(groups) / 8  # 64-pixel tiles at stride 16


def test_speech_voices_do_not_cross_splits():
    speech = DATASETS["speech-smoke"]()
    voices = {s: {speech.group(s, i) for i in range(speech.size(s))} for s in ("train", "test")}
    assert not voices["train"] & voices["test"]
    assert speech.size("train") + speech.size("test") == 24


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("demo-signals[signal=nope]", "unknown demo signal 'nope'"),
        ("demo-signals[n=4]", "n=4 must be >= 16"),
        (
            "demo-signals[signal=piece-regular,n=1000]",
            "n=1000 must be a power of two for piece-regular",
        ),
        ("systems[tail=1]", "tail=1 must be >= 0 and < 1"),
        ("systems[taps=1]", "taps=1 must be >= 2"),
        ("sparse-spikes[n=0]", "n=0 must be >= 1"),
        ("photos32[window=4]", "window=4 must be >= 8"),
        ("folder[path=nowhere]", "path=nowhere is not a folder"),
        ("folder", "folder: path must be set, as in folder[path=...]"),
        ("pairs[noisy=a]", "clean must be set, as in pairs[clean=...]"),
    ],
)
def test_bad_parameters_are_refused(spec, message):
    with pytest.raises(InputError, match=re.escape(message)):
        build("dataset", DATASETS, spec)


def test_a_folder_without_splits_is_all_test(tmp_path):
    np.save(tmp_path / "a.npy", np.ones(8))
    folder = DATASETS["folder"](str(tmp_path), peak=2.0)
    assert (folder.size("train"), folder.size("test")) == (0, 1)
    assert folder.group("test", 0) == "a.npy"


def test_a_folder_of_floats_must_say_its_peak(tmp_path):
    np.save(tmp_path / "a.npy", np.ones(8))
    with pytest.raises(InputError, match="set peak="):
        DATASETS["folder"](str(tmp_path))


def test_a_folder_mixing_kinds_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.ones(8))
    (tmp_path / "b.csv").write_text("1\n2\n")
    with pytest.raises(InputError, match="mixes array and table files"):
        DATASETS["folder"](str(tmp_path), peak=1.0)


def test_a_folder_is_listed_and_digested_once(tmp_path, monkeypatch):
    for i in range(3):
        np.save(tmp_path / f"{i}.npy", np.arange(8.0) + i)
    folder = DATASETS["folder"](str(tmp_path), peak=10.0)
    version = folder.version
    monkeypatch.setattr(
        "sigbench.datasets.folder._listed", lambda root: pytest.fail("listed again")
    )
    monkeypatch.setattr("hashlib.sha256", lambda *a: pytest.fail("digested again"))
    assert [folder.item("test", 1, i)[0, 0] for i in range(3)] == [0, 1, 2]
    assert folder.version == version


def test_a_folders_version_is_its_content(tmp_path):
    np.save(tmp_path / "a.npy", np.ones(8))
    before = DATASETS["folder"](str(tmp_path), peak=1.0).version
    np.save(tmp_path / "a.npy", np.zeros(8))
    assert DATASETS["folder"](str(tmp_path), peak=1.0).version != before


def test_grey_photos_are_the_luma_of_the_coloured(rng):
    color, grey = (DATASETS["photos32"](min_std=0, grey=g) for g in (False, True))
    weights = [0.299, 0.587, 0.114]  # ITU-R BT.601
    for i in (0, 5):
        item = grey.item("test", 1, i)
        assert (item.shape, item.dtype) == ((1, 32, 32), np.float32)
        luma = np.tensordot(weights, color.item("test", 1, i), axes=1)
        np.testing.assert_allclose(item[0], luma, rtol=1e-6)
    assert grey.draw(3, rng).shape == (3, 1, 32, 32)
