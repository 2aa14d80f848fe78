"""The methods and settings that ``auto`` tries, and their names on the command line."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from sigbench.config.spec import Spec, expand, parse
from sigbench.core.protocols import Domain

# Lists are sweeps. Weights and thresholds are relative to the noise level.
CANDIDATES: dict[Domain, tuple[str, ...]] = {
    "signal": (
        "gaussian-blur[width=[0.5,0.7,1,1.5,2,3,4,6,8,12,16]]",
        "savitzky-golay[window=[5,9,15,25,41,65],order=3]",
        "local-wiener[window=[5,9,17,33,65],noise_over_sigma=[1,1.4,2]]",
        "wavelet[wavelet=[haar,sym8],rule=bayes,shifts=8]",
        "wavelet[wavelet=[haar,sym8],rule=visu,scale=[0.3,0.5,0.7,1],shifts=8]",
        "wavelet[wavelet=[haar,sym8],rule=visu,shrink=hard,scale=[0.9,1],shifts=8]",
        "sliding-dct[window=[16,32,64,128],threshold_over_sigma=[2.3,2.7,3.2]]",
        "l1[transform=dct,lam_over_sigma=[0.5,1,1.5,2,2.5,3,4]]",
        "tv[lam_over_sigma=[0.5,0.75,1,1.5,2,3,4]]",
    ),
    "speech": (
        "gaussian-blur[width=[0.4,0.5,0.7,1,1.4,2]]",
        "local-wiener[window=[5,11,31,101],noise_over_sigma=[1,1.2,1.5]]",
        "wavelet[wavelet=[sym8,db16],rule=bayes,shifts=4]",
        "wavelet[wavelet=[sym8,db16],rule=visu,scale=[0.1,0.2,0.3,0.5],shifts=4]",
        "sliding-dct[window=[64,128,256],threshold_over_sigma=[2.3,2.7,3.2]]",
        "l1[transform=dct,lam_over_sigma=[0.5,1,1.5,2]]",
    ),
    "image": (
        "gaussian-blur[width=[0.3,0.4,0.5,0.6,0.7,0.85,1,1.4,2]]",
        "local-wiener[window=[3,5,7,9],noise_over_sigma=[1,1.2]]",
        "wavelet[wavelet=[haar,sym4],rule=bayes,shifts=3]",
        "wavelet[wavelet=[haar,sym4],rule=visu,scale=[0.1,0.2,0.3,0.45],shifts=3]",
        "sliding-dct[window=[8,12],threshold_over_sigma=[2.2,2.6,3]]",
        "tv[lam_over_sigma=[0.25,0.4,0.6,0.8,1.1]]",
    ),
}
NETWORKS = ("network[weights=[dncnn-0-55,dncnn-0-100]]",)  # for gray levels 0..255

# Methods that accept a noise model, and those that do not use the noise level at all.
ACCEPT_MODELS = ("local-wiener", "wavelet", "block-wavelet", "sliding-dct", "l1")
WITHOUT_LEVEL = ("gaussian-blur", "savitzky-golay", "network")
# The parameters in noise levels, and the same ones in the units of the item.
ABSOLUTE = {
    "lam_over_sigma": "lam",
    "threshold_over_sigma": "threshold",
    "noise_over_sigma": "noise",
}


@dataclass(frozen=True)
class Candidate:
    """A method with its settings.

    Attributes
    ----------
    spec : Spec
        The method, as in the list.
    family : int
        The number of the entry of the list that it comes from.
    """

    spec: Spec
    family: int

    @property
    def accepts_model(self) -> bool:
        """Whether the method accepts a noise model in place of the noise level."""
        return self.spec.name in ACCEPT_MODELS

    @property
    def uses_level(self) -> bool:
        """Whether the method uses the noise level."""
        return self.spec.name not in WITHOUT_LEVEL

    @property
    def jumps(self) -> bool:
        """Whether the method has hard thresholds, which are discontinuous."""
        return self.spec.name == "sliding-dct" or ("shrink", "hard") in self.spec.params

    def at_level(self, level: float) -> str | None:
        """Return the method with weights in the units of the item, or None if it has no such.

        Examples
        --------
        >>> Candidate(parse("tv[lam_over_sigma=2]"), 0).at_level(0.25)
        'tv[lam=0.5]'
        """
        if not self.uses_level:
            return str(self.spec)
        params = dict(self.spec.params)
        relative = next((name for name in ABSOLUTE if name in params), None)
        if relative is None:
            return None
        rounded = float(f"{params.pop(relative) * level:.4g}")
        return str(
            dataclasses.replace(self.spec, params=(*params.items(), (ABSOLUTE[relative], rounded)))
        )


def candidates(domain: Domain, *, gray_levels: bool = False) -> list[Candidate]:
    """Return the methods for a kind of data; with networks for values in 0..255."""
    texts = (*CANDIDATES[domain], *(NETWORKS if gray_levels else ()))
    return [
        Candidate(spec, family) for family, text in enumerate(texts) for spec in expand(parse(text))
    ]
