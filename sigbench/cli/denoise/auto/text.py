"""What ``auto`` prints about its choices, and the same as a record for JSON."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sigbench.cli.denoise.auto.choose import Choice, Expected
from sigbench.cli.denoise.auto.treatment import Treatment
from sigbench.core.media import Content

NAMES = {"speech": "channel", "signal": "column", "image": "image"}
SHOWN = 5
WIDTH = 80
BANDS = 8  # of a spectrum in JSON


def as_text(choices: tuple[Choice, ...], content: Content) -> str:
    """Return the noise, the method used and the expected errors, for every item of the file."""
    return "\n".join(
        line
        for number, choice in enumerate(choices, 1)
        for line in _lines(choice, content, number if len(choices) > 1 else None)
    )


def as_json(choices: tuple[Choice, ...], content: Content) -> dict[str, Any]:
    """Return a record of the choices: method, noise, expected error, cautions and alternatives."""
    return {"items": [_record(choice, content) for choice in choices]}


def _lines(choice: Choice, content: Content, number: int | None) -> list[str]:
    which = f"{NAMES[content.domain]} {number}: " if number else ""
    best, *others = choice.expected
    used = f"method: {best.method}"
    if choice.sigma_given:
        used += f"  (with --sigma {choice.sigma:.4g})"
    lines = [f"{which}{_noise(choice)}", used]
    lines.append(f"expected {_error(best, content.peak)}, 95 % range; others:")
    lines += [_other(expected) for expected in others[: SHOWN - 1]]
    if len(others) >= SHOWN:
        lines.append(f"  (+{len(others) - SHOWN + 1} more)")
    return [*lines, *(f"caution: {doubt}" for doubt in choice.doubts)]


def _noise(choice: Choice) -> str:
    treatment = choice.treatment
    source = f"estimated by {treatment.estimator}" if treatment.estimator else "given"
    return f"noise: {_description(treatment)}, level {choice.sigma:.4g} ({source})"


def _description(treatment: Treatment) -> str:
    names = {"despiked": "impulses", "without-lines": "hum"}
    removed = {template.partition("[")[0] for template in treatment.outer}
    model = {"varying": "of varying level"}
    return " and ".join(
        [
            *(name for wrapper, name in names.items() if wrapper in removed),
            model.get(treatment.kind, treatment.kind),
        ]
    )


def _other(expected: Expected) -> str:
    line = f"  {_range(expected):>22}  {expected.method}"
    return line if len(line) <= WIDTH else line[: WIDTH - 3] + "..."


def _range(expected: Expected) -> str:
    if expected.low is None:
        return f"at most {expected.high:.3g}"
    return f"{expected.low:.3g} to {expected.high:.3g}"


def _error(expected: Expected, peak: float | None) -> str:
    text = f"RMSE {_range(expected)}"
    least = _psnr(expected.high, peak)
    if least is None:
        return text
    most = _psnr(expected.low, peak)
    psnr = f"at least {least:.1f}" if most is None else f"{least:.1f} to {most:.1f}"
    return f"{text}, PSNR {psnr} dB"


def _psnr(rmse: float | None, peak: float | None) -> float | None:
    return 20 * math.log10(peak / rmse) if peak and rmse else None


def _record(choice: Choice, content: Content) -> dict[str, Any]:
    best, *others = choice.expected
    treatment = choice.treatment
    return {
        "method": best.method,
        "sigma": choice.sigma if choice.sigma_given else None,
        "noise": {
            "kind": treatment.kind,
            "estimator": treatment.estimator or None,
            "level": choice.sigma,
            "removed": list(treatment.outer),
            "spectrum": _spectrum(treatment),
        },
        "expected": _expected(best, content.peak),
        "cautions": list(choice.doubts),
        "alternatives": [{"method": one.method, **_expected(one, content.peak)} for one in others],
    }


def _expected(expected: Expected, peak: float | None) -> dict[str, Any]:
    """Return 95 % ranges; null where an end is not known."""
    ends: dict[str, Any] = {"rmse": [expected.low, expected.high]}
    if peak is not None:
        ends["psnr_db"] = [_psnr(expected.high, peak), _psnr(expected.low, peak)]
    return ends


def _spectrum(treatment: Treatment) -> list[dict[str, float]]:
    """Return the mean power of the noise in bands of the frequency, in cycles per sample."""
    space = treatment.cleared.shape[2:]
    power = treatment.model.spectrum(space)[0]
    axes = np.meshgrid(*map(np.fft.fftfreq, space), indexing="ij")
    frequency = np.max(np.abs(axes), axis=0)
    edges = np.linspace(0, 0.5, BANDS + 1)
    band = np.minimum(np.digitize(frequency, edges) - 1, BANDS - 1)
    return [
        {
            "from": float(edges[b]),
            "to": float(edges[b + 1]),
            "power": float(power[band == b].mean()),
        }
        for b in range(BANDS)
        if (band == b).any()
    ]
