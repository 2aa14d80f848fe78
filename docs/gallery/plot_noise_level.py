"""
Quality over the noise level
============================

The suite ``bias-free`` measures denoisers of gray images at ten noise levels. Networks that were
trained on weak noise only (σ up to 10 gray levels) fail at stronger noise if their layers have
biases, and work if they have none.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

ROOT = next(p for p in Path.cwd().resolve().parents if (p / "pyproject.toml").exists())
board = pd.read_csv(ROOT / "results/bias-free/leaderboard.csv")
board = board[board["metric"] == "psnr"]
board["sigma"] = board["problem"].str.removeprefix("sigma-").astype(int)

fig, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
for method, style in {
    "noisy": "0.6",
    "tv": "C2",
    "unet-bias-0-10": "C1",
    "unet-0-10": "C0",
    "unet-0-100": "C3",
}.items():
    rows = board[board["method"] == method].sort_values("sigma")
    ax.plot(rows["sigma"], rows["mean"], "o-", color=style, label=method)
    ax.fill_between(rows["sigma"], rows["ci_low"], rows["ci_high"], color=style, alpha=0.15)
ax.set(xlabel="noise level σ (gray levels)", ylabel="PSNR (dB)")
ax.legend()
plt.show()
