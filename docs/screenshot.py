"""Draw docs/figures/page.png: the page of the runs table1 and images32 in headless Chromium."""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from sigbench.benchmark.report.page.collect import collect
from sigbench.benchmark.report.page.render import make_page

ROOT = Path(__file__).parents[1]
RUNS = ("table1", "images32")
WIDTH, HEIGHT = 1180, 860  # CSS pixels


def screenshot(html: str) -> bytes:
    """Return the top of a page as PNG."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "page.html"
        file.write_text(html, encoding="utf-8")
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, reduced_motion="reduce"
        )
        page.goto(file.as_uri())
        page.evaluate("document.getElementById('r1-p1').scrollIntoView()")
        page.wait_for_timeout(300)
        png = page.screenshot()
        browser.close()
    return png


def main() -> None:
    """Write the figure with a palette of 256 colors."""
    html = make_page([collect(ROOT / "results" / name) for name in RUNS]).html
    with Image.open(io.BytesIO(screenshot(html))) as image:
        image.convert("RGB").quantize(256).save(ROOT / "docs/figures/page.png", optimize=True)


if __name__ == "__main__":
    main()
