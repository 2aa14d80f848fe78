"""The number of threads of a training, which its values depend on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


def thread_count(engine: str) -> int:
    """Return the number of threads that an engine computes with.

    Parameters
    ----------
    engine : {"numpy", "torch"}
        The engine.

    Examples
    --------
    >>> with limited_threads("numpy", 1):
    ...     thread_count("numpy")
    1
    """
    if engine == "torch":
        import torch

        return torch.get_num_threads()
    from threadpoolctl import threadpool_info

    return max((pool["num_threads"] for pool in threadpool_info()), default=1)


@contextmanager
def limited_threads(engine: str, count: int) -> Iterator[None]:
    """Let an engine, and NumPy in any case, compute with a number of threads.

    Sums are divided among threads, so their rounding depends on the number.

    Parameters
    ----------
    engine : {"numpy", "torch"}
        The engine.
    count : int
        The number of threads; it may exceed the number of cores.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(count):
        if engine != "torch":
            yield
            return
        import torch

        before = torch.get_num_threads()
        torch.set_num_threads(count)
        try:
            yield
        finally:
            torch.set_num_threads(before)
