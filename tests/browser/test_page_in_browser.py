"""The page of a run in a real browser: everything that moves, by mouse and by keyboard."""

import csv
import math
import re
from pathlib import Path

import pytest

from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.scoring.aggregate import compare_pair
from sigbench.scoring.metrics import METRICS

ATTACK = "</script><img src=x onerror=alert(1)>"
BOARD = "#r1-p1-board"  # of sparse-spikes
COMPARE = "#r1-p1-compare"
SIGNALS, IMAGES, SOUNDS = "#r1-p1-media", "#r1-p2-media", "#r1-p3-media"


def expect(locator):
    from playwright.sync_api import expect

    return expect(locator)


def names(page):
    return page.locator(f"{BOARD} tbody tr:visible th").all_inner_texts()


def means(page):
    return [float(text.split()[0]) for text in page.locator(f"{BOARD} td.mean").all_inner_texts()]


def picture(canvas):
    return canvas.evaluate("(c) => c.toDataURL()")


def test_a_click_on_a_heading_sorts_and_says_so(opened):
    view = opened()
    page, heading = view.page, view.page.locator(f"{BOARD} thead th.mean")
    assert means(page) == sorted(means(page), reverse=True)
    for direction, reverse in (("ascending", False), ("descending", True)):
        view.sort(heading.get_by_role("button").click)
        assert heading.get_attribute("aria-sort") == direction
        assert means(page) == sorted(means(page), reverse=reverse)


def test_headings_sort_by_keyboard_and_methods_without_rank_stay_last(opened):
    view = opened()
    page = view.page
    page.locator(f"{BOARD} thead th.method button").focus()
    view.sort(lambda: page.keyboard.press("Enter"))
    assert names(page) == sorted(names(page), key=str.lower)
    page.locator(f"{BOARD} thead th.rank button").focus()
    for direction in ("ascending", "descending"):
        view.sort(lambda: page.keyboard.press("Space"))
        assert page.locator(f"{BOARD} th.rank").get_attribute("aria-sort") == direction
        assert names(page)[-1] == "limit"


def test_filters_by_text_and_by_information(opened):
    view = opened()
    page, board = view.page, view.page.locator(BOARD)
    count, total = board.locator(".count"), len(names(page))
    board.get_by_role("searchbox").fill("TUNED width=1")
    assert names(page) == ["tuned width=1"]
    assert count.inner_text() == f"1 of {total} rows"
    board.get_by_role("searchbox").fill("")
    board.get_by_label("none", exact=True).uncheck()
    assert set(names(page)) == {"wavelet", "limit"}
    view.sort(board.locator("thead th.mean button").click)
    assert set(names(page)) == {"wavelet", "limit"}
    board.get_by_label("none", exact=True).check()
    assert len(names(page)) == total
    assert count.inner_text() == ""


def test_another_metric_is_shown_best_first(opened, run_folder):
    page = opened().page
    bar = page.locator(f"{BOARD} tr:has-text('median') svg.bar .point")
    before = bar.get_attribute("d")
    page.locator(BOARD).get_by_label("Metric").select_option("1")
    assert page.locator(f"{BOARD} thead th.mean").inner_text() == "rmse"
    with (run_folder / "leaderboard.csv").open(newline="") as file:
        rows = [
            r
            for r in csv.DictReader(file)
            if (r["problem"], r["metric"]) == ("sparse-spikes", "rmse")
        ]
    assert names(page) == [row["method"] for row in rows]
    assert page.locator(f"{BOARD} thead th.interval").inner_text().startswith("interval, 1.")
    assert means(page) == sorted(means(page))
    assert bar.get_attribute("d") != before


def test_two_methods_are_compared_by_the_test_of_the_ranks(opened, run_folder):
    part = opened().show(COMPARE)
    part.get_by_label("A", exact=True).select_option(label="noisy")
    part.get_by_label("B", exact=True).select_option(label="blur")
    text = part.locator("output").inner_text()
    scores = RunFolder(run_folder).scores("sparse-spikes", "psnr")
    a, b = (scores.values[scores.methods.index(name)] for name in ("noisy", "blur"))
    mean = compare_pair(METRICS["psnr"], a, b, scores.groups).difference.mean
    shown = float(re.search(r"noisy − blur: ([+−][\d.]+) dB", text)[1].replace("−", "-"))
    assert math.isclose(shown, mean, rel_tol=0.02)
    assert re.search(r"blur is better \(p < 0.0001, corrected for 28 pairs\)", text)
    assert part.locator("canvas").count() == 2
    part.get_by_label("B", exact=True).select_option(label="limit")
    assert "is not tested" in part.locator("output").inner_text()


