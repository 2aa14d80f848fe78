"""Calls and fits of users' methods, seen from the worker, which never loads their code."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import cloudpickle
import numpy as np

from sigbench.benchmark.engine.executors.calls import CallResult, attempt
from sigbench.benchmark.engine.session import (
    About,
    BadEstimate,
    Given,
    check_estimate,
    check_gaps,
    history_of,
)
from sigbench.benchmark.isolation.channel import Message, packed
from sigbench.benchmark.isolation.process import MethodProcess
from sigbench.benchmark.methods.own import OwnMethod
from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Pairs, Training, TrainingHistory
from sigbench.problems.denoising import Problem

SERVER = "sigbench.benchmark.engine.method_process"
GRACE_S = 15.0  # for a worker to end a late method process, before the worker itself is ended
MAX_FITTED = 2**34  # bytes of a fitted method
# A learner may bring a generator of its own to draw pairs.
BIT_GENERATORS = {
    kind.__name__: kind
    for kind in (
        np.random.MT19937,
        np.random.PCG64,
        np.random.PCG64DXSM,
        np.random.Philox,
        np.random.SFC64,
    )
}


def isolated(
    own: OwnMethod, timeout: float | None, work: Callable[[MethodProcess], Any]
) -> CallResult:
    """Do some work with a new method process; its result contains what the method has printed."""
    process = MethodProcess(SERVER, timeout, own.traits.preload, folder=own.folder)
    with process:
        ended = attempt(lambda: work(process))
    return dataclasses.replace(ended, log=process.log)


def _open(process: MethodProcess, own: OwnMethod, problem: Problem) -> None:
    """Load a method in its process, with the problem information and the way it is called."""
    content = cloudpickle.dumps((own, dict(problem.problem_info), problem.caller))
    process.request({"do": "open"}, packed(content))


class Remote:
    """A `Session` in a method process."""

    def __init__(self, process: MethodProcess, own: OwnMethod, problem: Problem) -> None:
        self._process = process
        _open(process, own, problem)

    def call(self, given: Given) -> tuple[Array, float]:
        """Return the checked estimate and the duration of the call in seconds.

        Raises
        ------
        BadEstimate
            If the method violated the protocol.
        MethodFailed
            If it raised an error or ended its process.
        """
        size = math.prod(given.shape) * given.noisy.itemsize
        header, arrays = self._request("call", given, size)
        if len(arrays) != 1:
            raise BadEstimate("the process of the method sent no estimate")
        check_estimate(arrays[0], given)
        seconds = header.get("seconds")
        if type(seconds) is not float or not 0 <= seconds < math.inf:
            raise BadEstimate(f"the process of the method sent {seconds=}")
        return arrays[0], seconds

    def gaps(self, given: Given) -> Array:
        """Return the certificate of a `Certified` method, shape ``(N,)``."""
        _, arrays = self._request("gaps", given, 8 * len(given.items))
        if len(arrays) != 1:
            raise BadEstimate("the process of the method sent no certificate")
        return check_gaps(arrays[0], given)

    def about(self) -> About:
        """Return what the method reports about itself."""
        record = self._process.request({"do": "about"}).header
        try:
            about = About(**record)
            log: Any = about.history
            history = None if log is None else TrainingHistory(*log)
            return About(
                str(about.params),
                int(about.n_params),
                str(about.device),
                float(about.latency_ms),
                history_of(history),
                bool(about.certified),
                float(about.peak_rss_mb),
            )
        except (TypeError, ValueError, OverflowError) as error:
            raise BadEstimate(f"the process of the method sent no valid record: {error}") from None

    def _request(self, do: str, given: Given, max_bytes: int) -> Message:
        parts = {"noisy": given.noisy, "sigma": given.sigma, "clean": given.clean}
        sent = {name: array for name, array in parts.items() if array is not None}
        about = {"shape": given.shape, "items": list(given.items), "sent": list(sent)}
        return self._process.request({"do": do, **about}, *sent.values(), max_bytes=max_bytes)


def fitted(process: MethodProcess, own: OwnMethod, problem: Problem, training: Training) -> Any:
    """Return a user's learner, fitted in its process, as bytes that only a method process opens."""
    _open(process, own, problem)
    pairs, validation = training.pairs, training.validation
    header = {
        "do": "fit",
        "peak": float(training.peak),
        "second": training.second is not None,
        "pairs": _sigma(pairs),
        "validation": _sigma(validation),
    }
    answer = process.request(
        header, *pair_arrays(pairs), *pair_arrays(validation), max_bytes=MAX_FITTED
    )
    while "ask" in answer.header:
        try:
            reply, arrays = _answered(answer.header, training)
        except InputError as error:
            reply, arrays = {"refused": str(error)}, []
        answer = process.request(reply, *arrays, max_bytes=MAX_FITTED)
    edges = answer.header.get("grid_edges")
    if len(answer.arrays) != 1 or not isinstance(edges, list):
        raise BadEstimate("the process of the method sent no fitted method")
    traits = dataclasses.replace(
        own.traits, learner=False, oracle=False, grid_edges=tuple(map(str, edges))
    )
    return OwnMethod(answer.arrays[0].tobytes(), own.folder, traits)


def _answered(asked: dict[str, Any], training: Training) -> tuple[dict[str, Any], list[Array]]:
    """Return the pairs that a learner asks for, and the state of its generator afterwards."""
    if asked["ask"] == "second" and training.second is not None:
        return {}, [training.second()]
    try:
        n, target, state = int(asked["n"]), str(asked["target"]), asked["rng"]
        generator = BIT_GENERATORS[state["bit_generator"]](0)
        generator.state = state
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"draw: the random generator cannot be used: {error}") from None
    pairs = training.draw(n, np.random.Generator(generator), target)
    return {"pairs": _sigma(pairs), "rng": plain(generator.state)}, pair_arrays(pairs)


def plain(state: Any) -> Any:
    """Return the state of a random generator as a JSON object."""
    if isinstance(state, dict):
        return {key: plain(value) for key, value in state.items()}
    return state.tolist() if isinstance(state, np.ndarray | np.generic) else state


def _sigma(pairs: Pairs) -> float | str | None:
    """Return the noise level of pairs, or ``"array"`` if it is sent as an array."""
    return "array" if isinstance(pairs.sigma, np.ndarray) else pairs.sigma


def pair_arrays(pairs: Pairs) -> list[Array]:
    """Return the arrays of pairs, in the order in which they are sent."""
    more = [pairs.sigma] if isinstance(pairs.sigma, np.ndarray) else []
    return [pairs.noisy, pairs.target, *more]
