"""The keys of sigbench's own methods: finished cells stay valid from version to version."""

import pytest

from sigbench.benchmark.methods.resolve import METHODS, resolve

# As in version 0.1. A key changes only with the declared version of a method, whose values changed.
KEYS = {
    "noisy": "33b49cf1e165",
    "silence": "58a2ee8667de",
    "metric-gamer": "8802c9649b1a",
    "affine": "12473dbb8801",
    "gaussian-blur": "df90bf71806a",
    "savitzky-golay": "6078bfd68fdf",
    "median": "a5e326046b2a",
    "local-wiener": "53a83a04804b",
    "wavelet": "b15aa1408cf0",
    "block-wavelet": "c64d0332b11a",
    "sliding-dct": "7718faf6ee37",
    "stft-l1": "83bd349efb71",
    "stft-gmc": "671e01a2f560",
    "speech-dct": "d3fb6478fa95",
    "speech-wavelet": "98d0e8e1f59f",
    "nl-means": "aaf878d7f1b6",
    "bilateral": "b1f73ba5745e",
    "bm3d": "77ce528fa8ab",
    "regularized-inverse": "2db3f78304d9",
    "wiener-deconvolution": "f40a36472d04",
    "fitted-wiener": "555c6b43a124",
    "true-wiener": "88cc4c68b86e",
    "gaussian-posterior-mean": "9b04564ce7a7",
    "spikes-posterior-mean": "fad37b9767e5",
    "ideal-projection": "e3d9c2754a26",
    "boll-subtraction": "0e9a1efc38a2",
    "berouti-subtraction": "92e17ca36a48",
    "decision-directed-wiener": "4ea8c07f4483",
    "mmse-stsa": "0644bbcd0ce3",
    "log-mmse": "965df491684a",
    "om-lsa": "149beb3c6418",
    "oracle-wiener-mask": "83ae4f05cfbd",
    "ideal-ratio-mask": "5ae6d6830e62",
    "spectral-division": "35093e9a8eee",
    "wiener-division": "c807a0074356",
    "h1": "50273df10963",
    "h2": "27a598bb8f42",
    "least-squares-fir": "a6f1adb7f7bd",
    "cramer-rao": "58a4b7365c2c",
    "imcra": "b8b315b4122a",
    "leading": "99183c2bad65",
    "mcra": "0843ed91c84f",
    "min-statistics": "f1307925955b",
    "speech-presence": "95209c3ff980",
    "dtln": "e135e55c735d",
    "rnnoise": "67df8096a7b6",
    "deepfilternet": "4a1bf687c64b",
    "moving-average": "546cd251dcf1",
    "butterworth[cutoff=0.1]": "4b8180b878b1",
    "notch[frequency=0.1]": "97fbdf397f1c",
    "kalman": "b30adfc9767b",
    "hampel": "209d15203f4b",
    "mad": "bc13c4fc5e54",
    "quiet": "57a4773b7863",
    "subband": "b9a908b7a466",
    "smooth-spectrum": "ca6bf3f0384e",
    "autoregressive": "9beaf4989ecd",
    "with-noise[method=wavelet,noise=mad]": "1533da41de64",
    "l1[lam=1]": "5f2103ee171a",
    "gmc[lam=1]": "e7206873e68f",
    "tv[lam=1]": "40414c851784",
    "sparse-deconvolution[lam=1]": "8f56193e91fa",
    "network[weights=shrinknet]": "fcc4edc0a31c",
    "trained[network=shrinknet]": "74a7542c0260",
    "self-ensemble[denoiser=median]": "24dac08da28b",
    "whitened[method=median,noise=mad]": "3a52b0365cb0",
    "poisson-gaussian": "2aa4b9cb7fb1",
    "impulses": "760bdbbb189c",
    "hum": "a4bf6ea1c7ec",
    "rounding": "de996d92c48c",
    "varying": "d585f8550c2b",
    "stabilized[method=median]": "00c30cbc6993",
    "despiked[method=median]": "0bce29ff96fa",
    "without-lines[method=median]": "9ec55217f4ae",
    "level-normalized[method=median]": "33d14ea26757",
}


def test_the_table_has_all_methods():
    assert {name.partition("[")[0] for name in KEYS} == set(METHODS)


@pytest.mark.parametrize("name", KEYS)
def test_the_key_of_a_method_stays(name):
    (method,) = resolve(name)
    assert method.key[:12] == KEYS[name]
    assert (method.source, method.code, method.depends_on) == ("", (), ())
