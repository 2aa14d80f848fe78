"""Table 1 in benchopt: the root mean squared error of the estimates."""

from benchopt import BaseObjective

from sigbench import METRICS


class Objective(BaseObjective):
    """Scores a batch of estimates as sigbench does."""

    name = "Table 1"
    min_benchopt_version = "1.10"
    sampling_strategy = "run_once"
    test_dataset_name = "sparse-spikes"

    def set_data(self, clean, noisy, peak):
        """Keep the signals."""
        self.clean, self.noisy, self.peak = clean, noisy, peak

    def get_objective(self):
        """Return the arguments of a solver."""
        return {"noisy": self.noisy}

    def evaluate_result(self, estimate):
        """Return means over the signals; benchopt requires the key ``value``."""
        scores = {
            name: METRICS[name](self.clean, estimate, self.peak).mean()
            for name in ("psnr_table1", "psnr", "rmse")
        }
        return {"value": scores["rmse"], **scores}

    def get_one_result(self):
        """Return an estimate to test with."""
        return {"estimate": self.noisy}
