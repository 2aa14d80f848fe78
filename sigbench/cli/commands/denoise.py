"""``sigbench denoise``."""

from __future__ import annotations

import argparse

HELP = "denoise files: WAV/FLAC, PNG/JPG/TIFF, CSV/TSV, NPY"
IF_INTERRUPTED = "no incomplete file was written"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.set_defaults(if_interrupted=IF_INTERRUPTED)
    parser.add_argument(
        "sources",
        metavar="IN",
        nargs="+",
        help="noisy files; a folder stands for its files of known formats, - for a CSV table on "
        "standard input",
    )
    parser.add_argument(
        "-o",
        "--out",
        metavar="OUT",
        required=True,
        help="the denoised file, of the same kind as IN, or - for a table on standard output; for "
        "several files a folder, in which they keep their names",
    )
    parser.add_argument(
        "-m",
        "--method",
        metavar="METHOD",
        required=True,
        help="name[param=value], or auto, which chooses a method for each file: a speech network for "
        "sound without --sigma, otherwise the method with the smallest expected error",
    )
    parser.add_argument(
        "--sigma",
        metavar="S|auto",
        help="noise level in the units of the file (sound: full scale is 1; images: gray levels), "
        "or auto to estimate it",
    )
    parser.add_argument(
        "--noise",
        metavar="ESTIMATOR",
        help="a noise estimator, whose estimate the method gets in place of the noise level; the "
        "same as -m 'with-noise[method=METHOD,noise=ESTIMATOR]'",
    )
    parser.add_argument(
        "--plot",
        metavar="FILE.png",
        help="draw before and after, and whether the residual looks like noise; for several files "
        "a folder",
    )
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--force", action="store_true", help="overwrite outputs that exist")
    table = parser.add_argument_group("tables", "for what cannot be guessed from the file")
    table.add_argument(
        "--columns",
        metavar="NAMES",
        help="columns to denoise: names or numbers, such as x,y or 2,3",
    )
    table.add_argument("--axis", metavar="NAME", help="the column that is the axis, or none")
    table.add_argument("--delimiter", metavar="D", help="one character, or tab, or space")
    table.add_argument("--fill", action="store_true", help="fill missing samples in OUT")


def call(args: argparse.Namespace) -> int:
    """Run the command."""
    from sigbench.cli.denoise.files import denoise_files
    from sigbench.cli.denoise.paths import STANDARD
    from sigbench.cli.denoise.request import Request, table_options
    from sigbench.cli.exit_codes import INTERRUPTED
    from sigbench.cli.output import show_json
    from sigbench.core.errors import InputError

    if args.json and args.out == STANDARD:
        raise InputError("--json and -o -: only one of them can use standard output")
    records: list[dict[str, object]] = []
    error: str | None = "interrupted"
    try:
        request = Request(
            tuple(args.sources),
            args.out,
            args.method,
            sigma=args.sigma,
            noise=args.noise,
            plot=args.plot,
            force=args.force,
            table=table_options(args.columns, args.axis, args.delimiter, args.fill),
        )
        code = denoise_files(request, records, as_json=args.json, debug=args.debug)
        error = error if code > INTERRUPTED else None
        return code
    except (InputError, OSError) as caught:
        error = " ".join(str(caught).split())
        raise
    finally:
        if args.json:
            show_json({"files": records, "error": error})
