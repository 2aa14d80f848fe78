"""The table of metrics. They have one value per item and do not clip; the caller averages."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.scoring.dnsmos import RATES as DNSMOS_RATES
from sigbench.scoring.dnsmos import dnsmos_bak, dnsmos_ovr, dnsmos_sig
from sigbench.scoring.error_metrics import (
    clipped,
    inverse_error,
    psnr,
    psnr_global,
    psnr_table1,
    rmse,
    si_sdr,
    system_error,
)
from sigbench.scoring.inference import mean_of
from sigbench.scoring.items import Values as Values
from sigbench.scoring.noise_metrics import (
    noise_band_error,
    noise_gray_error,
    noise_level_error,
    noise_profile_error,
)
from sigbench.scoring.segmental_metrics import fwsegsnr, llr, segmental_snr
from sigbench.scoring.spectrum_metrics import (
    noise_overestimation,
    noise_spectrum_error,
    noise_underestimation,
)
from sigbench.scoring.speech_metrics import PESQ_RATES, estoi, pesq_nb, pesq_wb, stoi

Family = Literal["", "waveform", "intelligibility", "perception"]


@dataclass(frozen=True)
class Measured:
    """The values of a metric for a batch, and why some could not be computed.

    Attributes
    ----------
    values : array, shape (N,)
        One value per item, NaN where it could not be computed.
    missing : mapping of int to str
        The reason for each index in the batch that has no value.
    """

    values: Values
    missing: Mapping[int, str]


@dataclass(frozen=True)
class Metric:
    """A registered metric.

    Attributes
    ----------
    function : callable
        ``function(clean, estimate, peak)`` returns one value per item, shape ``(N,)``. Both arrays
        have shape ``(N, samples)``. If ``needs_fs``, it is ``function(clean, estimate, fs)``.
    unit : str
        Unit of the values; empty for a ratio.
    higher_is_better : bool
        Direction of the metric.
    version : int
        Raised when the values change.
    averages : {"values", "errors"}
        What a mean over items averages: the values v themselves, or the errors e = 10^(−v/10). In
        the second case the mean is reported as −10·log10 of the mean error.
    family : {"", "waveform", "intelligibility", "perception"}
        What a metric of speech measures. One family does not replace another.
    needs_fs : bool
        Whether the metric depends on the sampling rate.
    rates : tuple of int
        The sampling rates in Hz for which the metric is defined; empty if there is no such list.
    per_item : bool
        Whether the metric can be undefined for an item, for example a silent one. It is then
        computed item by item.
    requires : tuple of str
        The packages that compute it, the one that determines the values first.
    extra : str
        The extra of sigbench that installs these packages; empty if they are always installed.
    mode : str
        The mode of the package.
    """

    function: Callable[..., Values]
    unit: str
    higher_is_better: bool
    version: int = 1
    averages: Literal["values", "errors"] = "values"
    family: Family = ""
    needs_fs: bool = False
    rates: tuple[int, ...] = ()
    per_item: bool = False
    requires: tuple[str, ...] = ()
    extra: str = ""
    mode: str = ""

    @property
    def description(self) -> str:
        """The first line of the documentation of the function."""
        return (self.function.__doc__ or "").strip().partition("\n")[0]

    @property
    def origin(self) -> str:
        """Version and mode of the package that computes the metric; empty if there is none."""
        if not self.requires:
            return ""
        package = self.requires[0]
        installed = importlib.util.find_spec(package) is not None
        text = f"{package} {version(package) if installed else '(not installed)'}"
        return f"{text}, {self.mode}" if self.mode else text

    @property
    def label(self) -> str:
        """The unit, with the origin of the values, for example ``MOS-LQO (pesq 0.0.4, nb)``.

        Examples
        --------
        >>> METRICS["si_sdr"].label
        'dB'
        """
        if not self.unit:
            return self.origin
        return f"{self.unit} ({self.origin})" if self.origin else self.unit

    @property
    def key(self) -> int | str:
        """What the values depend on: the version, and the package if there is one."""
        return f"{self.version} {self.origin}" if self.origin else self.version

    def check(self, name: str, fs: float | None) -> None:
        """Check that the metric can be computed for data with this sampling rate in Hz.

        Parameters
        ----------
        name : str
            Name of the metric, for the message.
        fs : float or None
            Sampling rate in Hz; None if the data have none.

        Raises
        ------
        InputError
            If a package is missing, or the sampling rate is unknown or not supported.

        Examples
        --------
        >>> METRICS["si_sdr"].check("si_sdr", None)
        """
        for package in self.requires:
            if importlib.util.find_spec(package) is None:
                what = f"'sigbench[{self.extra}]'" if self.extra else package
                raise InputError(f"metric {name} needs {package}: pip install {what}")
        if self.needs_fs and fs is None:
            raise InputError(f"metric {name} needs the sampling rate, but fs=None")
        if self.rates and fs not in self.rates:
            legal = " or ".join(map(str, self.rates))
            raise InputError(f"metric {name} is defined for fs={legal} Hz, not {fs:g}")

    def __call__(
        self, clean: NDArray[Any], estimate: NDArray[Any], peak: float, fs: float | None = None
    ) -> Values:
        """Return one value per item of two batches ``(N, C, *space)``.

        Raises
        ------
        InputError
            If the shapes differ, the metric needs ``fs`` and it is None, or the metric is undefined
            for an item.
        """
        measured = self.measure(clean, estimate, peak, fs)
        for index, reason in measured.missing.items():
            raise InputError(f"item {index}: {reason}")
        return measured.values

    def measure(
        self, clean: NDArray[Any], estimate: NDArray[Any], peak: float, fs: float | None = None
    ) -> Measured:
        """Return the values of two batches ``(N, C, *space)``, and which are undefined.

        Parameters
        ----------
        clean, estimate : array, shape (N, C, *space)
            Two batches of the same shape.
        peak : float
            Declared peak value of the dataset.
        fs : float, optional
            Sampling rate in Hz.

        Raises
        ------
        InputError
            If the shapes differ, or the metric needs ``fs`` and it is None.

        Examples
        --------
        >>> s = np.array([[[1.0, -1.0]], [[1.0, 1.0]]])
        >>> METRICS["si_sdr"].measure(s, s * [[[1.0]], [[0.0]]], 1.0).missing
        {1: 'the estimate is silent: SI-SDR is undefined'}
        """
        if clean.shape != estimate.shape:
            raise InputError(f"clean {clean.shape} and estimate {estimate.shape} differ in shape")
        if self.needs_fs and fs is None:
            raise InputError("fs=None: the metric needs the sampling rate in Hz")
        third = fs if self.needs_fs else peak
        x, y = _rows(clean), _rows(estimate)
        if not self.per_item:
            return Measured(self._checked(self.function(x, y, third), len(x)), {})
        values = np.full(len(x), np.nan)
        missing = {}
        for i in range(len(x)):
            try:
                value = self.function(x[i : i + 1], y[i : i + 1], third)
                values[i : i + 1] = self._checked(value, 1)
            except InputError as error:
                missing[i] = str(error)
        return Measured(values, missing)

    def _checked(self, values: Any, count: int) -> Values:
        """Return values after a check: metrics of other packages may be faulty."""
        found = np.asarray(values)
        if found.shape != (count,) or found.dtype.kind not in "fiu":
            name = getattr(self.function, "__name__", "the metric")
            raise TypeError(
                f"{name} returned {found.dtype} values of shape {found.shape}: they must be real "
                f"numbers of shape ({count},), one per item"
            )
        return found

    def scaled(self, values: Values) -> Values:
        """Return the values on the scale that is averaged and tested: v, or −e.

        The sign of −e keeps the direction of the metric.
        """
        if self.averages == "values":
            return values
        with np.errstate(over="ignore"):  # an infinite error
            return -(10.0 ** (-values / 10))

    def unscaled(self, scaled: float) -> float:
        """Map a mean from the scale of `scaled` back to the metric; an error <= 0 gives +inf dB."""
        if self.averages == "values":
            return scaled
        return -10 * math.log10(-scaled) if not scaled >= 0 else math.inf

    def mean(self, values: Values) -> float:
        """Return the mean over items, or over means of equally many items.

        Examples
        --------
        >>> round(METRICS["psnr_global"].mean(np.array([20.0, 40.0])), 2)
        22.97
        """
        return self.unscaled(mean_of(self.scaled(values)))


def _rows(batch: NDArray[Any]) -> Values:
    return batch.reshape(len(batch), -1).astype(np.float64)


def _speech(
    function: Callable[..., Values], unit: str, family: Family, *, higher_is_better: bool = True
) -> Metric:
    """Return a metric of speech: it needs the sampling rate and can be undefined for an item."""
    return Metric(function, unit, higher_is_better, family=family, needs_fs=True, per_item=True)


def _stoi(function: Callable[..., Values]) -> Metric:
    return replace(_speech(function, "", "intelligibility"), requires=("pystoi",))


def _pesq(function: Callable[..., Values], mode: str) -> Metric:
    metric = _speech(function, "MOS-LQO", "perception")
    return replace(metric, rates=PESQ_RATES[mode], requires=("pesq",), extra="pesq", mode=mode)


def _dnsmos(function: Callable[..., Values]) -> Metric:
    metric = _speech(function, "MOS", "perception")
    packages = ("speechmos", "onnxruntime")
    return replace(
        metric, version=2, rates=DNSMOS_RATES, requires=packages, extra="dnsmos", mode="P.835"
    )


METRICS = {
    "psnr": Metric(psnr, "dB", higher_is_better=True),
    "psnr_global": Metric(psnr_global, "dB", higher_is_better=True, averages="errors"),
    "psnr_table1": Metric(psnr_table1, "dB", higher_is_better=True),
    "rmse": Metric(rmse, "signal units", higher_is_better=False),
    "si_sdr": Metric(si_sdr, "dB", higher_is_better=True, family="waveform", per_item=True),
    "clipped": Metric(clipped, "%", higher_is_better=False),
    "segmental_snr": _speech(segmental_snr, "dB", "waveform"),
    "stoi": _stoi(stoi),
    "estoi": _stoi(estoi),
    "pesq_nb": _pesq(pesq_nb, "nb"),
    "pesq_wb": _pesq(pesq_wb, "wb"),
    "dnsmos_sig": _dnsmos(dnsmos_sig),
    "dnsmos_bak": _dnsmos(dnsmos_bak),
    "dnsmos_ovr": _dnsmos(dnsmos_ovr),
    "fwsegsnr": _speech(fwsegsnr, "dB", "perception"),
    "llr": _speech(llr, "", "perception", higher_is_better=False),
    "system_error": Metric(system_error, "dB", higher_is_better=False),
    "inverse_error": Metric(inverse_error, "dB", higher_is_better=False),
    "noise_spectrum_error": Metric(noise_spectrum_error, "dB", higher_is_better=False),
    "noise_overestimation": Metric(noise_overestimation, "dB", higher_is_better=False),
    "noise_underestimation": Metric(noise_underestimation, "dB", higher_is_better=False),
    "noise_level_error": Metric(noise_level_error, "dB", higher_is_better=False),
    "noise_band_error": Metric(noise_band_error, "dB", higher_is_better=False),
    "noise_gray_error": Metric(noise_gray_error, "dB", higher_is_better=False),
    "noise_profile_error": Metric(noise_profile_error, "dB", higher_is_better=False),
}
