"""What the wrappers share: the methods that they contain, and their metadata."""

from __future__ import annotations

import dataclasses
from typing import Any

from sigbench.core.errors import InputError
from sigbench.core.protocols import UNDESCRIBED, Denoiser, Info, Learner, Oracle, info_of
from sigbench.denoisers import DENOISERS
from sigbench.networks.pretrained.denoiser import Pretrained

# The methods that a wrapper accepts in a spec. `wrappers/__init__.py` adds the wrappers themselves.
INNER: dict[str, Any] = {**DENOISERS, "network": Pretrained}


def wrapped_info(wrapper: Info, inner: Denoiser) -> Info:
    """Return the metadata of a wrapper around a denoiser.

    Raises
    ------
    InputError
        If the inner method is an oracle, a learner or not a denoiser.
    """
    info = info_of(inner)
    if isinstance(inner, Oracle | Learner) or not callable(inner):
        raise InputError(f"{wrapper.name}: {info.name} is not a denoiser")
    if info == UNDESCRIBED:
        return info
    return dataclasses.replace(
        wrapper,
        name=f"{wrapper.name}-{info.name}",
        domains=tuple(d for d in wrapper.domains if d in info.domains),
        fitted=info.fitted,
        prior=info.prior,
    )
