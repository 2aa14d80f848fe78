"""Small files as people have them: tables, sounds, pictures and arrays, by name."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable

import numpy as np

X = [20.1, 20.4, 19.8, 20.0, 21.3, 20.9, 20.2, 19.9, 20.6, 20.3, 20.7, 20.5]
Y = [1.25, 1.5, 1.0, 1.75, 1.25, 1.5, 1.25, 1.0, 1.75, 1.5, 1.25, 1.0]
COUNTS = [512, 530, 498, 511, 560, 541, 519, 502, 533, 521, 537, 528]


def _rows(*columns: Iterable[object], delimiter: str = ",", end: str = "\n") -> str:
    lines = zip(*columns, strict=True)
    return "".join(delimiter.join(map(str, line)) + end for line in lines)


def _comma(values: Iterable[float], digits: int = 2) -> list[str]:
    return [f"{value:.{digits}f}".replace(".", ",") for value in values]


def _times(form: str, step: float = 1.0, start: float = 0.0) -> list[str]:
    return [form.format(start + step * k) for k in range(len(X))]


def _dates(step_s: int = 60, end: str = "", sep: str = "T") -> list[str]:
    stamps = [np.datetime64("2024-03-01T07:58:00") + np.timedelta64(step_s * k) for k in range(12)]
    return [str(stamp).replace("T", sep) + end for stamp in stamps]


SECONDS = _times("{:.3f}", 0.001)
EPOCH = [1709280000 + k for k in range(12)]
REPEATED = [1709280000 + k // 2 for k in range(12)]
NANOSECONDS = [1709280000123456789 + 1000000 * k for k in range(12)]
WITH_GAP = [0.1 * k + (0.7 if k > 6 else 0) for k in range(12)]
UNEVEN = [0.0, 0.9, 2.2, 3.0, 4.4, 5.1, 5.9, 7.3, 8.0, 9.2, 10.0, 11.1]
HOLES = [str(v) if k not in (3, 4, 9) else "" for k, v in enumerate(X)]
NANS = [str(v) if k not in (5,) else "NaN" for k, v in enumerate(X)]
STATES = ["ok", "ok", "warm", "ok", "hot", "ok", "ok", "ok", "warm", "ok", "ok", "ok"]
EXPONENTS = [f"{v * 1e-6:.4E}" for v in X]
ALIGNED = "".join(f"{t:8.3f}{x:10.2f}{y:10.3f}\n" for t, x, y in zip(UNEVEN, X, Y, strict=True))
GERMAN = [f"01.03.2024 07:{k:02}:00" for k in range(12)]
SCOPE = "Model,TBS1102\nRecord Length,12\nSample Interval,4e-06\n\nTIME,CH1,CH2\n"
LOGGER = "# logger 3, serial 0042\n# started 2024-03-01\n"

_TEXT: dict[str, str] = {
    "plain.csv": "t,x,y\n" + _rows(SECONDS, X, Y),
    "no-header.csv": _rows(X, Y),
    "one-column.csv": "".join(f"{x}\n" for x in X),
    "one-column.txt": "voltage\n" + "".join(f"{x}\n" for x in X),
    "windows.csv": "t,x\r\n" + _rows(SECONDS, X, end="\r\n"),
    "old-mac.csv": "t,x\r" + _rows(SECONDS, X, end="\r"),
    "no-last-newline.csv": ("t,x\n" + _rows(SECONDS, X)).rstrip("\n"),
    "decimal-comma.csv": "Zeit;Temperatur\n" + _rows(_comma(UNEVEN, 1), _comma(X), delimiter=";"),
    "decimal-comma.tsv": "t\tx\n" + _rows(_comma(UNEVEN, 1), _comma(X), delimiter="\t"),
    "tabs.tsv": "t\tx\ty\n" + _rows(SECONDS, X, Y, delimiter="\t"),
    "tabs.txt": "t\tx\ty\n" + _rows(SECONDS, X, Y, delimiter="\t"),
    "iso-dates.csv": "time,x\n" + _rows(_dates(), X),
    "iso-dates-utc.csv": "time,x\n" + _rows(_dates(end=".250Z"), X),
    "dates-with-space.csv": "time,x\n" + _rows(_dates(sep=" "), X),
    "german-dates.csv": "Zeit;Wert\n" + _rows(GERMAN, _comma(X), delimiter=";"),
    "days.csv": "date,close\n" + _rows([one[:10] for one in _dates(86400)], X),
    "date-and-time.csv": "date,time,x\n"
    + _rows([one[:10] for one in _dates()], [one[11:] for one in _dates()], X),
    "nanoseconds.csv": "timestamp,x\n" + _rows(NANOSECONDS, X),
    "epoch.csv": "timestamp,x\n" + _rows(EPOCH, X),
    "repeated-stamps.csv": "timestamp,x\n" + _rows(REPEATED, X),
    "gap.csv": "t [s],x [V]\n" + _rows([f"{t:.1f}" for t in WITH_GAP], X),
    "uneven.csv": "t,x\n" + _rows(UNEVEN, X),
    "falling-axis.csv": "depth,x\n" + _rows(_times("{:.1f}", -0.5, 9), X),
    "comments.csv": LOGGER + "t,x\n" + _rows(SECONDS, X) + "# end of record\n",
    "units-below.csv": "time,temperature,flow\n[s],[degC],[l/min]\n" + _rows(SECONDS, X, Y),
    "preamble.csv": SCOPE + _rows(_times("{:.6f}", 4e-6), X, Y),
    "trailing-delimiter.csv": "t;x;\n" + _rows(SECONDS, X, [""] * 12, delimiter=";"),
    "aligned.dat": ALIGNED,
    "aligned-with-names.txt": "       t         x         y\n" + ALIGNED,
    "spaces.txt": _rows(X, Y, delimiter=" "),
    "quoted.csv": '"t","x"\n' + _rows([f'"{t}"' for t in SECONDS], [f'"{x}"' for x in X]),
    "quoted-text.csv": 't,x,note\n0,1.5,"a, b"\n1,2.5,"c ""d"""\n2,1.0,e\n3,2.0,"f"\n',
    "holes.csv": "t,x,y\n" + _rows(SECONDS, HOLES, Y),
    "nan.csv": "t,x\n" + _rows(SECONDS, NANS),
    "integers.csv": "sample,adc\n" + _rows(range(12), COUNTS),
    "exponents.csv": "t,current\n" + _rows(SECONDS, EXPONENTS),
    "states.csv": "t,x,state\n" + _rows(SECONDS, X, STATES),
    "signs.csv": "t,x\n" + _rows(SECONDS, [f"{x - 20:+.2f}" for x in X]),
    "blank-lines.csv": "t,x\n\n" + _rows(SECONDS[:6], X[:6]) + "\n" + _rows(SECONDS[6:], X[6:]),
    "padded.csv": "t, x, y\n" + _rows(SECONDS, X, Y, delimiter=", "),
}
TABLES: dict[str, bytes] = {
    **{name: text.encode() for name, text in _TEXT.items()},
    "latin-1.csv": ("t;Temperatur in °C\n" + _rows(SECONDS, X, delimiter=";")).encode("latin-1"),
    "utf-8.csv": ("t,µm\n" + _rows(SECONDS, X)).encode(),
    "utf-8-mark.csv": ("t,x\r\n" + _rows(SECONDS, X, end="\r\n")).encode("utf-8-sig"),
    "utf-16.csv": ("t\tx\r\n" + _rows(SECONDS, X, delimiter="\t", end="\r\n")).encode("utf-16"),
}


