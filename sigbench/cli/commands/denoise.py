"""``sigbench denoise``."""

from __future__ import annotations

import argparse
import sys

from sigbench.cli.exit_codes import SUCCESS
from sigbench.cli.output import show

HELP = "denoise a file: WAV/FLAC, PNG/JPG/TIFF, CSV/NPY"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("source", metavar="IN", help="the noisy file")
    parser.add_argument("-o", "--out", metavar="OUT", required=True, help="the denoised file")
    parser.add_argument(
        "-m",
        "--method",
        metavar="METHOD",
        required=True,
        help="name[param=value], or auto: a speech network for sound; otherwise, or with --sigma, "
        "the method with the smallest expected error on this file",
    )
    parser.add_argument(
        "--sigma",
        metavar="S|auto",
        help="noise level in the units of the file (sound: full scale is 1; images: gray levels), "
        "or auto to estimate it",
    )
    parser.add_argument("--force", action="store_true", help="overwrite OUT if it exists")


def call(args: argparse.Namespace) -> int:
    """Run the command."""
    from pathlib import Path

    from sigbench.cli.denoise.file import denoise_file

    done = denoise_file(
        Path(args.source), Path(args.out), args.method, sigma=args.sigma, force=args.force
    )
    if done.choices:
        from sigbench.cli.denoise.auto import as_text

        show(as_text(done.choices, done.content))
    if done.speech:
        show(str(done.speech))
    for caution in done.cautions:
        show(f"caution: {caution}", sys.stderr)
    level = "" if done.sigma is None else f", sigma {', '.join(f'{s:.4g}' for s in done.sigma)}"
    if done.sigma_unused:
        show(f"{args.method} does not use --sigma", sys.stderr)
    shape = "×".join(map(str, done.shape))
    show(f"{args.out}: {args.method}, shape {shape}{level}", sys.stderr)
    return SUCCESS
