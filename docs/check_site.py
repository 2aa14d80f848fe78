"""Check a built site: links lead to pages and anchors that exist, and nothing is requested elsewhere.

``python docs/check_site.py build/docs`` prints one line for each problem and ends with exit code 1
if there is one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# The attributes by which a page requests something when it is opened.
REQUESTS = {
    "script": "src",
    "link": "href",
    "img": "src",
    "source": "src",
    "audio": "src",
    "video": "src",
    "iframe": "src",
    "object": "data",
    "embed": "src",
    "use": "href",
}
PASSIVE = {"canonical", "search", "next", "prev", "index", "author", "copyright", "license"}
_URL = re.compile(r"""(?:url\(|@import)\s*["']?([^"')\s]+)""")


class Page(HTMLParser):
    """The anchors, links and requests of a page.

    Attributes
    ----------
    ids : set of str
        Anchors.
    links : list of str
        Targets of links that a reader can follow.
    requests : list of str
        What the browser fetches when it opens the page.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.requests: list[str] = []
        self._in_style = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag refers to."""
        values = {name: value or "" for name, value in attrs}
        self.ids |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag == "link" and set(values.get("rel", "").split()) & PASSIVE:
            return
        elif tag in REQUESTS and values.get(REQUESTS[tag]):
            self.requests.append(values[REQUESTS[tag]])
        self.requests += [part.split()[0] for part in values.get("srcset", "").split(",") if part]
        self.requests += _URL.findall(values.get("style", ""))
        self._in_style = tag == "style"

    def handle_data(self, data: str) -> None:
        """Note what a style sheet in the page requests."""
        if self._in_style:
            self.requests += _URL.findall(data)

    def handle_endtag(self, tag: str) -> None:
        """Note the end of a style sheet."""
        self._in_style = False


def problems(site: Path) -> Iterator[str]:
    """Yield one line for each dead link within the site and each request to another host."""
    site = site.resolve()
    files = [path for path in sorted(site.rglob("*.html")) if path.parent != site / "_static"]
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in files}
    if not pages:
        yield f"{site}: no pages"
    for path, page in pages.items():
        where = path.relative_to(site)
        for target in page.requests:
            if urlsplit(target).netloc:
                yield f"{where}: requests {target}"
            elif not target.startswith("data:") and not _file(site, path, target).exists():
                yield f"{where}: requests {target}, which does not exist"
        for target in page.links:
            if problem := _dead(site, path, target, pages):
                yield f"{where}: {problem}"
    for path in sorted(site.rglob("*.css")):
        for target in _URL.findall(path.read_text(encoding="utf-8")):
            if urlsplit(target).netloc:
                yield f"{path.relative_to(site)}: requests {target}"


def _file(site: Path, page: Path, target: str) -> Path:
    path = unquote(urlsplit(target).path)
    if not path:
        return page
    return site / path.lstrip("/") if path.startswith("/") else page.parent / path


def _dead(site: Path, page: Path, target: str, pages: dict[Path, Page]) -> str:
    if urlsplit(target).scheme or urlsplit(target).netloc:
        return ""
    file = _file(site, page, target).resolve()
    if not file.exists():
        return f"{target} does not exist"
    anchor = unquote(urlsplit(target).fragment)
    if anchor and file in pages and anchor not in pages[file].ids:
        return f"{target}: the page has no anchor {anchor!r}"
    return ""


if __name__ == "__main__":
    found = list(problems(Path(sys.argv[1])))
    print("\n".join(found) or "all links resolve, and no page requests anything from another host")
    sys.exit(bool(found))
