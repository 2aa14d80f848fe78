"""
Quality over the noise level
============================

The suite ``bias-free`` measures denoisers of gray images at ten noise levels. The networks
``…-0-10`` were trained on weak noise only, with standard deviations σ of at most 10 gray levels.
On stronger noise the network whose layers have additive constants (biases) fails; the one without
them does not.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

import sigbench

RESULTS = Path(sigbench.__file__).parents[1] / "results"
METHODS = {
    "unet-0-100": ("#009E73", "U-Net, trained up to σ = 100"),
    "unet-0-10": ("#0072B2", "U-Net without biases, trained up to σ = 10"),
    "unet-bias-0-10": ("#D55E00", "U-Net with biases, trained up to σ = 10"),
    "tv": ("#CC79A7", "total variation"),
}

board = pd.read_csv(RESULTS / "bias-free/leaderboard.csv")
board = board[board["metric"] == "psnr"]
board["sigma"] = board["problem"].str.removeprefix("sigma-").astype(int)

# %%
# The bands are the 95 % confidence intervals of the means.

fig, ax = plt.subplots(figsize=(8, 4.5), layout="constrained")
for method, (color, label) in METHODS.items():
    rows = board[board["method"] == method].sort_values("sigma")
    ax.plot(rows["sigma"], rows["mean"], "o-", color=color, label=label)
    ax.fill_between(rows["sigma"], rows["ci_low"], rows["ci_high"], color=color, alpha=0.15, lw=0)
ax.axvspan(0, 10, color="0.93", zorder=0)
ax.set(xlabel="noise level σ (gray levels)", ylabel="PSNR (dB)", xlim=(5, 102))
ax.legend()
ax.spines[["top", "right"]].set_visible(False)
plt.show()
