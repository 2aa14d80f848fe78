"""The tables, and what other packages add to them."""

import sys

import pytest

from sigbench import DATASETS, DENOISERS, METRICS, InputError
from sigbench.benchmark.methods.resolve import resolve
from sigbench.config.registry import build, lookup, names
from sigbench.networks.models import ICNN, NETWORKS

ELSEWHERE = """
from dataclasses import dataclass

@dataclass(frozen=True)
class thing:
    gain: float = 1.0

    def __call__(self, noisy, *, sigma=None):
        return self.gain * noisy
"""


def test_an_entry_point_adds_a_method_and_replaces_none(site):
    site.install(ELSEWHERE, "denoisers", "elsewhere", package="other")
    site.install("raise ValueError('broken')", "denoisers", "broken", package="faulty")
    gains = [m.identity["gain"] for m in resolve("elsewhere[gain=[1,2]]")]
    assert gains == [1.0, 2.0]
    assert "other" not in sys.modules  # its code runs in processes of its own
    assert set(names("method", DENOISERS)) == {*DENOISERS, "elsewhere", "broken"}
    assert resolve("elsewhere")[0].source.startswith("elsewhere@")
    (inside,) = resolve("self-ensemble[denoiser=elsewhere[gain=2]]")
    assert inside.entry.denoiser.gain == 2.0
    assert inside.source == f"self-ensemble@{resolve('elsewhere')[0].source.partition('@')[2]}"
    with pytest.raises(
        InputError, match=r"method 'broken' .*faulty 1\.0: cannot import 'faulty': ValueError: b"
    ):
        resolve("broken")
    with pytest.raises(InputError, match="unknown method 'elsewher': did you mean 'elsewhere'"):
        resolve("elsewher")


def test_an_entry_point_replaces_no_method_of_sigbench(site):
    site.install(ELSEWHERE, "denoisers", "l1", package="other")
    assert lookup("method", DENOISERS, "l1") is DENOISERS["l1"]


def test_names_are_what_objects_call_themselves():
    for name, denoiser in DENOISERS.items():
        assert denoiser.info.name == name
    for name, dataset in DATASETS.items():
        assert dataset.kind == name
    assert set(METRICS) >= {"psnr", "psnr_table1", "rmse", "si_sdr"}


def test_none_is_a_word_where_it_is_a_choice():
    assert build("network", NETWORKS, "icnn[norm=none]") == ICNN(norm="none")
