"""A page in headless Chromium, and what it has asked for, printed and raised."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from sigbench.benchmark.report.page.collect import collect
from sigbench.benchmark.report.page.render import make_page
from sigbench.cli.main import main

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
NEEDED = {
    "playwright": find_spec("playwright") is not None,
    "axe-core-python": find_spec("axe_core_python") is not None,
    "chromium": BROWSER is not None,
}


@pytest.fixture(scope="session")
def chromium():
    """A headless browser. `.ci/run` requires one; elsewhere these tests are skipped without it."""
    missing = [name for name, there in NEEDED.items() if not there]
    if missing and os.environ.get("SIGBENCH_REQUIRE_BROWSER"):
        pytest.fail(f"needs {', '.join(missing)}")
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    """A run with signals, images and sounds, and a method with a hostile name."""
    folder = tmp_path_factory.mktemp("page") / "run"
    suite = Path(__file__).with_name("page.toml")
    call = ["run", str(suite), "-o", str(folder), "-j", "1", "--quiet"]
    assert main(call) == 1  # the limit of spikes fails on images
    return folder


@pytest.fixture(scope="session")
def page_file(run_folder, chromium):
    """The page of the run."""
    file = run_folder.parent / "page.html"
    file.write_text(make_page([collect(run_folder)]).html, encoding="utf-8")
    return file


class Opened:
    """A page in the browser.

    `trouble` lists requests, messages on the console, errors and dialogs: there must be none.
    """

    def __init__(self, context, file):
        self.trouble = []
        context.route("**/*", self._route)
        self.page = context.new_page()
        self.page.set_default_timeout(10_000)
        self.page.on("console", lambda m: self.trouble.append(f"console: {m.text}"))
        self.page.on("pageerror", lambda error: self.trouble.append(f"error: {error}"))
        self.page.on("dialog", self._dialog)
        self.address = file.as_uri()
        # The sounds that the page plays are in no document: they are noted here.
        self.page.add_init_script(
            "window.sounds = []; const Made = window.Audio;"
            "window.Audio = function (...a) { const s = new Made(...a); sounds.push(s); return s; };"
        )
        self.page.goto(self.address)

    def _route(self, route):
        if route.request.url == self.address:
            route.continue_()
        else:
            self.trouble.append(f"request: {route.request.url}")
            route.abort()

    def _dialog(self, dialog):
        self.trouble.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def show(self, anchor):
        """Open the problem of a part of the page, wait until the part is drawn, and return it."""
        problem = anchor.rpartition("-")[0].lstrip("#")
        self.page.evaluate("(id) => (document.getElementById(id).open = true)", problem)
        part = self.page.locator(anchor)
        part.scroll_into_view_if_needed()
        part.locator(".choices").wait_for()
        return part

    def sort(self, action):
        """Do something that sorts a table, and wait until it is sorted."""
        self.page.evaluate(
            "() => { window.sorted = new Promise((done) =>"
            " document.addEventListener('sort-end', () => done(true), { once: true })); }"
        )
        action()
        self.page.evaluate("window.sorted")

    def wait(self, condition):
        """Wait until a condition in JavaScript holds.

        Playwright's own function evaluates a string in the page, which the policy forbids.
        """
        for _ in range(500):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(20)
        raise AssertionError(condition)

    def open_all(self):
        """Open all parts and see each example, so that everything is drawn."""
        self.page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
        for part in self.page.locator(".compare, .media").all():
            part.scroll_into_view_if_needed()
            part.locator(".choices").wait_for()


@pytest.fixture
def opened(chromium, page_file):
    """A function that opens the page, and checks at the end that nothing went wrong."""
    found = []

    def open_page(file=page_file, **options):
        options = {
            "viewport": {"width": 1280, "height": 900},
            "reduced_motion": "reduce",
            **options,
        }
        context = chromium.new_context(**options)
        found.append((context, Opened(context, file)))
        return found[-1][1]

    yield open_page
    for context, page in found:
        trouble = list(page.trouble)
        context.close()
        assert trouble == []