def _npy(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


ARRAYS: dict[str, bytes] = {
    f"{dtype}.npy": _npy(np.array(COUNTS).astype(dtype))
    for dtype in ("float64", "float32", "float16", "int16", "uint8", "int64")
}
ARRAYS["image.npy"] = _npy(np.outer(np.arange(9), np.arange(8)).astype(np.float32))

_SAMPLES = np.round(8000 * np.sin(np.arange(400) / 7) * np.exp(-np.arange(400) / 200)).astype(int)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack("<4sI", name, len(body)) + body + bytes(len(body) % 2)


def _wav(data: bytes, width: int, *extra: bytes, channels: int = 1, tag: int = 1) -> bytes:
    basic = struct.pack(
        "<HHIIHH", tag, channels, 8000, 8000 * channels * width, channels * width, 8 * width
    )
    body = b"WAVE" + _chunk(b"fmt ", basic) + _chunk(b"data", data) + b"".join(extra)
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def _flac(values: np.ndarray, subtype: str) -> bytes:
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, values, 16000, subtype=subtype, format="FLAC")
    return buffer.getvalue()


_INFO = _chunk(b"LIST", b"INFO" + _chunk(b"INAM", b"A title\0"))
_CUE = _chunk(b"cue ", struct.pack("<IIIIIII", 1, 1, 100, 0x61746164, 0, 0, 100))
_STEREO = np.stack([_SAMPLES, -_SAMPLES // 2], axis=1)
SOUNDS: dict[str, bytes] = {
    "16-bit.wav": _wav(_SAMPLES.astype("<i2").tobytes(), 2),
    "stereo.wav": _wav(_STEREO.astype("<i2").tobytes(), 2, channels=2),
    "8-bit.wav": _wav((_SAMPLES // 256 + 128).astype("u1").tobytes(), 1),
    "24-bit.wav": _wav((_SAMPLES[:, None] >> np.array([0, 8, 16])).astype("u1").tobytes(), 3),
    "32-bit.wav": _wav((_SAMPLES * 65536).astype("<i4").tobytes(), 4),
    "float.wav": _wav((_SAMPLES / 2**15).astype("<f4").tobytes(), 4, tag=3),
    "double.wav": _wav((_SAMPLES / 2**15).astype("<f8").tobytes(), 8, tag=3),
    "title-and-cues.wav": _wav(_SAMPLES.astype("<i2").tobytes(), 2, _INFO, _CUE),
    "TAKE 1.WAV": _wav(_SAMPLES.astype("<i2").tobytes(), 2),
    "16-bit.flac": _flac(_STEREO.astype(np.int16), "PCM_16"),
    "24-bit.flac": _flac((_SAMPLES * 65536).astype(np.int32), "PCM_24"),
}
