"""The arguments of the command line."""

from __future__ import annotations

import argparse

TYPE_CHECKING = False  # see sigbench/__init__.py
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def parser(calls: Mapping[str, Callable[[argparse.Namespace], int]]) -> argparse.ArgumentParser:
    """Return the parser; what it returns has the command's call as ``run``.

    Parameters
    ----------
    calls : mapping of str to callable
        What each command calls.
    """
    from sigbench import __version__

    top = argparse.ArgumentParser(
        prog="sigbench",
        description="A benchmark of signal denoisers: paired noise, tuned baselines, limits, intervals, cost.",
    )
    top.add_argument("--version", action="version", version=f"sigbench {__version__}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text, parents=[common])
        sub.set_defaults(run=calls[name])
        return sub

    run = command("run", "run a suite into a folder and print its leaderboard")
    run.add_argument("suite", metavar="SUITE|FILE.toml", help="see: sigbench list suites")
    run.add_argument("-o", "--out", metavar="DIR", help="the run folder (default: runs/SUITE)")
    run.add_argument(
        "-m",
        "--method",
        metavar="METHOD",
        nargs="+",
        action="extend",
        help="rows of the suite to run, and methods to add: name[param=value] or module:attribute. "
        "Without a row of the suite among them all its rows are run; "
        "the noisy input and the limits always are",
    )
    run.add_argument(
        "-p",
        "--problem",
        metavar="PROBLEM",
        nargs="+",
        action="extend",
        help="problems of the suite to run",
    )
    run.add_argument("--seeds", metavar="1,2,3", help="other seeds than the suite's")
    run.add_argument("--items", metavar="N", type=int, help="test items per problem and seed")
    run.add_argument(
        "-j", "--jobs", metavar="N", type=int, help="worker processes (default: all cores)"
    )
    run.add_argument(
        "--executor",
        metavar="local|dask://HOST:PORT",
        default="local",
        help="where to run: worker processes here, or a Dask cluster's",
    )
    run.add_argument(
        "--timeout",
        metavar="10m",
        help="end a cell (or the fit of a method) that takes longer: 90s, 10m or 2h",
    )
    run.add_argument("--fresh", action="store_true", help="delete the folder's own files first")
    run.add_argument("--dry-run", action="store_true", help="say what would be run, and stop")
    run.add_argument("--quiet", action="store_true", help="no progress, no leaderboard")

    report = command("report", "write and print the leaderboards of run folders")
    report.add_argument("folders", metavar="DIR", nargs="+")

    compare = command("compare", "compare two methods of a run, item by item")
    compare.add_argument("folder", metavar="DIR")
    compare.add_argument("a", metavar="METHOD_A")
    compare.add_argument("b", metavar="METHOD_B")

    check = command("check", "hold a file of floors against a run")
    check.add_argument("folder", metavar="DIR")
    check.add_argument("floors", metavar="FLOORS.toml")
    check.add_argument(
        "--update", action="store_true", help="move the floors to the run's figures, never lower"
    )
    check.add_argument(
        "--allow-lower", action="store_true", help="with --update: also where it demands less"
    )

    merge = command("merge", "put runs of one suite together into a new folder")
    merge.add_argument("folders", metavar="DIR", nargs="+")
    merge.add_argument("-o", "--out", metavar="DIR", required=True)

    denoise = command("denoise", "denoise a file: WAV/FLAC, PNG/JPG/TIFF, CSV/NPY")
    denoise.add_argument("source", metavar="IN")
    denoise.add_argument("-o", "--out", metavar="OUT", required=True)
    denoise.add_argument(
        "-m",
        "--method",
        metavar="METHOD",
        required=True,
        help="name[param=value], or auto: the best of a table, judged on this very file",
    )
    denoise.add_argument(
        "--sigma",
        metavar="S|auto",
        help="noise level in the file's units (sound: full scale is 1; images: grey levels), or auto",
    )
    denoise.add_argument("--force", action="store_true", help="replace OUT where it exists")

    train = command("train", "train a network by a recipe into a file of weights")
    train.add_argument("recipe", metavar="RECIPE|FILE.toml", help="see: docs/networks.md")
    train.add_argument(
        "-o", "--out", metavar="FILE", help="the weights (default: RECIPE.safetensors)"
    )
    train.add_argument(
        "--budget", metavar="10m", help="a time in place of the recipe's budget: 90s, 10m or 2h"
    )
    train.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    train.add_argument(
        "--fresh", action="store_true", help="delete the checkpoint of an earlier training first"
    )
    train.add_argument("--force", action="store_true", help="replace FILE where it exists")
    train.add_argument("--quiet", action="store_true", help="say nothing")

    data = command("data", "list, fetch and verify the files of datasets")
    data.add_argument("verb", choices=("list", "fetch", "verify"))
    data.add_argument("name", metavar="NAME", nargs="?", help="see: sigbench data list")
    data.add_argument(
        "--from",
        dest="place",
        metavar="PATH_OR_URL",
        help="fetch: a copy, instead of the public address: a file, a folder, or the URL of either "
        "(that of a folder ends in a slash)",
    )

    analyze = command(
        "analyze",
        "look at what denoisers do: their Jacobian at items of a suite, as a table, CSV and figures",
    )
    analyze.add_argument("what", choices=("jacobian",))
    analyze.add_argument("suite", metavar="SUITE|FILE.toml", help="whose problems have the items")
    analyze.add_argument(
        "-m",
        "--method",
        metavar="METHOD",
        nargs="+",
        action="extend",
        required=True,
        help="rows of the suite, or methods: name[param=value] or module:attribute",
    )
    analyze.add_argument(
        "-p",
        "--problem",
        metavar="PROBLEM",
        nargs="+",
        action="extend",
        help="problems of the suite (default: all)",
    )
    analyze.add_argument(
        "--items",
        metavar="N",
        type=int,
        default=1,
        help="items of each problem (default: 1); figures are of the first",
    )
    analyze.add_argument(
        "--from", metavar="K", type=int, default=0, dest="start", help="first item (default: 0)"
    )
    analyze.add_argument("--seed", metavar="S", type=int, default=1, help="of the items")
    analyze.add_argument(
        "--at",
        metavar="I|ROW,COLUMN",
        nargs="+",
        action="extend",
        help="samples whose filters are shown (default: where the item changes most, and least)",
    )
    analyze.add_argument(
        "--by",
        choices=("auto", "autograd", "differences"),
        default="auto",
        help="derivatives: networks' own, or central differences (default: auto)",
    )
    analyze.add_argument(
        "--step",
        metavar="E",
        type=float,
        help="of the differences, in noise levels "
        "(default: the finest of 1e-6, 1e-4 and 1e-2 that will do)",
    )
    analyze.add_argument(
        "-o", "--out", metavar="DIR", help="tables and figures (default: analysis/SUITE)"
    )
    analyze.add_argument("--quiet", action="store_true", help="no progress, no table")

    listing = command("list", "list suites, methods, datasets or metrics")
    listing.add_argument("what", choices=("suites", "methods", "datasets", "metrics"))
    listing.add_argument("--json", action="store_true", help="print JSON")

    command("sys-info", "print versions and the kind of machine")
    return top
