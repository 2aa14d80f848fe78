"""The methods and settings that ``auto`` tries."""

from __future__ import annotations

from sigbench.core.protocols import Domain

# Lists are sweeps. Weights and thresholds are relative to the noise level.
CANDIDATES: dict[Domain, tuple[str, ...]] = {
    "signal": (
        "gaussian-blur[width=[0.5,0.7,1,1.5,2,3,4,6,8,12,16]]",
        "savitzky-golay[window=[5,9,15,25,41,65],order=3]",
        "local-wiener[window=[5,9,17,33,65],noise_over_sigma=[1,1.4,2]]",
        "wavelet[wavelet=[haar,sym8],rule=bayes,shifts=8]",
        "wavelet[wavelet=[haar,sym8],rule=sure,shifts=8]",
        "wavelet[wavelet=[haar,sym8],rule=visu,scale=[0.3,0.5,0.7,1],shifts=8]",
        "wavelet[wavelet=[haar,sym8],rule=visu,shrink=hard,scale=[0.7,0.9],shifts=8]",
        "sliding-dct[window=[16,32,64,128],threshold_over_sigma=[2.3,2.7,3.2]]",
        "l1[transform=dct,lam_over_sigma=[0.5,1,1.5,2,2.5,3,4]]",
        "tv[lam_over_sigma=[0.5,0.75,1,1.5,2,3,4]]",
    ),
    "speech": (
        "gaussian-blur[width=[0.4,0.5,0.7,1,1.4,2]]",
        "local-wiener[window=[5,11,31,101],noise_over_sigma=[1,1.2,1.5]]",
        "wavelet[wavelet=[sym8,db16],rule=bayes,shifts=4]",
        "wavelet[wavelet=[sym8,db16],rule=sure,shifts=4]",
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
