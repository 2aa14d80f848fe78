"""
Speech: gains at each SNR
=========================

The suite ``speech`` mixes spoken digits with eight kinds of noise at five SNRs. How much a method
gains depends on the SNR. One metric is not enough: those of the waveform (SI-SDR), of
intelligibility (ESTOI) and of perceived quality (PESQ) do not order the methods in the same way.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

import sigbench

RESULTS = Path(sigbench.__file__).parents[1] / "results"
METHODS = {
    "speech-8k": "#0072B2",
    "om-lsa": "#D55E00",
    "log-mmse": "#009E73",
    "speech-dct": "#CC79A7",
}
METRICS = {"si_sdr": "SI-SDR (dB)", "estoi": "ESTOI", "pesq_nb": "PESQ (MOS)"}

board = pd.read_csv(RESULTS / "speech/leaderboard.csv")
parts = board["problem"].str.extract(r"^(?P<noise>\w+)-(?P<snr>-?\d+)dB$")
board["snr"] = parts["snr"].astype(int)

# %%
# The gain of a method on a problem is its mean minus that of the noisy input. The lines are means
# over the eight kinds of noise.

noisy = board[board["method"] == "noisy"].set_index(["problem", "metric"])["mean"]
board = board.join(noisy.rename("noisy"), on=["problem", "metric"])
board["gain"] = board["mean"] - board["noisy"]
gains = board.groupby(["metric", "method", "snr"])["gain"].mean()

fig, axes = plt.subplots(1, 3, figsize=(10, 3.8), layout="constrained")
for ax, (metric, label) in zip(axes, METRICS.items(), strict=True):
    for method, color in METHODS.items():
        gain = gains[metric, method]
        ax.plot(gain.index, gain, "o-", color=color, label=method)
    ax.axhline(0, color="0.6", lw=1)
    ax.set(title=label, xlabel="SNR of the noisy input (dB)", ylabel="gain")
    ax.spines[["top", "right"]].set_visible(False)
axes[0].legend(loc="lower left", bbox_to_anchor=(0, 0.05))
plt.show()
