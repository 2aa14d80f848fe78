"""Table 1's signals, the same as sigbench makes."""

from typing import ClassVar

from benchopt import BaseDataset

from sigbench import Denoising, Gaussian, SparseSpikes


class Dataset(BaseDataset):
    """1,000 noisy signals a seed."""

    name = "sparse-spikes"
    parameters: ClassVar = {"seed": [1, 2, 3]}
    test_parameters: ClassVar = {"seed": [1]}

    def get_data(self):
        """Return clean and noisy signals, shape (1000, 1, 100)."""
        problem = Denoising(self.name, SparseSpikes(), Gaussian(sigma=3.0), items=1000)
        (block,) = problem.blocks(self.seed, 1000)
        return {"clean": block.clean, "noisy": block.noisy, "peak": problem.dataset.peak}
