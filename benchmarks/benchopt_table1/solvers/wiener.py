"""The local Wiener filter of Table 1 on a whole batch."""

from benchopt import BaseSolver

from sigbench import LocalWiener


class Solver(BaseSolver):
    """As printed in Table 1."""

    name = "wiener-printed"

    def set_objective(self, noisy):
        """Keep the signals."""
        self.noisy = noisy

    def run(self, _):
        """Denoise: this is what benchopt times."""
        self.estimate = LocalWiener(window=3, border="zero")(self.noisy)

    def get_result(self):
        """Return the estimates."""
        return {"estimate": self.estimate}
