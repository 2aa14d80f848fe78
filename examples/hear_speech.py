"""Hear what denoising does to speech: ``python hear_speech.py OUT [noisy.wav]``.

Without a recording, three synthetic sentences that come with sigbench are mixed with pink noise and
babble of equal power, at an SNR of 5 dB in total.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import soundfile

from sigbench import Pretrained
from sigbench.cli.main import main as sigbench
from sigbench.datasets import SpeechSmoke
from sigbench.denoisers import OMLSA
from sigbench.problems.base import Context
from sigbench.problems.noises import Babble, Pink
from sigbench.scoring.metrics import METRICS


def mixture(snr_db=5.0):
    """Return three sentences of one voice, clean and noisy, and their sampling rate."""
    data, rng = SpeechSmoke(), np.random.default_rng(0)
    clean = np.concatenate([data.item("test", 0, i) for i in (0, 6, 12)], axis=1)[None]
    context = Context(data, "test", 0)
    kinds = [kind.draw(1, clean.shape[2], rng, context) for kind in (Pink(), Babble())]
    noise = sum(one / one.std() for one in kinds)
    gain = clean.std() / noise.std() * 10 ** (-snr_db / 20)
    return clean, clean + gain * noise, int(data.problem_info["fs"])


def denoise(recording, out):
    """Denoise a recording by two methods, as the command line does; return the exit code."""
    return max(
        sigbench(["denoise", str(recording), "-o", str(out / f"{name}.wav"), "-m", name, "--force"])
        for name in ("om-lsa", "auto")
    )


def compare(out):
    """Write the sounds of the example, and print how close each is to the clean speech."""
    clean, noisy, fs = mixture()
    network = Pretrained(f"speech-{fs // 1000}k")
    sounds = {
        "clean": clean,
        "noisy": noisy,
        "om-lsa": OMLSA(fs=fs)(noisy),
        "network": network(noisy),
    }
    scale = 1 / max(1.0, *(np.abs(sound).max() for sound in sounds.values()))  # WAV clips beyond 1
    for name, sound in sounds.items():
        soundfile.write(out / f"{name}.wav", scale * sound[0, 0], fs)
        si_sdr, estoi = (METRICS[m](clean, sound, 1.0, fs)[0] for m in ("si_sdr", "estoi"))
        scores = "" if name == "clean" else f": SI-SDR {si_sdr:.1f} dB, ESTOI {estoi:.2f}"
        print(f"{out / name}.wav{scores}")


def main():
    """Write the sounds into a folder; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder of the WAV files")
    parser.add_argument("recording", type=Path, nargs="?", help="noisy speech of your own")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if args.recording:
        return denoise(args.recording, args.out)
    compare(args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
