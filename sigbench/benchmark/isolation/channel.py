"""Messages between a worker and a method process: JSON and raw arrays over a socket, no pickles."""

from __future__ import annotations

import json
import math
import socket
import struct
from typing import Any, NamedTuple

import numpy as np

MAX_HEADER = 64 * 2**20  # bytes
LENGTH = struct.Struct("<Q")


class Message(NamedTuple):
    """A message: a JSON object, and arrays."""

    header: dict[str, Any]
    arrays: list[np.ndarray]


class BadMessage(Exception):
    """The other side sent something that is not a message, or larger than allowed."""


class Channel:
    """One end of a connection.

    Parameters
    ----------
    connection : socket.socket
        A connected stream socket.

    Examples
    --------
    >>> one, other = map(Channel, socket.socketpair())
    >>> one.send({"do": "call"}, np.arange(2.0))
    >>> other.receive(16)
    Message(header={'do': 'call'}, arrays=[array([0., 1.])])
    >>> one.close(); other.close()
    """

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection

    def send(self, header: dict[str, Any], *arrays: np.ndarray) -> None:
        """Send a message.

        Raises
        ------
        OSError
            If the other side has closed the connection.
        """
        plain = [np.ascontiguousarray(array) for array in arrays]
        about = [[array.dtype.str, array.shape] for array in arrays]  # () stays ()
        text = json.dumps([header, about]).encode()
        self.socket.sendall(LENGTH.pack(len(text)) + text)
        for array in plain:
            if array.size:
                self.socket.sendall(array.reshape(-1).view(np.uint8).data)

    def receive(self, max_bytes: float = math.inf) -> Message:
        """Wait for a message whose arrays have at most ``max_bytes`` bytes.

        Raises
        ------
        EOFError
            If the other side has closed the connection.
        BadMessage
            If what it sent is not such a message.
        """
        (size,) = LENGTH.unpack(self._read(LENGTH.size))
        if size > MAX_HEADER:
            raise BadMessage(f"a message has {size} bytes")
        try:
            header, about = json.loads(bytes(self._read(size)))
            plans = [(_dtype(dtype), _shape(shape)) for dtype, shape in about]
        except (TypeError, ValueError, RecursionError) as error:
            raise BadMessage(f"a message cannot be read: {type(error).__name__}") from None
        if not isinstance(header, dict):
            raise BadMessage("a message is not an object")
        total = sum(dtype.itemsize * math.prod(shape) for dtype, shape in plans)
        if total > max_bytes:
            raise BadMessage(f"a message has arrays of {total} bytes")
        arrays = []
        for dtype, shape in plans:
            content = self._read(dtype.itemsize * math.prod(shape))
            arrays.append(np.frombuffer(content, dtype).reshape(shape))
        return Message(header, arrays)

    def close(self) -> None:
        """Close the connection; the other side receives the end of the stream."""
        self.socket.close()

    def _read(self, size: int) -> bytearray:
        content = bytearray(size)
        view = memoryview(content)
        while view:
            try:
                count = self.socket.recv_into(view)
            except ConnectionResetError:
                count = 0
            if not count:
                raise EOFError
            view = view[count:]
        return content


def packed(content: bytes) -> np.ndarray:
    """Return bytes as an array, to be sent."""
    return np.frombuffer(content, np.uint8)


def _dtype(text: Any) -> np.dtype[Any]:
    dtype = np.dtype(text)
    if not isinstance(text, str) or dtype.kind not in "biuf":
        raise ValueError(text)
    return dtype


def _shape(shape: Any) -> tuple[int, ...]:
    if not all(type(n) is int and n >= 0 for n in shape) or len(shape) > 32:
        raise ValueError(shape)
    return tuple(shape)
