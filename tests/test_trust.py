"""Methods that try to read or to create the clean items, and the canary run in which they lose."""

import dataclasses
import json

import numpy as np
import pytest

from sigbench import InputError, load, read_run, run_suite
from sigbench.benchmark.engine.secret import Secret, read_secret
from sigbench.cli.main import main

CHEATS = '''
import gc, inspect, sys
import numpy as np

def by_seed(noisy):
    """Create the test items again, and return those that are nearest to the noisy ones."""
    from sigbench.datasets import SparseSpikes
    data = SparseSpikes()
    clean = np.stack([data.item("test", seed, i) for seed in (1, 2) for i in range(6)])
    distance = ((noisy[:, None] - clean) ** 2).sum(axis=(2, 3))
    return clean[distance.argmin(axis=1)].astype(noisy.dtype)

def by_frame(noisy):
    """Look for arrays of the right shape in the frames of all callers and in the garbage collector."""
    found = [
        value
        for frame in inspect.stack()
        for value in [*frame.frame.f_locals.values(), *frame.frame.f_globals.values()]
    ]
    found += gc.get_objects()
    blocks = [getattr(one, "clean", None) for one in found if type(one).__name__ == "Block"]
    arrays = [one for one in [*found, *blocks] if isinstance(one, np.ndarray)]
    for array in arrays:
        if array.shape == noisy.shape and not np.array_equal(array, noisy):
            return array.astype(noisy.dtype)
    return noisy.copy()
'''


@pytest.fixture
def folder(here):
    (here / "cheats.py").write_text(CHEATS)
    (here / "secret").write_bytes(b"an unguessable text of 40 bytes for once\n")
    return here


def psnr(folder, *options):
    """Run both cheats, and return the mean PSNR of every method."""
    call = ["run", "table1", "-m", "noisy", "cheats:by_seed", "cheats:by_frame", "--quiet"]
    call += ["--items", "6", "--seeds", "1,2", "-j", "1", "-o", "run", *options]
    assert main(call) == 0
    board = read_run("run").leaderboard
    board = board[board["metric"] == "psnr"]
    return dict(zip(board["method"], board["mean"], strict=True))


def test_a_method_that_creates_the_items_again_loses_with_private_seeds(folder):
    public = psnr(folder)
    assert public["cheats:by_seed"] == np.inf  # the cheat works
    secret = psnr(folder, "--secret-seed", "secret", "--fresh")
    assert secret["cheats:by_seed"] < secret["noisy"]
    assert secret["noisy"] == pytest.approx(public["noisy"], abs=2)


def test_no_clean_item_is_in_the_process_of_a_method(folder):
    public = psnr(folder)
    assert public["cheats:by_frame"] == public["noisy"]


class TestSecret:
    def test_the_run_folder_does_not_contain_the_seeds(self, folder):
        suite = load("table1").select(methods=["noisy"], items=4, seeds=[1])
        secret = read_secret(folder / "secret")
        private = dataclasses.replace(suite, secret=secret)
        run_suite(private, folder / "run")
        seed = str(secret.seed(1)).encode()
        content = [file.read_bytes() for file in (folder / "run").rglob("*") if file.is_file()]
        assert not any(seed in one or secret.content in one for one in content)
        assert not (folder / "run/estimates").exists()  # they would show clean items
        groups = read_run(folder / "run").scores["group"]
        assert set(groups) == {f"1:{i}" for i in range(4)}
        assert (folder / "run/leaderboard.md").read_text().count(secret.digest) == 1
        assert json.loads((folder / "run/manifest.json").read_text())["suite"]["secret"]

    def test_runs_with_other_seeds_are_not_mixed(self, folder, capsys):
        call = ["run", "table1", "-m", "noisy", "--items", "2", "--seeds", "1", "-o", "run"]
        assert main([*call, "--secret-seed", "secret"]) == 0
        assert main([*call, "--secret-seed", "secret"]) == 0  # resumed: all cells are cached
        assert "0 cells run" in capsys.readouterr().err
        assert main(call) == 2
        (folder / "other").write_bytes(bytes(range(33, 60)))
        assert main([*call, "--secret-seed", "other"]) == 2
        assert "contains a run with other data seeds" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (None, "no such file"),
            (b"", "a secret of 0 bytes: it must have 16 to 65536"),
            (b"123456789012345\n", "a secret of 15 bytes"),
            (bytes(range(1, 256)) * 300, "it must have 16 to 65536"),
        ],
    )
    def test_wrong_files_are_one_line(self, folder, capsys, content, message):
        if content is not None:
            (folder / "bad").write_bytes(content)
        assert main(["run", "table1", "--secret-seed", "bad"]) == 2
        err = capsys.readouterr().err
        assert message in err
        assert err.count("\n") == 1

    def test_seeds(self):
        seeds = [Secret(bytes([one] * 16)).seed(n) for one in range(20) for n in range(50)]
        assert len(set(seeds)) == 1000
        assert all(0 <= seed < 2**63 for seed in seeds)
        with pytest.raises(InputError, match="a secret of 3 bytes"):
            Secret(b"abc")


def test_cautions_are_printed_once_and_listed(here, capsys):
    (here / "zero.toml").write_text(
        'name = "zero"\nmetrics = ["psnr"]\nseeds = [1, 2]\n'
        '[[problems]]\nname = "spikes"\ndataset = "sparse-spikes"\n'
        'degradation = "impulse[amount=0.01]"\nitems = 8\n'
        '[[methods]]\nname = "w"\nmethod = "wavelet[wavelet=haar]"\n'
    )
    assert main(["run", "zero.toml", "-o", "run", "-j", "1"]) == 0
    err = capsys.readouterr().err
    assert err.count("caution: w: the noise level of ") >= 1
    report = (here / "run/leaderboard.md").read_text()
    assert "## Cautions\n\n- w, in spikes: the noise level of" in report
