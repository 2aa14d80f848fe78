"""
Training with noisy targets
===========================

Noise2Noise: a network that is trained on pairs of noisy images learns to denoise, because it cannot
predict the noise of its target. Runs keep the log of every training; these are four trainings of
the suite ``noise2noise``.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

import sigbench

RESULTS = Path(sigbench.__file__).parents[1] / "results"
NETWORKS = {
    "resnet-clean": ("#009E73", "ResNet, clean targets"),
    "resnet": ("#0072B2", "ResNet, noisy targets"),
    "original": ("#D55E00", "N2N, noisy targets"),
    "hls": ("#CC79A7", "N2N, variant hls, noisy targets"),
}

fig, ax = plt.subplots(figsize=(8, 4.5), layout="constrained")
for name, (color, label) in NETWORKS.items():
    log = pd.read_csv(RESULTS / f"noise2noise/trainings/gaussian-25.{name}.csv")
    ax.plot(log["seconds"], log["psnr"], color=color, label=label)
ax.set(xlabel="training time (s)", ylabel="PSNR on validation images (dB)", ylim=(20, None))
ax.legend(loc="lower right")
ax.spines[["top", "right"]].set_visible(False)
plt.show()
