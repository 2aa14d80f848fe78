"""What torch can use of a processor and its memory."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Literal

Device = Literal["cpu", "cuda"]

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3  # options of mallopt, from malloc.h
MAX_KEPT = 2**30  # bytes


def keep_memory() -> None:
    """Make glibc keep freed memory blocks in this process, for reuse in the next step.

    By default large blocks are returned to the system, and each step causes page faults again,
    which may take longer than the step itself (``benchmarks/images.py``). The setting is not
    restored, because glibc does not report the previous values.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):  # not glibc
        return
    for option, value in (
        (TRIM_THRESHOLD, MAX_KEPT),
        (TOP_PAD, MAX_KEPT // 8),
        (MMAP_THRESHOLD, MAX_KEPT),
    ):
        mallopt(option, value)


def has_bfloat16(device: Device) -> bool:
    """Return whether a device supports bfloat16 in hardware.

    For CPUs this is known only on Linux; elsewhere the result is False.
    """
    if device == "cuda":
        import torch

        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    cpuinfo = Path("/proc/cpuinfo")
    words = set(cpuinfo.read_text(encoding="utf-8").split()) if cpuinfo.is_file() else set()
    return bool(words & {"avx512_bf16", "amx_bf16", "avx_ne_convert", "bf16"})
