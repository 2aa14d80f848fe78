"""
Which methods are tied
======================

A rank on a leaderboard is a range: of K methods, if b are significantly better and w are
significantly worse, it is from 1 + b to K − w. Short bars are decided; long ones need more items.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

import sigbench

RESULTS = Path(sigbench.__file__).parents[1] / "results"
PROBLEMS = ("white-0dB", "babble-5dB")

board = pd.read_csv(RESULTS / "speech-smoke/leaderboard.csv")
board = board[(board["metric"] == "si_sdr") & board["rank_low"].notna()]

# %%
# With few items, as in ``speech-smoke``, many neighbors are tied.

fig, axes = plt.subplots(1, 2, figsize=(10, 5.5), layout="constrained")
for ax, problem in zip(axes, PROBLEMS, strict=True):
    rows = board[board["problem"] == problem].sort_values("mean")
    width = rows["rank_high"] - rows["rank_low"] + 0.6
    ax.barh(rows["method"], width, left=rows["rank_low"] - 0.3, color="#0072B2", height=0.6)
    ax.set(
        title=f"{problem}: {rows['n'].iloc[0]} items", xlabel="rank", xlim=(0.4, len(rows) + 0.6)
    )
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
