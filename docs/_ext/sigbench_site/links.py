"""Links that work in the repository and on the site, and links to generated pages."""

from __future__ import annotations

import os.path
from pathlib import PurePosixPath
from typing import Any

from sigbench_site.methods import page_of_methods

# Folders without a README, and the pages about what is in them.
FOLDERS = {
    "results": "docs/reference/suites/index",
    "sigbench/benchmark/suites": "docs/reference/suites/index",
    "sigbench/networks/pretrained": "docs/reference/tables/networks",
    "sigbench/networks/training/recipes": "docs/reference/tables/recipes",
    "tests/floors": "docs/ci",
}
# Pages that are the contents of their folder; on the site they list its other pages.
CONTENTS = {
    "datasets/README": ("*",),
    "docs/methods/README": ("*", "../reference/methods/index"),
}


def to_folders(app: Any, document: Any) -> None:
    """Resolve links to folders of the repository: to their README, or to a page in `FOLDERS`.

    A folder without a page becomes plain text. Links to pages and files need no help: the source
    folder of Sphinx is that of the repository, and MyST copies files that are not pages.
    """
    from sphinx.addnodes import pending_xref

    here = PurePosixPath(app.env.docname).parent
    for node in list(document.findall(pending_xref)):
        if node["reftype"] != "myst" or node.get("refdomain") == "doc":
            continue
        folder = os.path.normpath(here / node["reftarget"])
        if not os.path.isdir(os.path.join(app.srcdir, folder)):
            continue
        page = FOLDERS.get(folder, f"{folder}/README")
        if page in app.env.found_docs:
            node.attributes |= {"refdomain": "doc", "reftarget": page, "reftargetid": None}
        else:
            node.replace_self(node.children)


def to_documented(app: Any, env: Any, node: Any, contnode: Any) -> Any:
    """Resolve `name` in a docstring to the class or function that is documented by that name.

    Docstrings name classes without their module, and also names that have no page; these stay as
    they are.
    """
    if node.get("refdomain") != "py":
        return None
    objects = env.domains["py"].objects
    last = node["reftarget"].rpartition(".")[2]
    found = [name for name in objects if name.rpartition(".")[2] == last]
    if len(found) != 1:
        return contnode
    from sphinx.util.nodes import make_refnode

    entry = objects[found[0]]
    return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, contnode)


def add_links(app: Any, docname: str, content: list[str]) -> None:
    """Add to a page the contents of its folder, or links to the pages of its methods."""
    if docname in CONTENTS:
        pages = "\n".join(CONTENTS[docname])
        content[0] += f"\n```{{toctree}}\n:hidden:\n:glob:\n\n{pages}\n```\n"
    if names := page_of_methods().get(docname):
        links = ", ".join(f"[`{name}`](../reference/methods/{name}.md)" for name in names)
        content[0] += f"\n## Parameters and sources\n\nOf each method: {links}.\n"
