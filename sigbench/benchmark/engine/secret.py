"""Private data seeds, for judging methods that might create the test items again."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field, replace
from pathlib import Path

from sigbench.core.errors import InputError
from sigbench.core.protocols import Block

MIN_BYTES, MAX_BYTES = 16, 2**16


@dataclass(frozen=True)
class Secret:
    """A secret from which data seeds are derived.

    Parameters
    ----------
    content : bytes
        At least 16 bytes that nobody can guess.

    Raises
    ------
    InputError
        If it is too short or too long.

    Examples
    --------
    >>> secret = Secret(bytes(16))
    >>> secret.seed(1) == secret.seed(1) != Secret(bytes(17)).seed(1)
    True
    """

    content: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not MIN_BYTES <= len(self.content) <= MAX_BYTES:
            raise InputError(
                f"a secret of {len(self.content)} bytes: it must have {MIN_BYTES} to {MAX_BYTES}"
            )

    @property
    def digest(self) -> str:
        """A digest, which does not reveal the secret."""
        return hashlib.sha256(b"sigbench secret\0" + self.content).hexdigest()[:32]

    @property
    def _key(self) -> bytes:
        return hashlib.sha256(self.content).digest()  # HMAC would ignore null bytes at the end

    def seed(self, public: int) -> int:
        """Return the private seed in place of a public one, 0 to 2**63 - 1."""
        code = hmac.digest(self._key, f"data seed {public}".encode(), "sha256")
        return int.from_bytes(code[:8], "big") >> 1

    def hidden(self, block: Block, public: int) -> Block:
        """Return a block without the private seed in the names of its groups."""
        private = f"{self.seed(public)}:"
        groups = (
            f"{public}:{name.removeprefix(private)}" if name.startswith(private) else name
            for name in block.groups
        )
        return replace(block, groups=tuple(groups))


def read_secret(path: Path) -> Secret:
    """Read a secret from a file, without white space at its end.

    Raises
    ------
    InputError
        If the file is missing, or the secret is too short or too long.
    """
    if not path.is_file():
        raise InputError(f"{path} is not a file" if path.exists() else f"{path}: no such file")
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 2).rstrip()
    try:
        return Secret(content)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
