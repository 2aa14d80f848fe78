"""Causal use of denoisers: latency, the future, and the offline result."""

import numpy as np
import pytest

import sigbench
from sigbench import InputError, Stream
from sigbench.core.protocols import Local
from sigbench.denoisers import DENOISERS


def name(method):
    """Return the name of a case; the text of a function contains its address."""
    return getattr(method, "__name__", str(method))


LOCAL = [
    sigbench.Noisy(),
    sigbench.GaussianBlur(width=1.7),
    sigbench.SavitzkyGolay(window=9),
    sigbench.Median(window=5),
    sigbench.LocalWiener(window=7),
    sigbench.SlidingDCT(window=8),
    sigbench.MovingAverage(window=5),
    sigbench.Hampel(window=7),
]
OTHERS = [
    sigbench.WaveletShrink(wavelet="haar"),
    sigbench.TotalVariation(lam_over_sigma=1.0),
    sigbench.Butterworth(cutoff=0.1, causal=True),
    DENOISERS["om-lsa"](fs=8000.0),
    lambda noisy, *, sigma=None: np.cumsum(noisy, axis=2),
]


def streamed(stream, y, sizes):
    """Return the estimate of a signal that is pushed in parts of the given sizes, in turn."""
    parts, at, turn = [], 0, 0
    while at < y.shape[-1]:
        parts.append(stream.push(y[..., at : at + sizes[turn % len(sizes)]]))
        at += sizes[turn % len(sizes)]
        turn += 1
    return np.concatenate([*parts, stream.finish()], axis=-1)


@pytest.mark.parametrize("block", [1, 7, 64, 1000])
@pytest.mark.parametrize("method", LOCAL, ids=name)
def test_a_local_method_has_the_offline_result(rng, method, block):
    y = rng.standard_normal((3, 300))
    stream = Stream(method, block, method.reach, sigma=0.5)
    offline = method(y[:, None], sigma=0.5)[:, 0]
    np.testing.assert_allclose(streamed(stream, y, [1, 50, 0, 13]), offline, rtol=0, atol=1e-12)


@pytest.mark.parametrize("lookahead", [0, 5])
@pytest.mark.parametrize("block", [1, 20])
@pytest.mark.parametrize("method", [*LOCAL, *OTHERS], ids=name)
def test_the_future_after_the_latency_changes_nothing(rng, method, block, lookahead):
    if isinstance(method, sigbench.SavitzkyGolay | sigbench.WaveletShrink) and block == 1:
        block = 10  # the first part must be long enough for the method
    y = rng.standard_normal(100)
    stream = Stream(method, block, lookahead, sigma=0.5)
    assert stream.latency == block - 1 + lookahead
    known = streamed(stream, y, [100])
    for n in (0, 33, 59):
        changed = y.copy()
        changed[n + stream.latency + 1 :] = rng.standard_normal(len(y) - n - stream.latency - 1)
        other = streamed(Stream(method, block, lookahead, sigma=0.5), changed, [17])
        np.testing.assert_array_equal(other[: n + 1], known[: n + 1])
    assert (other != known).any()


@pytest.mark.parametrize(("block", "lookahead"), [(1, 0), (1, 4), (16, 0), (16, 5)])
def test_an_estimate_is_returned_after_the_latency(rng, block, lookahead):
    """One sample at a time: sample n is out when n + latency is in, and for some n not before."""
    stream = Stream(sigbench.Noisy(), block, lookahead)
    y = rng.standard_normal(200)
    returned, delays = 0, []
    for at, value in enumerate(y):
        part = stream.push([value])
        delays += [at - n for n in range(returned, returned + len(part))]
        np.testing.assert_array_equal(part, y[returned : returned + len(part)])
        returned += len(part)
    assert max(delays) == stream.latency
    assert returned == (len(y) - lookahead) // block * block


@pytest.mark.parametrize("method", OTHERS, ids=name)
def test_the_division_into_calls_does_not_matter(rng, method):
    y = rng.standard_normal((2, 500))
    whole = streamed(Stream(method, 64, 16, sigma=0.5), y, [500])
    np.testing.assert_array_equal(
        streamed(Stream(method, 64, 16, sigma=0.5), y, [1, 100, 37]), whole
    )


def test_the_history(rng):
    """A method sees at most the history, the block and the lookahead."""
    seen = []

    def method(noisy, *, sigma=None):
        seen.append(noisy[0, 0].tolist())
        return noisy

    y = np.arange(12.0)
    streamed(Stream(method, 3, 1, history=2), y, [12])
    assert seen == [
        [0, 1, 2, 3],
        [1, 2, 3, 4, 5, 6],
        [4, 5, 6, 7, 8, 9],
        [7, 8, 9, 10, 11],
    ]
    stream = Stream(method, 100, history=None)
    for _ in range(100):
        stream.push(np.zeros(100))
    assert max(map(len, seen)) == 100 + 4096
    local = Stream(sigbench.Median(5), 10)
    assert isinstance(sigbench.Median(5), Local)
    assert local._history == 2


