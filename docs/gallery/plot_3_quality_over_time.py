"""
Quality over time
=================

A slower method should be better. On the color images of ``images32`` with Gaussian noise, the
methods on the line are the best ones that take no longer.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

import sigbench

RESULTS = Path(sigbench.__file__).parents[1] / "results"

board = pd.read_csv(RESULTS / "images32/leaderboard.csv")
board = board[(board["metric"] == "psnr") & (board["problem"] == "gaussian-25")]
board = board.sort_values("ms_per_item")

# %%
# A method is efficient if no faster one is better. Times are of one thread, on the machine that is
# described in ``results/images32/manifest.json``.

efficient = board[board["mean"] > board["mean"].cummax().shift(fill_value=0)]
print(efficient[["method", "mean", "ms_per_item"]].to_string(index=False))

# %%

fig, ax = plt.subplots(figsize=(8, 5.5), layout="constrained")
ax.step(efficient["ms_per_item"], efficient["mean"], where="post", color="0.7", zorder=0)
ax.plot(board["ms_per_item"], board["mean"], "o", color="0.6")
ax.plot(efficient["ms_per_item"], efficient["mean"], "o", color="#0072B2")
for row in efficient.itertuples():
    ax.annotate(
        row.method,
        (row.ms_per_item, row.mean),
        (-6, 5),
        textcoords="offset points",
        ha="right",
        color="#0072B2",
    )
ax.set(xscale="log", xlabel="time per image (ms)", ylabel="PSNR (dB)", xlim=(3e-4, 40))
ax.spines[["top", "right"]].set_visible(False)
plt.show()
