"""
How far every method is from the limit
======================================

On the sparse spikes of the suite ``table1``, the Bayes-optimal (MMSE) estimator can be computed.
No method can have a smaller expected squared error. The gap is the distance of a method from
this limit; the color shows which information the method used.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

import sigbench

RESULTS = Path(sigbench.__file__).parents[1] / "results"
COLORS = {"fitted": "#0072B2", "sigma": "#009E73", "blind": "#E69F00", "none": "#D55E00"}

# %%
# A leaderboard has one row per problem, method and metric. The limit itself has no bar.

board = pd.read_csv(RESULTS / "table1/leaderboard.csv")
board = board[(board["metric"] == "psnr_table1") & (board["knowledge"] != "prior")]
board = board.sort_values("gap_to_limit", ascending=False)
print(board[["method", "knowledge", "mean", "gap_to_limit"]].tail(5).to_string(index=False))

# %%
# The metric is "PSNR" as the report of 2021 defines it: differences in it are twice those in PSNR.

fig, ax = plt.subplots(figsize=(8, 6.5), layout="constrained")
ax.barh(board["method"], board["gap_to_limit"], color=board["knowledge"].map(COLORS))
for method, gap in zip(board["method"], board["gap_to_limit"], strict=True):
    ax.annotate(f"{gap:.2f}", (gap, method), (4, 0), textcoords="offset points", va="center")
for label, color in COLORS.items():
    ax.barh([board["method"].iloc[0]], [0], color=color, label=label)
ax.set(xlabel="gap to the limit, in dB of psnr_table1", xlim=(0, 12), ylim=(-0.7, None))
ax.legend(title="information", loc="upper right")
ax.spines[["top", "right"]].set_visible(False)
plt.show()
