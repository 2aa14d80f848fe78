"""Suppression rules on spoken digits, against figures that were measured with other programs."""

import numpy as np
import pytest

from sigbench.benchmark.methods.describe import bind_problem_info
from sigbench.core.protocols import Oracle
from sigbench.datasets import Fsdd
from sigbench.denoisers import DENOISERS
from sigbench.denoisers.speech.trackers import LeadingNoise
from sigbench.problems.denoising import Denoising
from sigbench.problems.mixing import Mix
from sigbench.problems.noises import Babble, White
from sigbench.scoring.metrics import METRICS

SNRS_DB = (0, 10)
NOISES = {"white": White(), "babble": Babble()}
ITEMS = 4  # the figures are of 12 items; on all 12 the differences are similar, see the comments

# SI-SDR in dB, ESTOI and PESQ-nb at 0 and 10 dB: the reference figures of the project for 12
# items of about 4.4 s of spoken digits, with implementations that are not this one.
REFERENCE = {
    "white": {
        "noisy": ((0.0, 0.417, 1.44), (10.0, 0.676, 1.81)),
        "boll-subtraction": ((7.5, 0.472, 1.73), (12.5, 0.726, 2.42)),
        "berouti-subtraction": ((8.1, 0.474, 1.73), (15.7, 0.742, 2.44)),
        "decision-directed-wiener": ((8.0, 0.481, 1.73), (15.0, 0.736, 2.40)),
        "log-mmse": ((8.1, 0.478, 1.77), (15.2, 0.737, 2.53)),
        "om-lsa": ((8.4, 0.498, 1.80), (15.8, 0.749, 2.53)),
        "oracle-wiener-mask": ((12.0, 0.887, 3.28), (18.5, 0.944, 3.71)),
    },
    "babble": {
        "noisy": ((0.0, 0.390, 1.57), (10.0, 0.720, 2.16)),
        "berouti-subtraction": ((2.8, 0.405, 1.54), (12.9, 0.747, 2.24)),
        "log-mmse": ((2.7, 0.416, 1.57), (12.6, 0.742, 2.28)),
        "om-lsa": ((2.0, 0.421, 1.55), (12.3, 0.742, 2.22)),
        "oracle-wiener-mask": ((10.3, 0.871, 3.38), (17.0, 0.945, 3.80)),
    },
}
CASES = [(noise, name) for noise, rows in REFERENCE.items() for name in rows if name != "noisy"]

TOLERANCES = {"si_sdr": 0.7, "estoi": 0.04, "pesq_nb": 0.2}

# Where ours may have a higher SI-SDR, by this many dB:
# - Boll's averaging of magnitudes and the attenuation of pauses remove more noise than plain
#   subtraction of magnitudes, which leaves musical noise: by 1.0 dB at 0 dB, by 3.2 dB at 10 dB.
# - Berouti's rule is above the reference by 0.5 to 0.8 dB; its settings there are not known.
# - The babble is another one, of six talkers, in which the oracle mask has 1.0 dB more.
MORE_DB = {
    ("white", "boll-subtraction"): 3.5,
    ("white", "berouti-subtraction"): 0.9,
    ("babble", "oracle-wiener-mask"): 1.2,
}


@pytest.fixture(scope="module")
def problems(real_data, tmp_path_factory):
    """The test items in both noises at each ratio: the problem information and the blocks."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "fsdd").symlink_to(real_data / "fsdd" / "recordings")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGBENCH_DATA", str(folder))
        made = {
            (noise, snr_db): Denoising("p", Fsdd(), Mix(NOISES[noise], float(snr_db)), ITEMS)
            for noise in NOISES
            for snr_db in SNRS_DB
        }
        return {key: (p.problem_info, list(p.blocks(1, 1))) for key, p in made.items()}


def means(problem, denoiser):
    """Return the means over the estimates, or over the noisy items if the denoiser is None."""
    info, blocks = problem
    entry = None if denoiser is None else bind_problem_info(denoiser, info)
    values = []
    for block in blocks:
        estimate = block.noisy
        if entry is not None:
            ready = entry.bind(block.clean) if isinstance(entry, Oracle) else entry
            estimate = ready(block.noisy)
        values.append(
            [float(METRICS[m](block.clean, estimate, 1.0, info["fs"])[0]) for m in TOLERANCES]
        )
    return np.mean(values, axis=0)


@pytest.fixture(scope="module")
def noisy_means(problems):
    return {key: means(problem, None) for key, problem in problems.items()}


def test_the_noisy_items_are_like_those_of_the_reference(noisy_means):
    """PESQ in babble is higher than that of the reference by 0.2 to 0.3: it is another babble."""
    for (noise, snr_db), ours in noisy_means.items():
        reference = REFERENCE[noise]["noisy"][SNRS_DB.index(snr_db)]
        tolerances = [0.1, 0.04, 0.2 if noise == "white" else 0.4]
        assert (np.abs(ours - reference) < tolerances).all(), (noise, snr_db, ours)


@pytest.mark.parametrize(("noise", "name"), CASES)
def test_gains_over_the_noisy_input_are_those_of_the_reference(problems, noisy_means, noise, name):
    """The gain and not the value, because items and babble are others than those of the reference."""
    denoiser = DENOISERS[name]()
    if name not in ("om-lsa", "oracle-wiener-mask"):
        denoiser = DENOISERS[name](tracker=LeadingNoise())
    above = [MORE_DB.get((noise, name), 0.7), TOLERANCES["estoi"], TOLERANCES["pesq_nb"]]
    rows = REFERENCE[noise]
    for snr_db, of_noisy, of_method in zip(SNRS_DB, rows["noisy"], rows[name], strict=True):
        ours = means(problems[noise, snr_db], denoiser)
        gain = ours - noisy_means[noise, snr_db]
        excess = gain - (np.array(of_method) - of_noisy)
        assert (excess < above).all(), (snr_db, excess)
        assert (excess > -np.array(list(TOLERANCES.values()))).all(), (snr_db, excess)
