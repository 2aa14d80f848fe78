"""Memory and time of ``sigbench denoise`` on a long sound file, and the seams of its blocks.

Makes an hour of 16-bit stereo at 48 kHz (691 MB) in a temporary folder: tones that come and go in
white noise. ``auto`` gets the first ten minutes of it. The seams are the differences to one piece on
two minutes of 64-bit samples.

    python benchmarks/long_sound.py [MINUTES]
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from sigbench.cli.denoise import long
from sigbench.cli.denoise.file import denoise_file

FS, CHANNELS = 48_000, 2
METHODS = ["gaussian-blur", "sliding-dct", "wavelet", "auto"]
AUTO_MINUTES, SEAM_SECONDS = 10, 120
NOISE = 0.01


def make(path, seconds, subtype="PCM_16"):
    """Write a sound, one second at a time."""
    with soundfile.SoundFile(path, "w", FS, CHANNELS, subtype) as file:
        for second in range(seconds):
            t = second + np.arange(FS) / FS
            envelope = 0.2 * np.sin(np.pi * t / 3) ** 2
            tones = sum(np.sin(2 * np.pi * f * t) / f for f in (110, 220, 330, 1760)) * 100
            noise = np.random.default_rng(second).normal(scale=NOISE, size=(FS, CHANNELS))
            file.write((envelope * tones)[:, None] + noise)


def measured(arguments):
    """Run ``sigbench`` in a process; return its peak memory in MB, its time, its last lines."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "sigbench", *arguments]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    text = process.stdout.read() + process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(text)
    return usage.ru_maxrss / 1024, time.perf_counter() - start, text.splitlines()


def seams(folder, method):
    """Return the largest difference to one piece, and its RMS relative to what was removed."""
    source = folder / "short.wav"
    names = [folder / "blocks.wav", folder / "whole.wav"]
    blocks = denoise_file(source, names[0], method, force=True)
    limit, long.MAX_WHOLE = long.MAX_WHOLE, 2**40
    whole = denoise_file(source, names[1], method, force=True)
    long.MAX_WHOLE = limit
    assert blocks.content.notes
    assert not whole.content.notes
    one, two, noisy = (soundfile.read(name)[0] for name in (*names, source))
    return np.abs(one - two).max(), np.std(one - two) / np.std(two - noisy)


def main():
    """Print the table."""
    minutes = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder / "long.wav", 60 * minutes)
        make(folder / "part.wav", 60 * min(AUTO_MINUTES, minutes))
        make(folder / "short.wav", SEAM_SECONDS, "DOUBLE")
        print(f"{'method':16} {'minutes':>7} {'peak MB':>7} {'time s':>7} {'x real time':>11}")
        for method in METHODS:
            source = folder / ("part.wav" if method == "auto" else "long.wav")
            out = folder / "out.wav"
            peak, seconds, lines = measured(
                ["denoise", str(source), "-o", str(out), "-m", method, "--force"]
            )
            length = soundfile.info(source).frames
            assert soundfile.info(out).frames == length
            factor = length / FS / seconds
            print(f"{method:16} {length / FS / 60:7.0f} {peak:7.0f} {seconds:7.0f} {factor:11.1f}")
            notes = [line for line in lines if "denoised in blocks" in line]
            print(f"{'':16} {notes[0].partition(': ')[2]}", flush=True)
        print("\nseams on two minutes: largest difference, RMS relative to what was removed")
        for method in METHODS[:-1]:
            largest, relative = seams(folder, method)
            print(f"{method:16} {largest:.2g} {relative:.2g}", flush=True)


if __name__ == "__main__":
    main()
