"""The computations of three.toml as a bare script: functions of sigbench, no runner, no storage.

``python benchmarks/bare.py SEEDS`` prints the RMSE of every method, averaged over seeds 1..SEEDS.
"""

import sys

from sigbench import GMC, L1, METRICS, Denoising, Gaussian, LocalWiener, SparseSpikes
from sigbench.transforms import DFT

METHODS = {
    "wiener-printed": LocalWiener(3, border="zero"),
    "l1-closed": L1(DFT(), lam=1.0),
    "gmc-closed": GMC(DFT(), lam=3.0, gamma=0.8),
}

problem = Denoising("sparse-spikes", SparseSpikes(), Gaussian(sigma=3.0), items=1000)
rmse = dict.fromkeys(METHODS, 0.0)
seeds = range(1, int(sys.argv[1]) + 1)
for seed in seeds:
    (block,) = problem.blocks(seed, 1000)
    for name, denoise in METHODS.items():
        estimate = denoise(block.noisy)
        scores = {
            metric: METRICS[metric](block.clean, estimate, problem.dataset.peak).mean()
            for metric in ("psnr_table1", "psnr", "rmse")
        }
        rmse[name] += scores["rmse"] / len(seeds)
for name, value in rmse.items():
    print(name, value)
