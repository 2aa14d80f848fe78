"""A user's function as a denoiser: of batches, or of single items."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check


@dataclass(frozen=True)
class Function:
    """A function ``f(noisy)`` or ``f(noisy, sigma)`` of batches as a denoiser.

    Examples
    --------
    >>> Function(lambda noisy: noisy / 2)(np.ones((1, 1, 2)))
    array([[[0.5, 0.5]]])
    """

    function: Callable[..., Array]

    @property
    def info(self) -> Info:
        """The name of the function, and whether it takes the noise level."""
        name = getattr(self.function, "__name__", "function")
        return Info(name, "user", "a user's function", uses_sigma="sigma" in self._parameters)

    @property
    def _parameters(self) -> dict[str, inspect.Parameter]:
        return dict(inspect.signature(self.function).parameters)

    @property
    def needs_sigma(self) -> bool:
        """Whether ``sigma`` is a parameter without a default."""
        return (
            "sigma" in self._parameters
            and self._parameters["sigma"].default is inspect.Parameter.empty
        )

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Call the function; the engine checks its result."""
        if "sigma" in self._parameters and (sigma is not None or self.needs_sigma):
            return self.function(noisy, sigma=sigma)
        return self.function(noisy)


@dataclass(frozen=True)
class PerItem:
    """A function of one item as a denoiser of batches.

    Parameters
    ----------
    function : callable
        ``f(item)`` or ``f(item, sigma)``, which returns the estimate. An item with one channel has
        shape ``(L,)`` or ``(H, W)``, otherwise ``(C, *space)``; sigma is a float or None.

    Examples
    --------
    >>> from scipy.signal import medfilt
    >>> PerItem(lambda item: medfilt(item, 3))(np.array([[[0.0, 9.0, 0.0]]]))
    array([[[0., 0., 0.]]])
    """

    function: Callable[..., Array]

    @property
    def info(self) -> Info:
        """The name of the function, and whether it takes the noise level."""
        return Function(self.function).info

    @property
    def needs_sigma(self) -> bool:
        """Whether ``sigma`` is a parameter without a default."""
        return Function(self.function).needs_sigma

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        levels = check(noisy, sigma)
        one = Function(self.function)
        estimate = np.empty_like(noisy)
        for i, item in enumerate(noisy):
            level = None if levels is None else float(levels[i])
            flat = item[0] if len(item) == 1 else item
            result = np.asarray(one(flat, sigma=level))
            if result.shape != flat.shape:
                raise InputError(
                    f"the estimate of an item of shape {flat.shape} has shape {result.shape}"
                )
            estimate[i] = result
        return estimate
