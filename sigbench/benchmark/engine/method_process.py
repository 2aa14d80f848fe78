"""What a method process does: load one method, and call or fit it with the data that it is sent."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from typing import Any

import cloudpickle
import numpy as np

from sigbench.benchmark.engine.executors.calls import one_line
from sigbench.benchmark.engine.isolated import plain
from sigbench.benchmark.engine.session import BadEstimate, Given, InProcess
from sigbench.benchmark.isolation.channel import Channel, packed
from sigbench.benchmark.methods.building import check_code, loaded
from sigbench.benchmark.methods.describe import bind_problem_info
from sigbench.benchmark.methods.own import OwnMethod
from sigbench.benchmark.methods.tuning import Tuned
from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Denoiser, Oracle, Pairs, Training
from sigbench.core.rng import item_rng

TRAINING_SEED = 0  # independent of the data seeds


def serve(channel: Channel) -> None:
    """Answer requests until the worker closes the channel."""
    server = _Server(channel)
    while True:
        header, arrays = channel.receive()
        try:
            answer, *results = server.answer(header, arrays)
        except BaseException as error:  # also those that a method defines
            answer, results = {"error": one_line(error), "trace": traceback.format_exc()}, []
        channel.send(answer, *results)


class _Server:
    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def answer(self, header: dict[str, Any], arrays: list[Array]) -> Any:
        match header["do"]:
            case "open":
                own, self._info, self._caller = cloudpickle.loads(arrays[0].tobytes())
                self._own: OwnMethod = own
                self._entry: Any = loaded(own)
                check_code(own)
                self._session = InProcess(self._entry, self._info, self._caller)
                return ({},)
            case "call":
                estimate, seconds = self._session.call(_given(header, arrays))
                return {"seconds": seconds}, estimate
            case "gaps":
                return {}, self._session.gaps(_given(header, arrays))
            case "about":
                check_code(self._own)  # also what the calls have imported
                about = self._session.about()
                history = about.history and [*vars(about.history).values()]
                return ({**about._asdict(), "history": history},)
            case "fit":
                return self._fit(header, iter(arrays))
        raise ValueError(header["do"])

    def _fit(self, header: dict[str, Any], arrays: Iterator[Array]) -> Any:
        train = Training(
            _pairs(header["pairs"], arrays),
            _pairs(header["validation"], arrays),
            self._draw,
            header["peak"],
            lambda method, pairs: self._caller(method, pairs.noisy, pairs.sigma),
            self._second if header["second"] else None,
        )
        ready = fit(bind_problem_info(self._entry, self._info), train)
        check_code(self._own)
        edges = self._entry.grid_edges(ready) if isinstance(self._entry, Tuned) else ()
        return {"grid_edges": list(edges)}, packed(cloudpickle.dumps(ready))

    def _draw(self, n: int, rng: np.random.Generator, target: str = "clean") -> Pairs:
        state = plain(rng.bit_generator.state)
        header, arrays = self._ask({"ask": "draw", "n": int(n), "target": target, "rng": state})
        rng.bit_generator.state = header["rng"]
        return _pairs(header["pairs"], iter(arrays))

    def _second(self) -> Array:
        return self._ask({"ask": "second"})[1][0]

    def _ask(self, question: dict[str, Any]) -> tuple[dict[str, Any], list[Array]]:
        self._channel.send(question)
        header, arrays = self._channel.receive()
        if "refused" in header:
            raise InputError(header["refused"])
        return header, arrays


def fit(entry: Any, train: Training) -> Denoiser:
    """Return a fitted learner.

    Raises
    ------
    BadEstimate
        If it is an oracle.
    """
    ready: Denoiser = entry.fit(train, rng=item_rng(0, "fit", TRAINING_SEED))
    if isinstance(ready, Oracle):
        raise BadEstimate("fit returned an oracle, which would use the clean items")
    return ready


def _given(header: dict[str, Any], arrays: list[Array]) -> Given:
    sent = dict(zip(header["sent"], arrays, strict=True))
    return Given(
        sent["noisy"], sent.get("sigma"), sent.get("clean"), tuple(header["shape"]), header["items"]
    )


def _pairs(sigma: float | str | None, arrays: Iterator[Array]) -> Pairs:
    noisy, target = next(arrays), next(arrays)
    return Pairs(noisy, target, next(arrays) if sigma == "array" else sigma)  # type: ignore[arg-type]
