"""How a table of scores is read: which columns contain methods, items, datasets and values."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from sigbench.benchmark.rank.cells import DELIMITERS, Cells
from sigbench.benchmark.rank.names import (
    USUAL,
    is_property,
    is_summary,
    may_be_filter,
    plain,
)
from sigbench.core.errors import InputError, shown
from sigbench.core.media.table import NUMBER


@dataclass(frozen=True)
class Columns:
    """The names of the columns of a table; None marks what the user has not named or is absent."""

    method: str | None = None
    item: str | None = None
    dataset: str | None = None
    group: str | None = None
    value: str | None = None


@dataclass(frozen=True)
class Layout:
    """How a table is read.

    Attributes
    ----------
    kind : str
        ``"long"`` (one score per row), ``"wide"`` (one column per method) or ``"rows"`` (one row
        per method, one column per dataset).
    columns : Columns
        The columns with a role.
    scores : tuple of str
        The columns of scores: one if long, else one per method or dataset.
    unused : tuple of str
        The columns that are not used.
    cautions : tuple of str
        What was assumed without a usual name, and how to say otherwise.
    """

    kind: str
    columns: Columns
    scores: tuple[str, ...]
    unused: tuple[str, ...]
    cautions: tuple[str, ...]

    def sentence(self, delimiter: str) -> str:
        """Return how the table is read, in a sentence."""
        named = self.columns
        if self.kind == "rows":
            text = f"each row is a method ({shown(named.method)}), each other column is a dataset"
        else:
            roles = ["method", "item", "dataset", "group", "value"]
            parts = [f"{r} = {shown(getattr(named, r))}" for r in roles if getattr(named, r)]
            text = ", ".join(parts)
            if self.kind == "wide":
                text = f"{text or 'each row is an item'}; each other column is a method"
        kind = "long" if self.kind == "long" else "wide"
        text = f"Read as a {kind} table ({DELIMITERS[delimiter]} between cells): {text}."
        if self.kind != "long":
            text += f" Columns of scores: {_some(self.scores) or 'none'}."
        return text + (f" Not used: {_some(self.unused)}." if self.unused else "")


def _some(names: Sequence[str], most: int = 6) -> str:
    """Return the first and last names, and how many there are."""
    if len(names) <= most:
        return ", ".join(map(shown, names))
    first = ", ".join(map(shown, names[: most - 2]))
    return f"{first}, ..., {shown(names[-1])} ({len(names)})"


def find_layout(cells: Cells, named: Columns) -> Layout:
    """Return how a table is read.

    Columns that are not named are found by their usual names. Without a column of methods, every
    column of numbers is a method.

    Parameters
    ----------
    cells : Cells
        The table.
    named : Columns
        The columns that the user has named.

    Raises
    ------
    InputError
        If a named column does not exist, or the layout is not clear.
    """
    pattern = named.value if named.value and set("*?[") & set(named.value) else None
    named = Columns(
        **{r: n if n in (None, pattern) else cells.require(n) for r, n in vars(named).items()}
    )
    given = [name for name in vars(named).values() if name]
    for name in given:
        if given.count(name) > 1:
            raise InputError(f"the column {shown(name)} cannot have two roles")
    found = named
    for role in ("method", "item", "dataset", "group"):
        if getattr(named, role) is None:
            found = replace(found, **{role: _usual(cells, role, given)})
    taken = {name for name in vars(found).values() if name}
    rest = [name for name in cells.header if name not in taken]
    numeric = [name for name in rest if cells.is_numeric(name)]
    chosen = _chosen(cells, named.value, numeric)
    if found.method is None:
        return _wide(cells, found, chosen or numeric, chosen is not None)
    value = named.value if chosen is None else None
    if value is None and found.item is None and found.dataset is None:
        unique = len(set(cells.column(found.method))) == len(cells.rows)
        scores = chosen or [name for name in numeric if not is_summary(name)]
        metrics = chosen is None and any(plain(name) in USUAL["value"] for name in scores)
        if unique and len(scores) > 1 and not metrics:
            doubtful = [] if chosen else [name for name in scores if is_property(name)]
            guess = (
                f"{_some(doubtful, 3)} may not be scores: choose the columns by a pattern, such as "
                "--value '* WER'."
            )
            return _layout(
                cells, "rows", replace(found, value=None), scores, [guess] if doubtful else []
            )
        if not unique:
            raise InputError(
                f"{cells.path} has several rows per method, but no column of items or datasets that "
                f"pairs them was found: name it with --item or --dataset; {_one_of(rest)}"
            )
        raise InputError(one_score(cells.path))
    value = value or _value(cells, numeric)
    return _layout(cells, "long", replace(found, value=value), [value])


def _chosen(cells: Cells, value: str | None, numeric: Sequence[str]) -> list[str] | None:
    """Return the columns that match a pattern of the option ``--value``; None if it is a name."""
    if value is None or value in cells.header:
        return None
    return [name for name in numeric if fnmatchcase(name, value) and not is_summary(name)]


def one_score(path: object) -> str:
    """Return the error for a table with one score per method."""
    return (
        f"{path} has one score per method, which is not enough for a test: give the scores of every "
        "method on several items (columns method, item, value) or on several datasets (columns "
        "method, dataset, value)"
    )


def _usual(cells: Cells, role: str, given: Sequence[str]) -> str | None:
    """Return the column with a usual name of a role, if there is one."""
    names = [n for n in cells.header if plain(n) in USUAL[role] and n not in given]
    if len(names) > 1:
        options = " or ".join(map(shown, names))
        raise InputError(
            f"{cells.path}: {options} may be the column of the {role}: choose one with --{role}"
        )
    return names[0] if names else None


def _value(cells: Cells, numeric: Sequence[str]) -> str:
    usual = [name for name in numeric if plain(name) in USUAL["value"]]
    for names in (usual, numeric):
        if len(names) == 1:
            return names[0]
    if not numeric:
        rest = [name for name in cells.header if plain(name) in USUAL["value"]]
        hint = text_hint(cells, rest) or "name it with --value"
        raise InputError(f"{cells.path} has no column of numbers with scores: {hint}")
    raise InputError(f"{cells.path}: name the column of scores with --value; {_one_of(numeric)}")


def _wide(cells: Cells, found: Columns, numeric: Sequence[str], chosen: bool) -> Layout:
    if found.value is not None and not chosen:
        others = [name for name in cells.header if name != found.value]
        raise InputError(
            f"--value {found.value} needs a column of methods: name it with --method; "
            f"{_one_of(others)}"
        )
    guesses = []
    doubtful = [] if chosen else [name for name in numeric if is_property(name)]
    if doubtful:
        guesses.append(
            f"{_some(doubtful, 3)} may not be a method. If each row is a method, name its column with "
            "--method; the columns of scores can be chosen by a pattern: --value PATTERN."
        )
    if found.item is None and found.dataset is None:
        first = cells.header[0]
        if first != found.group and _is_key(cells, first):
            found = replace(found, item=first)
            numeric = [name for name in numeric if name != first]
            guesses.append(
                f"Each row is taken as an item of one dataset. If the rows are datasets, add "
                f"--dataset {shown(first)}; otherwise --item {shown(first)} confirms it."
            )
    scores = [name for name in numeric if not is_summary(name)]
    doubtful = [name for name in numeric if may_be_filter(name)]
    if doubtful:
        guesses.append(
            f"Not used, because of the name of an average: {_some(doubtful, 3)}. If one is a "
            "method, rename it."
        )
    return _layout(cells, "wide", replace(found, value=None), scores, guesses)


def _is_key(cells: Cells, name: str) -> bool:
    """Return whether a column names the rows: without a name, with text, or 0, 1, 2, ..."""
    column = cells.column(name)
    if name.startswith("column ") or plain(name) in ("unnamed:0", "index"):
        return True
    if not all(NUMBER.fullmatch(cell) for cell in column):
        return True
    numbers = [float(cell) for cell in column]
    return len(numbers) > 1 and all(
        b - a == 1 and a.is_integer() for a, b in itertools.pairwise(numbers)
    )


def _layout(
    cells: Cells,
    kind: str,
    found: Columns,
    scores: Sequence[str],
    cautions: Sequence[str] = (),
) -> Layout:
    taken = {*scores, *(name for name in vars(found).values() if name)}
    unused = tuple(name for name in cells.header if name not in taken)
    return Layout(kind, found, tuple(scores), unused, tuple(cautions))


def text_hint(cells: Cells, names: Sequence[str]) -> str:
    """Return that columns contain no numbers, with a cell of the first of them; may be empty."""
    for name in names:
        cell = next((cell for cell in cells.column(name) if cell), "")
        if cell and not cells.is_numeric(name) and any("0" <= letter <= "9" for letter in cell):
            return (
                f"{shown(name)} contains no numbers such as 0.5, but {shown(cell)}: write scores "
                "with decimal points and without separators and units"
            )
    return ""


def _one_of(names: Sequence[str]) -> str:
    return f"one of: {', '.join(map(shown, names))}" if names else "there is no other column"
