"""GMC of Table 1 in closed form on a whole batch."""

from benchopt import BaseSolver

from sigbench import GMC
from sigbench.transforms import DFT


class Solver(BaseSolver):
    """As printed in Table 1."""

    name = "gmc-closed"

    def set_objective(self, noisy):
        """Keep the signals."""
        self.noisy = noisy

    def run(self, _):
        """Denoise: this is what benchopt times."""
        self.estimate = GMC(DFT(), lam=3.0, gamma=0.8)(self.noisy)

    def get_result(self):
        """Return the estimates."""
        return {"estimate": self.estimate}
