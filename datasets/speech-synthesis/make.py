"""Synthesize clips of speech for training: random sentences in many voices, mono FLAC files.

Needs flite and espeak-ng (Debian packages of these names) and the Python packages NumPy, SciPy and
soundfile. The voices of the test split of speech-smoke are left out. The same arguments and the same
versions of both programs produce the same files. Run the same command again to resume.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import resample_poly

FLITE = "kal16"  # awb, rms and slt are in the test split of speech-smoke
ACCENTS = (
    "en",
    "en-us",
    "en-gb-x-rp",
    "en-gb-scotland",
    "en-029",
    "en-gb-x-gbclan",
    "en-gb-x-gbcwmd",
)
VARIANTS = (
    "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f4", "f5", "klatt", "klatt2",
    "klatt3", "klatt4", "Alex", "Alicia", "Andy", "Annie", "Denis", "Diogo", "Gene", "Hugo", "Jacky",
    "Lee", "Marco", "Mario", "Michael", "adam", "anika", "antonio", "belinda", "benjamin", "boris",
    "caleb", "david", "ed", "edward", "grandma", "grandpa", "john", "linda", "max", "michel", "miguel",
    "norbert", "paul", "pedro", "quincy", "rob", "robert", "sandro", "steph", "travis", "victor", "zac",
)  # fmt: skip
TEST_VOICES = {"en-us+m3", "en-gb-scotland+m7", "en-gb-x-rp+f2"}  # of speech-smoke
SPEEDS = (120, 221)  # words per minute
PITCHES = (20, 81)
LENGTH_S = (1.0, 15.0)  # shorter or longer clips are replaced by other sentences
PEAK = 0.7

NOUNS = [
    "time",
    "year",
    "people",
    "way",
    "day",
    "man",
    "thing",
    "woman",
    "life",
    "child",
    "world",
    "school",
    "state",
    "family",
    "student",
    "group",
    "country",
    "problem",
    "hand",
    "part",
    "place",
    "case",
    "week",
    "company",
    "system",
    "program",
    "question",
    "work",
    "government",
    "number",
    "night",
    "point",
    "home",
    "water",
    "room",
    "mother",
    "area",
    "money",
    "story",
    "fact",
    "month",
    "lot",
    "right",
    "study",
    "book",
    "eye",
    "job",
    "word",
    "business",
    "issue",
    "side",
    "kind",
    "head",
    "house",
    "service",
    "friend",
    "father",
    "power",
    "hour",
    "game",
    "line",
    "end",
    "member",
    "law",
    "car",
    "city",
    "community",
    "name",
    "president",
    "team",
    "minute",
    "idea",
    "kid",
    "body",
    "information",
    "back",
    "parent",
    "face",
    "others",
    "level",
    "office",
    "door",
    "health",
    "person",
    "art",
    "war",
    "history",
    "party",
    "result",
    "change",
    "morning",
    "reason",
    "research",
    "girl",
    "guy",
    "moment",
    "air",
    "teacher",
    "force",
    "education",
    "foot",
    "boy",
    "age",
    "policy",
    "music",
    "market",
    "sense",
    "nation",
    "plan",
    "college",
    "interest",
    "death",
    "experience",
    "effect",
    "use",
    "class",
    "control",
    "care",
    "field",
    "development",
    "role",
    "effort",
    "rate",
    "heart",
    "drug",
    "show",
    "leader",
    "light",
    "voice",
    "wife",
    "police",
    "mind",
    "price",
    "report",
    "decision",
    "son",
    "view",
    "relationship",
    "town",
    "road",
    "arm",
    "difference",
    "value",
    "building",
    "action",
    "season",
    "society",
    "tax",
    "director",
    "position",
    "player",
    "record",
    "paper",
    "space",
    "ground",
    "form",
    "event",
    "official",
    "matter",
    "center",
    "couple",
    "site",
    "project",
    "activity",
    "star",
    "table",
    "need",
    "court",
    "oil",
    "situation",
    "cost",
    "industry",
    "figure",
    "street",
    "image",
    "phone",
    "data",
    "picture",
    "practice",
    "piece",
    "land",
    "product",
    "doctor",
    "wall",
    "patient",
    "worker",
    "news",
    "test",
    "movie",
    "north",
    "love",
    "step",
    "lawyer",
    "ear",
    "bread",
    "river",
    "garden",
    "stone",
    "window",
    "chair",
    "bottle",
    "engine",
    "winter",
    "summer",
    "island",
    "bridge",
    "horse",
    "cloud",
    "pocket",
    "kitchen",
    "ticket",
    "ocean",
    "shadow",
    "forest",
    "mountain",
    "bird",
    "fish",
    "train",
    "ship",
    "letter",
    "machine",
]
VERBS = [
    "makes",
    "takes",
    "sees",
    "finds",
    "gives",
    "tells",
    "asks",
    "leaves",
    "keeps",
    "brings",
    "begins",
    "shows",
    "hears",
    "plays",
    "moves",
    "holds",
    "writes",
    "provides",
    "loses",
    "pays",
    "meets",
    "includes",
    "changes",
    "leads",
    "understands",
    "watches",
    "follows",
    "creates",
    "opens",
    "reads",
    "adds",
    "spends",
    "grows",
    "wins",
    "offers",
    "remembers",
    "considers",
    "buys",
    "serves",
    "sends",
    "expects",
    "builds",
    "reaches",
    "kills",
    "raises",
    "passes",
    "sells",
    "requires",
    "reports",
    "pulls",
    "breaks",
    "explains",
    "hopes",
    "carries",
    "develops",
    "thanks",
    "receives",
    "joins",
    "draws",
    "chooses",
    "measures",
    "throws",
    "cuts",
    "fills",
    "washes",
    "paints",
    "repairs",
    "visits",
    "describes",
    "covers",
    "catches",
    "drives",
    "saves",
]
ADJECTIVES = [
    "good",
    "new",
    "first",
    "last",
    "long",
    "great",
    "little",
    "own",
    "other",
    "old",
    "right",
    "big",
    "high",
    "different",
    "small",
    "large",
    "next",
    "early",
    "young",
    "important",
    "few",
    "public",
    "bad",
    "same",
    "able",
    "free",
    "sure",
    "better",
    "true",
    "whole",
    "clear",
    "recent",
    "certain",
    "personal",
    "open",
    "red",
    "difficult",
    "available",
    "likely",
    "short",
    "single",
    "medical",
    "current",
    "wrong",
    "private",
    "past",
    "foreign",
    "fine",
    "common",
    "poor",
    "natural",
    "significant",
    "similar",
    "hot",
    "dead",
    "central",
    "happy",
    "serious",
    "ready",
    "simple",
    "left",
    "physical",
    "general",
    "green",
    "deep",
    "cold",
    "quick",
    "heavy",
    "bright",
    "narrow",
    "quiet",
    "strange",
    "yellow",
    "empty",
    "wooden",
    "gentle",
    "sharp",
    "broken",
]
ADVERBS = [
    "often",
    "never",
    "always",
    "quickly",
    "slowly",
    "today",
    "again",
    "almost",
    "together",
    "already",
    "later",
    "early",
    "soon",
    "usually",
    "probably",
    "finally",
    "simply",
    "clearly",
    "suddenly",
    "carefully",
    "outside",
    "perhaps",
    "everywhere",
    "quietly",
]
PLACES = """
in|near|behind|under|above|beside|across|around|through|over|against|between|towards|without|before|after
""".strip().split("|")
OPENINGS = (
    "", "", "", "Yesterday ", "However, ", "In the evening, ", "Of course ", "We know that ",
    "She said that ", "Do you think ", "Why is it that ", "Please remember that ", "For example, ",
)  # fmt: skip
NUMBERS = (
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "twenty", "fifty", "sixty four", "a hundred and one", "zero point five",
)  # fmt: skip


def voice_of(clip: int) -> str:
    """Return the voice of a clip: that of flite for one in ten, else those of espeak-ng in turn."""
    if clip % 10 == 9:
        return FLITE
    names = [
        accent if v is None else f"{accent}+{v}" for v in (None, *VARIANTS) for accent in ACCENTS
    ]
    allowed = [name for name in names if name not in TEST_VOICES]
    return allowed[(clip - clip // 10) % len(allowed)]


def sentence(rng: np.random.Generator) -> str:
    """Return a random sentence."""

    def a(words: tuple[str, ...] | list[str]) -> str:
        return str(words[int(rng.integers(len(words)))])

    def noun_phrase() -> str:
        adjective = f"{a(ADJECTIVES)} " if rng.random() < 0.6 else ""
        if rng.random() < 0.15:
            return f"{a(NUMBERS)} {adjective}{a(NOUNS)}s"
        return f"{a(['the', 'the', 'this', 'my', 'your', 'our', 'every', 'that'])} {adjective}{a(NOUNS)}"

    def clause() -> str:
        text = f"{noun_phrase()} {a(VERBS)} {noun_phrase()}"
        if rng.random() < 0.5:
            text += f" {a(PLACES)} {noun_phrase()}"
        return text + (f" {a(ADVERBS)}" if rng.random() < 0.3 else "")

    text = a(OPENINGS) + clause()
    if rng.random() < 0.35:
        text += f"{a([', and ', ', but ', ' because ', ' when ', ', so '])}{clause()}"
    return text[0].upper() + text[1:] + a([".", ".", ".", "?", "!"])


def speak(voice: str, text: str, rng: np.random.Generator, folder: Path) -> tuple[np.ndarray, int]:
    """Return the speech of a voice and its sampling rate in Hz."""
    wav = folder / "raw.wav"
    if voice == FLITE:
        stretch = f"duration_stretch={rng.uniform(0.8, 1.3):.2f}"
        command = ["flite", "-voice", voice, "--setf", stretch, "-t", text, "-o", str(wav)]
    else:
        speed, pitch = rng.integers(*SPEEDS), rng.integers(*PITCHES)
        command = [
            "espeak-ng",
            "-v",
            voice,
            "-s",
            str(speed),
            "-p",
            str(pitch),
            "-w",
            str(wav),
            text,
        ]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=60)
    return soundfile.read(wav, dtype="float64")


def main() -> None:
    """Write the clips."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path, metavar="OUT", help="folder for the clips")
    parser.add_argument("--clips", type=int, default=4000, metavar="N", help="number of clips")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of the sentences")
    parser.add_argument("--fs", type=int, default=16_000, metavar="HZ", help="sampling rate")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for clip in range(args.clips):
            voice = voice_of(clip)
            path = args.out / f"{voice.replace('+', '_')}-{clip:05}.flac"
            rng = np.random.default_rng([args.seed, clip])
            while not path.exists():  # an interrupted run is resumed
                signal, own_fs = speak(voice, sentence(rng), rng, Path(folder))
                if not LENGTH_S[0] <= len(signal) / own_fs <= LENGTH_S[1] or not signal.any():
                    continue
                common = math.gcd(args.fs, own_fs)
                if args.fs != own_fs:
                    signal = resample_poly(signal, args.fs // common, own_fs // common)
                unfinished = path.with_suffix(".part")
                scaled = PEAK / np.abs(signal).max() * signal
                soundfile.write(unfinished, scaled, args.fs, "PCM_16", format="FLAC")
                unfinished.rename(path)


if __name__ == "__main__":
    main()
