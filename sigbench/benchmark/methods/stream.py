"""Causal use of a denoiser: samples are given and returned in parts."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from sigbench.benchmark.methods.describe import bind_problem_info
from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Denoiser, Local
from sigbench.core.validation import check_array, check_field, estimate_error

HISTORY = 4096  # samples, for methods that are not local


class Stream:
    """Denoise signals that arrive part by part, with a fixed latency.

    The signal is divided into blocks of ``block`` samples. When a block and ``lookahead`` further
    samples have arrived, the method is applied to the block with up to ``history`` samples before it
    and ``lookahead`` samples after it, and the estimate of the block is returned. The blocks do not
    depend on how the signal is divided into calls of `push`.

    Parameters
    ----------
    method : Denoiser
        A denoiser of signals. It is called with ``(items, 1, n)``. The first part that it gets has
        ``block + lookahead`` samples; a method that needs more, such as a long window, refuses it.
    block : int
        Samples of a block, >= 1. Larger blocks are faster and have a larger latency.
    lookahead : int
        Samples after a block that its estimate may depend on, >= 0.
    history : int, optional
        Samples before a block that its estimate may depend on. By default the reach of a local
        method (`sigbench.core.protocols.Local`), and 4096 samples for other methods.
    sigma : float or array, optional
        The noise level of the signals, which is passed to the method. A method that needs a level
        and is given none estimates it from each part.
    fs : float, optional
        Sampling rate in Hz, for methods that have a field ``fs``.

    Attributes
    ----------
    latency : int
        ``block − 1 + lookahead`` samples: the estimate of sample n depends on no sample after
        n + latency, and is returned by the call that brings sample n + latency, or earlier.

    Notes
    -----
    For a local method with ``lookahead`` and ``history`` of at least its reach, the estimates are
    those of the whole signal. For other methods they are those of the parts.

    Examples
    --------
    >>> import sigbench
    >>> y = np.random.default_rng(0).normal(size=1000)
    >>> method = sigbench.GaussianBlur(width=2.0)
    >>> stream = sigbench.Stream(method, block=64, lookahead=8)
    >>> stream.latency
    71
    >>> parts = [stream.push(y[i : i + 100]) for i in range(0, 1000, 100)] + [stream.finish()]
    >>> [len(part) for part in parts]
    [64, 128, 64, 128, 64, 128, 64, 128, 64, 128, 40]
    >>> bool(np.allclose(np.concatenate(parts), method(y.reshape(1, 1, -1)).ravel()))
    True
    """

    def __init__(
        self,
        method: Denoiser,
        block: int,
        lookahead: int = 0,
        *,
        history: int | None = None,
        sigma: float | Array | None = None,
        fs: float | None = None,
    ) -> None:
        check_field("block", block, 1)
        check_field("lookahead", lookahead, 0)
        check_field("history", history, 0)
        for name, count in (("block", block), ("lookahead", lookahead), ("history", history)):
            if count is not None and not isinstance(count, int | np.integer):
                raise InputError(f"{name}={count} must be a whole number of samples")
        if not callable(method):
            raise InputError(f"method={method!r} must be a denoiser")
        if history is None:
            history = method.reach if isinstance(method, Local) else HISTORY
        self._method: Denoiser = method if fs is None else bind_problem_info(method, {"fs": fs})
        self._block, self._lookahead, self._history = block, lookahead, history
        self._sigma = sigma
        self._kept: Array | None = None  # the samples that may still be needed
        self._past = 0  # how many of them have been estimated
        self._finished = False

    @property
    def latency(self) -> int:
        """Samples by which an estimate can be late."""
        return self._block - 1 + self._lookahead

    def push(self, samples: ArrayLike) -> Array:
        """Add samples and return the estimates of all blocks that are complete.

        Parameters
        ----------
        samples : array, shape (..., n)
            The next samples of one or more signals, such as ``(n,)`` or ``(channels, n)``; each
            signal is denoised separately. n may be 0.

        Returns
        -------
        array, shape (..., m)
            Estimates that follow those of the previous call; m may be 0. float32 for samples of
            this type, otherwise float64.

        Raises
        ------
        InputError
            If a sample is not a finite number, if the number of signals or the type changes, after
            `finish`, or by the method. Samples that are refused are not added: the stream goes on.
        """
        self._add(samples)
        return self._estimates(last=False)

    def finish(self) -> Array:
        """Return the estimates of the remaining samples, shape ``(..., m)``.

        Raises
        ------
        InputError
            If no samples were added, or if it was called before.
        """
        if self._finished or self._kept is None:
            raise InputError(f"the stream {'is finished' if self._finished else 'is empty'}")
        self._finished = True
        return self._estimates(last=True)

    def _add(self, samples: ArrayLike) -> None:
        if isinstance(samples, np.ma.MaskedArray):
            raise InputError("samples is a masked array: fill the missing samples first")
        new = np.asarray(samples)
        if new.dtype.kind not in "biuf":
            raise InputError(f"samples has dtype {new.dtype}: it must be real numbers")
        if new.dtype != np.float32:
            new = new.astype(np.float64)
        if new.size:
            check_array("samples", new)
        if self._finished:
            raise InputError("the stream is finished: make a new one")
        if new.ndim == 0:
            raise InputError("samples is a number: it must be an array (..., n)")
        if self._kept is None:
            self._kept = new.copy()
            return
        if new.shape[:-1] != self._kept.shape[:-1] or new.dtype != self._kept.dtype:
            raise InputError(
                f"samples has shape {new.shape} and dtype {new.dtype}: it must be "
                f"(..., n) with {self._kept.shape[:-1]} and {self._kept.dtype}, as before"
            )
        self._kept = np.concatenate([self._kept, new], axis=-1)

    def _estimates(self, last: bool) -> Array:
        assert self._kept is not None
        kept, length = self._kept, self._kept.shape[-1]
        parts, start = [kept[..., :0]], self._past
        while start + self._block + self._lookahead <= length:
            stop = start + self._block
            parts.append(self._estimate(start, stop, stop + self._lookahead))
            start = stop
        while last and start < length:
            stop = min(start + self._block, length)
            parts.append(self._estimate(start, stop, min(stop + self._lookahead, length)))
            start = stop
        first = max(start - self._history, 0)
        self._kept, self._past = kept[..., first:].copy(), start - first
        return np.concatenate(parts, axis=-1)

    def _estimate(self, start: int, stop: int, end: int) -> Array:
        """Return the estimate of samples ``start`` to ``stop`` from those before ``end``."""
        assert self._kept is not None
        first = max(start - self._history, 0)
        part = self._kept[..., first:end]
        batch = part.reshape(-1, 1, part.shape[-1])
        estimate = self._method(batch.copy(), sigma=self._sigma)
        problem = estimate_error(estimate, batch.shape, batch.dtype)
        if problem:
            raise InputError(problem)
        inner: Array = estimate.reshape(part.shape)[..., start - first : stop - first]
        return inner
