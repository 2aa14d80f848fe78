"""Hear what denoising does to speech: ``python hear_speech.py OUT [noisy.wav]``.

Without a recording, three synthetic sentences that come with sigbench are mixed with pink noise and
babble of equal power, at an SNR of 5 dB in total.
"""

import argparse
from pathlib import Path

import numpy as np
import soundfile

from sigbench import Pretrained
from sigbench.datasets import SpeechSmoke
from sigbench.denoisers import OMLSA
from sigbench.networks.pretrained.weights import SHIPPED
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


def main():
    """Write the sounds, and print how close each is to the clean speech, if that is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder of the WAV files")
    parser.add_argument("recording", type=Path, nargs="?", help="noisy speech of your own")
    args = parser.parse_args()
    if args.recording:
        with soundfile.SoundFile(args.recording) as file:
            noisy, fs = file.read(always_2d=True).T[:, None], file.samplerate
        sounds = {}
    else:
        clean, noisy, fs = mixture()
        sounds = {"clean": clean, "noisy": noisy}
    sounds["om-lsa"] = OMLSA(fs=fs)(noisy)
    if (network := f"speech-{fs / 1000:g}k") in SHIPPED:
        sounds["network"] = Pretrained(network)(noisy)
    args.out.mkdir(parents=True, exist_ok=True)
    scale = 1 / max(1.0, *(np.abs(sound).max() for sound in sounds.values()))  # WAV clips beyond 1
    for name, sound in sounds.items():
        soundfile.write(args.out / f"{name}.wav", scale * sound[:, 0].T, fs)
        scores = ""
        if "clean" in sounds and name != "clean":
            si_sdr, estoi = (METRICS[m](clean, sound, 1.0, fs)[0] for m in ("si_sdr", "estoi"))
            scores = f": SI-SDR {si_sdr:.1f} dB, ESTOI {estoi:.2f}"
        print(f"{args.out / name}.wav{scores}")


if __name__ == "__main__":
    main()