def test_signals_are_zoomed_by_mouse_and_by_keyboard(opened):
    view = opened()
    part = view.show(SIGNALS)
    note, frame = part.locator(".note").last, part.locator(".u-over")
    frame.scroll_into_view_if_needed()
    whole, box = note.inner_text(), frame.bounding_box()
    y = box["y"] + box["height"] / 2
    view.page.mouse.move(box["x"] + 100, y)
    view.page.mouse.down()
    view.page.mouse.move(box["x"] + 250, y, steps=4)
    view.page.mouse.up()
    expect(note).to_have_text(re.compile(r"From [\d.]+ to [\d.]+\."))
    frame.dblclick()
    expect(note).to_have_text(whole)
    part.get_by_role("button", name="Zoom in").focus()
    view.page.keyboard.press("Enter")
    expect(note).not_to_have_text(whole)
    zoomed = note.inner_text()
    part.get_by_role("button", name="Later").press("Enter")
    expect(note).not_to_have_text(zoomed)
    part.get_by_role("button", name="All").press("Enter")
    expect(note).to_have_text(whole)


def test_curves_are_switched_on_and_off(opened):
    view = opened()
    part = view.show(SIGNALS)
    canvas, shown = part.locator("canvas"), part.locator(".switches input:checked")
    before, count = picture(canvas), shown.count()
    part.locator(".switches").get_by_label("noisy").uncheck()
    assert shown.count() == count - 1
    assert picture(canvas) != before
    part.get_by_label("Item", exact=True).select_option(index=1)
    assert not part.locator(".switches").get_by_label("noisy").is_checked()


def test_the_slider_moves_by_keyboard_and_by_mouse(opened):
    view = opened()
    part = view.show(IMAGES)
    slider = part.get_by_role("slider")
    slider.focus()
    view.page.keyboard.down("ArrowRight")
    view.wait("document.querySelector('img-comparison-slider').value > 60")
    view.page.keyboard.up("ArrowRight")
    expect(slider).to_have_attribute("aria-valuenow", re.compile("^([6-9][0-9]|100)$"))
    box = slider.bounding_box()
    view.page.mouse.click(box["x"] + box["width"] / 4, box["y"] + 10)
    expect(slider).to_have_attribute("aria-valuenow", re.compile("^2[3-7]$"))


def test_pixels_are_enlarged_by_a_whole_number_and_estimates_are_chosen(opened):
    part = opened().show(IMAGES)
    image = part.locator("img-comparison-slider img[slot=second]")
    assert image.evaluate("(i) => i.naturalWidth") == 32
    assert image.evaluate("(i) => i.width") % 32 == 0
    assert image.evaluate("(i) => getComputedStyle(i).imageRendering") == "pixelated"
    before = image.get_attribute("src"), part.locator(".stills").inner_text()
    part.get_by_label("Right", exact=True).select_option(index=5)
    assert image.get_attribute("src") != before[0]
    assert part.locator(".stills").inner_text() != before[1]
    assert part.locator(".stills img").count() == 4


def test_sounds_share_one_position(opened):
    view = opened()
    page, part = view.page, view.show(SOUNDS)
    position = part.get_by_label("Position")
    part.get_by_role("button", name="Play").click()
    view.wait("sounds[0].currentTime > 0.3")
    part.locator(".sources").get_by_label("clean").check()
    view.wait("sounds.length === 2 && !sounds[1].paused && sounds[0].paused")
    assert page.evaluate("sounds[1].currentTime >= 0.3")
    assert page.evaluate("sounds[1].currentTime - sounds[0].currentTime < 0.5")
    part.get_by_role("button", name="Pause").click()
    assert page.evaluate("sounds.every((s) => s.paused)")
    position.fill("1")
    part.locator(".sources").get_by_label("blur").first.check()
    view.wait("sounds.length === 3 && sounds[2].currentTime === 1")
    assert page.evaluate("sounds.every((s) => s.paused)")  # it was not playing
    cursors = part.locator(".cursor").evaluate_all("(all) => all.map((c) => c.style.left)")
    assert len(set(cursors)) == 1


def test_a_click_on_a_spectrogram_chooses_the_sound_and_the_place(opened):
    view = opened()
    part = view.show(SOUNDS)
    spectrogram = part.locator(".spectrogram").nth(1)
    box = spectrogram.bounding_box()
    spectrogram.click(position={"x": box["width"] / 2, "y": 20})
    assert part.locator(".sources").get_by_label("clean").is_checked()
    seconds = view.page.evaluate("sounds[1].duration")
    value = float(part.get_by_label("Position").input_value())
    assert abs(value - seconds / 2) < 0.05


