"""A user's function as a denoiser: of batches, or of single items."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check

# "required": a parameter sigma without a default; "keywords": any keyword, as in f(noisy, **options)
TakesSigma = Literal["required", "optional", "keywords", "no"]
BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)

Parameters = Mapping[str, inspect.Parameter]


def takes_sigma(function: Callable[..., Array]) -> TakesSigma:
    """Return how a function takes the noise level.

    Examples
    --------
    >>> [takes_sigma(f) for f in (lambda y: y, lambda y, sigma: y, lambda y, **options: y)]
    ['no', 'required', 'keywords']
    """
    parameters = _parameters(function)
    sigma = parameters.get("sigma")
    kinds = {parameter.kind for parameter in parameters.values()}
    if sigma is not None and (_has_second(parameters) or sigma.kind in BY_NAME):
        return "required" if sigma.default is sigma.empty else "optional"
    return "keywords" if inspect.Parameter.VAR_KEYWORD in kinds else "no"


def _has_second(parameters: Parameters) -> bool:
    """Return whether the second parameter is a positional-only ``sigma``."""
    second = [*parameters.values()][1:2]
    return any(p.name == "sigma" and p.kind is p.POSITIONAL_ONLY for p in second)


def _parameters(function: Callable[..., Array]) -> Parameters:
    """Return the parameters of a function; none if they are unknown, as for some in C.

    Those of a decorator count, and those of the decorated function where it passes on any keyword.
    """
    try:
        own = inspect.signature(function, follow_wrapped=False).parameters
        if "sigma" in own or all(p.kind is not p.VAR_KEYWORD for p in own.values()):
            return own
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}


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
        """The name of the function, and whether it has a parameter ``sigma``."""
        name = getattr(self.function, "__name__", "function")
        uses_sigma = self.takes_sigma in ("required", "optional")
        return Info(name, "user", "a user's function", uses_sigma=uses_sigma)

    @property
    def takes_sigma(self) -> TakesSigma:
        """How the function takes the noise level."""
        return takes_sigma(self.function)

    @property
    def needs_sigma(self) -> bool:
        """Whether ``sigma`` is a parameter without a default."""
        return self.takes_sigma == "required"

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Call the function; the engine checks its result."""
        how = self.takes_sigma
        if how == "no" or (sigma is None and how != "required"):
            return self.function(noisy)
        if _has_second(_parameters(self.function)):
            return self.function(noisy, sigma)
        return self.function(noisy, sigma=sigma)


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
        """The name of the function, and whether it has a parameter ``sigma``."""
        return Function(self.function).info

    @property
    def takes_sigma(self) -> TakesSigma:
        """How the function takes the noise level."""
        return takes_sigma(self.function)

    @property
    def needs_sigma(self) -> bool:
        """Whether ``sigma`` is a parameter without a default."""
        return self.takes_sigma == "required"

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
