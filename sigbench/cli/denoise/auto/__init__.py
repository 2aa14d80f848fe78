"""The method ``auto`` of ``sigbench denoise``."""

from sigbench.cli.denoise.auto.choose import Choice, Expected, denoise_automatically
from sigbench.cli.denoise.auto.text import as_json, as_text

__all__ = ["Choice", "Expected", "as_json", "as_text", "denoise_automatically"]