def test_the_theme_is_that_of_the_system_until_another_is_chosen(opened):
    view = opened(color_scheme="dark")
    page, ground = view.page, "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    button = page.get_by_role("button", name="Dark")
    assert button.get_attribute("aria-pressed") == "true"
    canvas = view.show(COMPARE).locator("canvas").first
    before = picture(canvas)
    button.click()
    assert page.evaluate(ground) == "rgb(255, 255, 255)" != dark
    assert button.get_attribute("aria-pressed") == "false"
    page.wait_for_timeout(50)  # uPlot draws in the next frame
    assert picture(canvas) != before
    page.reload()
    assert page.evaluate(ground) == "rgb(255, 255, 255)"


def test_everything_is_reached_by_keyboard(opened):
    view = opened()
    page = view.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.locator("nav a", has_text="speech").press("Enter")
    view.wait("document.getElementById('r1-p3').open")
    page.locator("#r1-p3 > summary").press("Enter")
    assert not page.evaluate("document.getElementById('r1-p3').open")


def test_paper_has_all_problems_in_the_light_theme(opened):
    view = opened(color_scheme="dark")
    page = view.page
    assert page.locator("details.problem[open]").count() == 1
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details.problem[open]").count() == 3
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    for part in (SIGNALS, IMAGES, SOUNDS):
        assert page.locator(f"{part} img, {part} canvas").count() > 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details.problem[open]").count() == 1
    assert page.evaluate("document.documentElement.dataset.theme") is None
    assert len(page.pdf()) > 10_000


def test_a_hostile_name_is_shown_as_text(opened):
    view = opened()
    view.open_all()
    page = view.page
    assert ATTACK in names(page)
    assert page.locator("img[src=x]").count() == 0
    assert page.locator(f"{SIGNALS} .switches label", has_text=ATTACK).count() == 1
    part = view.show(COMPARE)
    part.get_by_label("A", exact=True).select_option(label=ATTACK)
    assert ATTACK in part.locator("output").inner_text()


def test_markup_that_was_not_escaped_could_not_run(chromium, page_file):
    """The policy of the page is a second line of defense."""
    page = chromium.new_page()
    page.goto(page_file.as_uri())
    page.evaluate(
        """() => {
          window.violations = [];
          document.addEventListener("securitypolicyviolation", (e) => violations.push(e.violatedDirective));
          document.body.insertAdjacentHTML("beforeend",
            `<img src=x onerror="window.ran = 1"><img src="data:," onerror="window.ran = 2">
             <a id=j href="javascript:window.ran=3">x</a>`);
          const script = document.createElement("script");
          script.textContent = "window.ran = 4";
          document.body.append(script);
          document.getElementById("j").click();
          fetch("data:,x").catch(() => {});
        }"""
    )
    needed = {"script-src-attr", "script-src-elem", "img-src", "connect-src"}
    for _ in range(500):
        page.wait_for_timeout(20)
        if needed <= set(page.evaluate("violations")):
            break
    assert needed <= set(page.evaluate("violations"))
    page.wait_for_timeout(200)  # for what should not run
    assert page.evaluate("window.ran") is None
    page.close()


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (360, "dark")])
def test_axe_finds_no_fault(opened, width, theme):
    import axe_core_python

    view = opened(color_scheme=theme, viewport={"width": width, "height": 800})
    view.open_all()
    view.page.evaluate((Path(axe_core_python.__file__).parent / "axe.min.js").read_text())
    found = view.page.evaluate("axe.run()")
    faults = [
        (v["id"], [node["html"][:200] for node in v["nodes"][:3]]) for v in found["violations"]
    ]
    assert faults == []
    assert {"color-contrast", "label", "button-name"} <= {
        passed["id"] for passed in found["passes"]
    }


def test_a_phone_shows_the_page_without_scrolling_sideways(opened):
    view = opened(viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True)
    view.open_all()
    assert view.page.evaluate("document.documentElement.scrollWidth") == 360
    assert view.page.evaluate("innerWidth") == 360
    small = view.page.locator("button:visible, select:visible").evaluate_all(
        "(all) => all.filter((b) => b.getBoundingClientRect().height < 32).map((b) => b.outerHTML)"
    )
    assert small == []


def test_without_scripts_the_board_is_there(opened):
    view = opened(java_script_enabled=False)
    assert view.page.locator(f"{BOARD} tbody tr").count() == 9
    assert not view.page.locator(".tools").first.is_visible()
