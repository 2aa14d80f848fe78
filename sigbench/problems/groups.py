"""Groups of items that are dependent because they share something."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def connected(first: Sequence[str], second: Sequence[str]) -> list[str]:
    """Return a name for each item that is shared by all items connected with it.

    Parameters
    ----------
    first, second : sequence of str
        Two names of each item; items that share one are connected.

    Examples
    --------
    >>> connected(["a", "b", "b", "c"], ["x", "x", "y", "z"])
    ['a', 'a', 'a', 'c']
    """
    columns = [np.unique(names, return_inverse=True)[1] for names in (first, second)]
    n = [int(column.max()) + 1 for column in columns]
    graph = coo_array(
        (np.ones(len(first)), (columns[0], columns[1] + n[0])), shape=(sum(n), sum(n))
    )
    labels = connected_components(graph, directed=False)[1][columns[0]]
    _, at = np.unique(labels, return_index=True)
    names = {int(labels[i]): first[i] for i in at}
    return [names[int(label)] for label in labels]
