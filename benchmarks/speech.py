"""Time and memory of the speech denoisers on a recording of one minute and of ten minutes.

Each call is in a new process with one thread. Memory is what the call needs beyond the recording:
the largest resident memory less that before the call. The signal is synthetic speech at 16 kHz in
white noise.
"""

import json
import os
import resource
import subprocess
import sys
import time

import psutil

FS = 16_000  # Hz
NAMES = (
    "berouti-subtraction",
    "boll-subtraction",
    "decision-directed-wiener",
    "mmse-stsa",
    "log-mmse",
    "om-lsa",
    "speech-wavelet",
    "speech-dct",
    "network[weights=speech-16k-causal]",
    "network[weights=speech-16k]",
    "stft-l1",
    "stft-gmc",
)


def measure(name, minutes):
    """Return real-time factor, latency in ms and memory in MiB of one call in this process."""
    import numpy as np

    from sigbench.benchmark.methods.describe import bind_problem_info
    from sigbench.benchmark.methods.resolve import METHODS
    from sigbench.config.registry import build
    from sigbench.datasets import SpeechSmoke

    data = SpeechSmoke()
    clips = np.concatenate([data.item("test", 1, i)[0] for i in range(10)])
    noisy = np.resize(clips, FS * 60 * minutes).astype(np.float32)
    noisy += 0.02 * np.random.default_rng(0).standard_normal(len(noisy), np.float32)
    denoiser = bind_problem_info(build("method", METHODS, name), {"fs": float(FS)})
    denoiser(noisy[None, None, : 2 * FS])  # imports and plans
    before, start = psutil.Process().memory_info().rss, time.process_time()
    denoiser(noisy[None, None])
    factor = (time.process_time() - start) / (60 * minutes)
    peak = 2**10 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return factor, getattr(denoiser, "latency_ms", None), (peak - before) / 2**20


def in_new_process(name, minutes):
    """Return the result of `measure` in a new process with one thread."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, __file__, "--measure", name, str(minutes)]
    done = subprocess.run(
        command, env={**os.environ, **threads}, stdout=subprocess.PIPE, check=True
    )
    return json.loads(done.stdout)


def main():
    """Run the methods that are given, or all, and print a table."""
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(sys.argv[2], int(sys.argv[3]))))
        return
    print("| method | latency, ms | real-time factor | memory, MiB: 1 min, 10 min |")
    print("| --- | ---: | ---: | ---: |")
    for name in sys.argv[1:] or NAMES:
        (_, latency, short), (factor, _, long) = (in_new_process(name, n) for n in (1, 10))
        wait = "whole signal" if latency is None else f"{latency:.0f}"
        print(f"| `{name}` | {wait} | {factor:.4f} | {short:.0f}, {long:.0f} |", flush=True)


if __name__ == "__main__":
    main()
