"""The tables, and what other packages add to them."""

import dataclasses

import pytest

from sigbench import DATASETS, DENOISERS, METRICS, InputError
from sigbench.benchmark.methods.resolve import resolve
from sigbench.config.registry import _plugins, build, lookup, names
from sigbench.networks.models import ICNN, NETWORKS


@dataclasses.dataclass(frozen=True)
class Elsewhere:
    gain: float = 1.0

    def __call__(self, noisy, *, sigma=None):
        return self.gain * noisy


@dataclasses.dataclass(frozen=True)
class Point:
    name: str
    thing: object

    def load(self):
        return self.thing


class Broken(Point):
    def load(self):
        raise ModuleNotFoundError("No module named 'nosuch'")


@pytest.fixture
def plugins(monkeypatch):
    """Two entry points of the group sigbench.denoisers, as an installed package would bring."""
    points = [Point("elsewhere", Elsewhere), Point("l1", Elsewhere), Broken("broken", None)]
    monkeypatch.setattr(
        "sigbench.config.registry.entry_points",
        lambda group: points if group == "sigbench.denoisers" else [],
    )
    _plugins.cache_clear()
    yield
    _plugins.cache_clear()


@pytest.mark.usefixtures("plugins")
def test_an_entry_point_adds_a_method_and_replaces_none():
    assert [m.entry for m in resolve("elsewhere[gain=[1,2]]")] == [Elsewhere(1.0), Elsewhere(2.0)]
    assert names("method", DENOISERS) == [*DENOISERS, "elsewhere", "broken"]
    assert resolve("elsewhere")[0].source.startswith("elsewhere@")
    (inside,) = resolve("self-ensemble[denoiser=elsewhere[gain=2]]")
    assert inside.entry.denoiser == Elsewhere(2.0)
    assert inside.source == f"self-ensemble@{resolve('elsewhere')[0].source.partition('@')[2]}"
    with pytest.raises(InputError, match=r"method 'broken' .* cannot be loaded: ModuleNotFound"):
        resolve("broken")
    assert lookup("method", DENOISERS, "l1") is DENOISERS["l1"]
    with pytest.raises(InputError, match="unknown method 'elsewher': did you mean 'elsewhere'"):
        resolve("elsewher")


def test_names_are_what_objects_call_themselves():
    for name, denoiser in DENOISERS.items():
        assert denoiser.info.name == name
    for name, dataset in DATASETS.items():
        assert dataset.kind == name
    assert set(METRICS) >= {"psnr", "psnr_table1", "rmse", "si_sdr"}


def test_none_is_a_word_where_it_is_a_choice():
    assert build("network", NETWORKS, "icnn[norm=none]") == ICNN(norm="none")