@pytest.mark.parametrize("block", [1, 10])
@pytest.mark.parametrize(
    "method",
    [sigbench.Butterworth(cutoff=0.1, causal=True), sigbench.MovingAverage(window=6, causal=True)],
    ids=str,
)
def test_causal_methods_need_no_lookahead(rng, method, block):
    """The response of the filter has decayed after the history."""
    y = rng.standard_normal((2, 600))
    out = streamed(Stream(method, block, history=400), y, [7])
    np.testing.assert_allclose(out, method(y[:, None])[:, 0], rtol=0, atol=1e-9)


@pytest.mark.parametrize("shape", [(50,), (2, 50), (2, 1, 50), (0, 50)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_shapes_and_types(shape, dtype):
    y = np.ones(shape, dtype)
    if not y.size:
        with pytest.raises(InputError, match="empty"):
            streamed(Stream(sigbench.Noisy(), 8), y, [50])
        return
    out = streamed(Stream(sigbench.Noisy(), 8), y, [50])
    assert out.shape == shape
    assert out.dtype == (np.float32 if dtype == np.float32 else np.float64)


def test_signals_are_separate_and_have_their_levels(rng):
    y = rng.standard_normal((2, 200))
    method = sigbench.SlidingDCT()
    both = streamed(Stream(method, 32, 7, sigma=np.array([0.3, 2.0])), y, [200])
    for i, level in enumerate((0.3, 2.0)):
        one = streamed(Stream(method, 32, 7, sigma=level), y[i], [200])
        np.testing.assert_array_equal(both[i], one)


def test_the_rate_is_filled_in(rng):
    y = rng.standard_normal(900)
    name = "om-lsa"
    one = streamed(Stream(DENOISERS[name](), 300, fs=8000.0), y, [900])
    two = streamed(Stream(DENOISERS[name](fs=8000.0), 300), y, [900])
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.array([1.0, np.nan]), r"samples contains nan at \(1,\)"),
        (np.array([np.inf]), r"samples contains inf at \(0,\)"),
        (np.ma.masked_array([1.0, 2.0], [True, False]), "samples is a masked array"),
        (np.array([1j]), "samples has dtype complex128: it must be real numbers"),
        (["1.5"], "samples has dtype <U3"),
        ([None, 1.0], "samples has dtype object"),
    ],
)
def test_a_stream_goes_on_after_samples_that_are_refused(rng, wrong, message):
    y = rng.standard_normal(30)
    stream, other = (Stream(sigbench.MovingAverage(5), 8) for _ in range(2))
    parts = [stream.push(y[:10])]
    with pytest.raises(InputError, match=message):
        stream.push(wrong)
    parts += [stream.push(y[10:]), stream.finish()]
    np.testing.assert_array_equal(np.concatenate(parts), streamed(other, y, [30]))


def test_wrong_calls():
    noisy = sigbench.Noisy()
    with pytest.raises(InputError, match="block=0 must be >= 1"):
        Stream(noisy, 0)
    with pytest.raises(InputError, match="lookahead=-1 must be >= 0"):
        Stream(noisy, 1, -1)
    with pytest.raises(InputError, match="history=-1 must be >= 0"):
        Stream(noisy, 1, history=-1)
    with pytest.raises(InputError, match=r"block=36\.0 must be a whole number of samples"):
        Stream(noisy, 36.0)
    with pytest.raises(InputError, match="method='median' must be a denoiser"):
        Stream("median", 1)
    stream = Stream(noisy, 4)
    with pytest.raises(InputError, match="the stream is empty"):
        stream.finish()
    with pytest.raises(InputError, match="samples is a number"):
        stream.push(1.0)
    stream.push(np.zeros((2, 3)))
    for wrong in (np.zeros(3), np.zeros((3, 3)), np.zeros((2, 3), np.float32)):
        with pytest.raises(InputError, match="as before"):
            stream.push(wrong)
    assert stream.finish().shape == (2, 3)
    for call in (stream.finish, lambda: stream.push(np.zeros((2, 3)))):
        with pytest.raises(InputError, match="the stream is finished"):
            call()
    with pytest.raises(InputError, match=r"the estimate has shape \(1, 1, 3\), not \(1, 1, 4\)"):
        Stream(lambda noisy, *, sigma=None: noisy[:, :, 1:], 4).push(np.zeros(4))
