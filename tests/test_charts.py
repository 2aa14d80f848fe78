"""Charts of statistics: their structure, and positions read back from their axes."""

import itertools
import math
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from sigbench.benchmark.report import charts
from sigbench.benchmark.report.charts import (
    Distances,
    IntervalRow,
    Level,
    LevelLine,
    LevelPoint,
    PairDifference,
    TimedMethod,
)
from sigbench.benchmark.report.charts.cliques import maximal_groups
from sigbench.benchmark.report.charts.over_time import pareto
from sigbench.benchmark.report.charts.scale import Scale, label_positions, nice_step
from sigbench.benchmark.report.charts.style import DARK, LIGHT, file_css, page_css

NAN, INF = math.nan, math.inf
SVG = "{http://www.w3.org/2000/svg}"
SCRIPT = "</script><img onerror=x>"
LONG = "long-name-" * 20
STRANGE = "\x1b[2J\ud800 \u202ebidi \"q\" 'a' & 漢字"


def drawn(chart):
    """Return the tree of a chart's file."""
    return ET.fromstring(chart.standalone().encode())


def titled(chart, beginning):
    """Return the one element whose tooltip begins with a text."""
    (found,) = [
        element
        for element in drawn(chart).iter()
        if (title := element.find(f"{SVG}title")) is not None
        and element.tag != f"{SVG}svg"
        and title.text.startswith(beginning)
    ]
    return found


def value_of(words):
    return float(words.replace("−", "-").removesuffix(" %"))


def axis_map(chart, attribute, anchor, log=False):
    """Return the function from positions to values that the labels of the ticks give."""
    found = [
        (float(t.get(attribute)), value_of(t.text))
        for t in drawn(chart).iter(f"{SVG}text")
        if t.get("class") == "small muted"
        and t.get("text-anchor") == anchor
        and re.fullmatch(r"−?[0-9.]+( %)?", t.text)
    ]
    at, values = np.array(found).T
    slope, start = np.polyfit(at, np.log10(values) if log else values, 1)
    if log:
        return lambda position: 10 ** (start + slope * position)
    return lambda position: start + slope * position


def hostile_charts():
    """Yield charts of names and numbers that are hard to draw."""
    yield charts.intervals(
        [
            IntervalRow(SCRIPT, 20, 19, 21, "ranked", "1", True),
            IntervalRow(LONG, INF),
            IntervalRow(STRANGE, 18, -INF, INF),
            IntervalRow("x" * 10_000, 17),
            IntervalRow("nan", NAN, role="unranked"),
            IntervalRow("far", -300, -301, -299),
            IntervalRow("bad", -INF),
            IntervalRow("oracle", 22, role="oracle"),
            IntervalRow("limit", 23, role="limit"),
        ],
        label=SCRIPT,
        limit=23,
    )
    yield charts.intervals([], label="")
    yield charts.intervals([IntervalRow("a", NAN), IntervalRow("b", INF)], label="x", limit=INF)
    yield charts.intervals([IntervalRow("a", 1e308), IntervalRow("b", -1e308)], label="x")
    yield charts.intervals([IntervalRow("a", 1e-320), IntervalRow("b", 3e-320)], label="x")
    odd = [LevelPoint(1, 2, 1, 3), LevelPoint(2, NAN), LevelPoint(3, 4, -INF, INF)]
    bad = [LevelPoint(1, INF), LevelPoint(4, -INF)]
    lines = [LevelLine(SCRIPT, odd), LevelLine(LONG, bad, True), LevelLine(STRANGE, [])]
    yield charts.over_level(lines, level=STRANGE, label=LONG)
    yield charts.over_level([], level="", label="", axis="log")
    timed = [(SCRIPT, 3, 1), (LONG, 4, 2), (STRANGE, NAN, 3), ("a", INF, 3), ("b", 3, 0)]
    methods = [TimedMethod(*one) for one in timed]
    yield charts.over_time(methods, label=SCRIPT, limits=[Level(SCRIPT, 5), Level("a", INF)])
    yield charts.over_time([], label="")
    some = [np.array([1, 2, INF, NAN]), np.array([-INF, 0.0]), np.array([NAN])]
    names = (SCRIPT, LONG, STRANGE)
    yield charts.ecdf([Distances(*one) for one in zip(names, some, strict=True)], label=SCRIPT)
    yield charts.ecdf([], label="")
    yield charts.critical_difference(
        [SCRIPT, LONG, STRANGE, "inf", "nan"],
        [1, 2, 3, INF, NAN],
        lambda i, j: abs(i - j) > 1,
        label=SCRIPT,
    )
    yield charts.critical_difference([], [], lambda i, j: True, label="")
    yield charts.critical_difference(
        [f"m{i}" for i in range(60)], range(60), lambda i, j: (i * j) % 3 == 1, label="x"
    )
    pairs = [PairDifference(m, NAN, INF, m > 0) for m in (INF, NAN, -0.01, 0.0)]
    for k in (0, 1, 3, 14):
        names = [SCRIPT, LONG, STRANGE, *map(str, range(11))][:k]
        yield charts.differences(names, lambda i, j: pairs[(i + j) % 4], label=LONG)
    a, b = np.array([1, 2, INF, NAN]), np.array([2, 1, 3, 4.0])
    yield charts.items((SCRIPT, LONG), a, b, label=STRANGE)
    yield charts.items(("a", "b"), a[3:], b[3:], label="")


HOSTILE = list(hostile_charts())


class TestMarkup:
    @pytest.mark.parametrize("chart", HOSTILE, ids=lambda chart: chart.name)
    def test_a_chart_is_well_formed_and_runs_nothing(self, chart):
        root, inline = drawn(chart), ET.fromstring(chart.inline())
        assert root.tag == f"{SVG}svg"
        assert inline.get("role") == "img"
        assert inline.get("aria-label").startswith(chart.title[:5])
        assert "var(" not in chart.standalone()
        allowed = "svg title desc style rect line path circle text g"
        assert {element.tag.removeprefix(SVG) for element in root.iter()} <= set(allowed.split())
        assert "<img" not in chart.standalone() + chart.inline()
        numbers = re.findall(r'="([^"]*)"', chart.body)
        assert not any(re.search(r"\b(nan|inf)\b", number) for number in numbers)

    @pytest.mark.parametrize("chart", HOSTILE, ids=lambda chart: chart.name)
    def test_every_class_has_a_rule(self, chart):
        used = {word for e in drawn(chart).iter() for word in (e.get("class") or "").split()}
        assert [word for word in used if not re.search(rf"\.{word}\b", file_css())] == []

    def test_names_are_shown_as_they_are(self):
        chart = charts.intervals([IntervalRow(SCRIPT, 1.0)], label="x")
        assert SCRIPT in [t.text for t in drawn(chart).iter(f"{SVG}text")]

    def test_a_short_name_hides_nothing(self):
        chart = charts.intervals([IntervalRow(LONG, 1.0)], label="x")
        (name,) = [t for t in drawn(chart).iter(f"{SVG}text") if "…" in "".join(t.itertext())]
        title = name.find(f"{SVG}title")
        assert title.text == LONG
        assert len(title.tail) < 40

    def test_a_coordinate_that_is_not_finite_is_an_error(self):
        from sigbench.benchmark.report.charts.svg import short

        with pytest.raises(ValueError, match="coordinate nan"):
            short(NAN)


# Machado, Oliveira, Fernandes (2009), Table 1: severity 1, for linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


def linear(color):
    """Return the linear RGB values of a color in sRGB."""
    parts = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def luminance(color):
    """Return the relative luminance of WCAG 2.2."""
    return float(linear(color) @ [0.2126, 0.7152, 0.0722])


def contrast(a, b):
    low, high = sorted([luminance(a), luminance(b)])
    return (high + 0.05) / (low + 0.05)


class TestStyle:
    @pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
    def test_contrast(self, theme):
        ground = theme["background"]
        for name, color in theme.items():
            if name in ("text", "muted") or name.startswith("series"):
                assert contrast(color, ground) >= 4.5, name
            elif name in ("other", "axis", "above-4", "below-4"):
                assert contrast(color, ground) >= 3, name
            if name.startswith(("above", "below")):  # numbers are written on these
                assert contrast(color, theme["text"]) >= 4.5, name

    @pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
    @pytest.mark.parametrize("vision", VISION)
    def test_series_differ_for_all_types_of_color_vision(self, theme, vision):
        colors = [color for name, color in theme.items() if name.startswith(("series", "other"))]
        seen = np.clip(np.array([linear(color) for color in colors]) @ VISION[vision].T, 0, 1)
        lab = rgb2lab(np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055))
        least = min(deltaE_ciede2000(a, b) for a, b in itertools.combinations(lab, 2))
        assert least >= (15 if vision == "normal" else 8)

    def test_every_variable_is_defined_in_both_themes(self):
        used = set(re.findall(r"var\(--chart-([a-z0-9-]+)\)", page_css()))
        assert used <= set(LIGHT)
        assert set(LIGHT) == set(DARK)


class TestScales:
    def test_a_scale_is_monotone_and_ends_at_its_ends(self, rng):
        for log in (False, True):
            scale = Scale(0.5, 80.0, 300.0, 20.0, log=log)
            assert scale(0.5) == 300
            assert scale(80.0) == pytest.approx(20)
            assert scale(INF) == pytest.approx(20)
            places = [scale(v) for v in np.sort(rng.uniform(0.5, 80, 50))]
            assert places == sorted(places, reverse=True)

    def test_steps_are_round_and_large_enough(self, rng):
        for least in 10 ** rng.uniform(-12, 12, 200):
            step = nice_step(least)
            assert least * (1 - 1e-9) <= step <= 2.5 * least * (1 + 1e-9)
            assert f"{step:.6e}"[0] in "125"

    def test_ticks_are_few_and_inside(self, rng):
        for low, width in zip(rng.normal(0, 100, 200), 10 ** rng.uniform(-3, 3, 200), strict=True):
            ticks = Scale(low, low + width, 0, 1).ticks(6)
            assert 2 <= len(ticks) <= 7
            assert low <= ticks[0] + 1e-9 * abs(low)
            assert ticks[-1] <= low + width + 1e-9 * abs(low)

    def test_labels_keep_their_order_distance_and_frame(self, rng):
        wanted = rng.uniform(0, 300, 12).tolist()
        places = label_positions(wanted, 17, 20, 320)
        assert np.argsort(places).tolist() == np.argsort(wanted).tolist()
        assert np.diff(np.sort(places)).min() >= 17 - 1e-6
        assert min(places) >= 20
        assert max(places) <= 320 + 1e-6
        assert np.diff(label_positions([5.0] * 40, 17, 0, 78)).tolist() == pytest.approx([2] * 39)


class TestIntervals:
    ROWS = (
        IntervalRow("limit", 31.0, role="limit"),
        IntervalRow("a", 30.0, 29.5, 30.5, rank="1", best=True),
        IntervalRow("b", 27.25, 26.0, 28.5, rank="2"),
    )

    def test_marks_are_at_their_values(self):
        chart = charts.intervals(self.ROWS, label="psnr (dB)", limit=31.0)
        value = axis_map(chart, "x", "middle")
        for row in self.ROWS[1:]:
            own = titled(chart, f"{row.name}: ")
            assert value(float(own.find(f"{SVG}circle").get("cx"))) == pytest.approx(
                row.mean, abs=0.01
            )
            (bar,) = [e for e in own.iter(f"{SVG}line") if e.get("class") == "bar"]
            ends = [value(float(bar.get(x))) for x in ("x1", "x2")]
            assert ends == pytest.approx([row.low, row.high], abs=0.01)
            (gap,) = [e for e in own.iter(f"{SVG}line") if "leader" in e.get("class")]
            gap_ends = [value(float(gap.get(x))) for x in ("x1", "x2")]
            assert gap_ends == pytest.approx([row.mean, 31.0], abs=0.01)

    def test_limits_are_no_dots_and_have_no_gap(self):
        own = titled(charts.intervals(self.ROWS, label="x", limit=31.0), "limit: 31, no interval")
        assert own.find(f"{SVG}circle") is None
        assert own.find(f"{SVG}path").get("class") == "hollow"

    def test_infinite_ends_are_arrows_and_said(self):
        rows = [*self.ROWS, IntervalRow("c", 28.0, 27.0, INF), IntervalRow("d", -INF)]
        chart = charts.intervals(rows, label="x")
        c, d = titled(chart, "c: 28 (27 to ∞)"), titled(chart, "d: −∞")
        assert len(c.findall(f"{SVG}path")) == 1
        assert c.find(f"{SVG}circle") is not None
        assert len(d.findall(f"{SVG}path")) == 1
        assert d.find(f"{SVG}circle") is None

    def test_a_value_far_from_all_others_does_not_set_the_axis(self):
        rows = [IntervalRow(str(i), 30.0 + i) for i in range(8)]
        chart = charts.intervals([*rows, IntervalRow("silence", -300.0)], label="x")
        value = axis_map(chart, "x", "middle")
        assert value(212) > 25  # where the axis begins
        assert titled(chart, "silence: −300").find(f"{SVG}circle") is None


class TestOverLevel:
    def test_points_are_at_their_values(self):
        points = [LevelPoint(s, 10 + s / 3, 9 + s / 3, 11 + s / 3) for s in (0.0, 5.0, 15.0)]
        chart = charts.over_level([LevelLine("a", points)], level="SNR (dB)", label="psnr")
        x, y = axis_map(chart, "x", "middle"), axis_map(chart, "y", "end")
        y_offset = 4  # labels are centered on their ticks
        for point in points:
            mark = titled(chart, f"a at {point.level:g}: ")
            assert x(float(mark.get("cx"))) == pytest.approx(point.level, abs=0.02)
            at = float(mark.get("cy")) + y_offset
            assert y(at) == pytest.approx(point.mean, abs=0.02)

    def test_eight_lines_have_labels_and_the_others_are_counted(self):
        lines = [
            LevelLine(f"m{i}", [LevelPoint(0, 20 - i / 9), LevelPoint(1, 21)], i == 3)
            for i in range(12)
        ]
        words = [
            t.text for t in drawn(charts.over_level(lines, level="", label="")).iter(f"{SVG}text")
        ]
        assert [f"m{i}" in words for i in range(12)] == [True] * 9 + [False] * 3
        assert "gray: 3 other methods" in words

    def test_a_line_is_interrupted_where_a_mean_is_missing(self):
        means = [1.0, 2.0, NAN, 4.0, 5.0, INF, 6.0]
        line = LevelLine("a", [LevelPoint(i, mean) for i, mean in enumerate(means)])
        root = drawn(charts.over_level([line], level="", label=""))
        paths = [e.get("d") for e in root.iter(f"{SVG}path") if e.get("class") == "line"]
        assert [path.count("L") for path in paths] == [1, 1]


class TestOverTime:
    def test_marks_are_at_their_values(self):
        methods = [TimedMethod("a", 20.0, 0.02), TimedMethod("b", 25.0, 3.0)]
        chart = charts.over_time(methods, label="psnr", limits=[Level("limit", 26.0)])
        x, y = axis_map(chart, "x", "middle", log=True), axis_map(chart, "y", "end")
        for method in methods:
            mark = titled(chart, f"{method.name}: ")
            assert x(float(mark.get("cx"))) == pytest.approx(method.ms, rel=0.01)
            assert y(float(mark.get("cy")) + 4) == pytest.approx(method.mean, abs=0.02)

    @pytest.mark.parametrize("higher", [True, False])
    def test_the_front_against_its_definition(self, rng, higher):
        sign = 1 if higher else -1
        methods = [
            TimedMethod(str(i), float(mean), float(ms))
            for i, (mean, ms) in enumerate(rng.integers(1, 12, (40, 2)))
        ]
        found = {(m.mean, m.ms) for m in pareto(methods, higher)}
        wanted = {
            (m.mean, m.ms)
            for m in methods
            if not any(
                sign * o.mean >= sign * m.mean and o.ms <= m.ms and (o.mean, o.ms) != (m.mean, m.ms)
                for o in methods
            )
        }
        assert found == wanted

    def test_labels_do_not_overlap(self, rng):
        methods = [
            TimedMethod(f"method-{i}", *values)
            for i, values in enumerate(rng.uniform(1, 9, (30, 2)).tolist())
        ]
        words = [
            t
            for t in drawn(charts.over_time(methods, label="")).iter(f"{SVG}text")
            if (t.text or "").startswith("method-")
        ]
        assert len(words) > 10
        boxes = []
        for t in words:
            width = 50  # at most the width that the chart assumes for these names
            x, y = float(t.get("x")), float(t.get("y"))
            left = {"end": x - width, "middle": x - width / 2}.get(t.get("text-anchor"), x)
            boxes.append((left, y))
        for (a, y), (b, z) in itertools.combinations(boxes, 2):
            assert abs(a - b) >= 49 or abs(y - z) >= 13


class TestEcdf:
    def test_the_curve_against_the_share_of_items(self, rng):
        values = np.append(rng.exponential(1.0, 299), INF)
        chart = charts.ecdf([Distances("a", values)], label="below the limit (dB)")
        x, y = axis_map(chart, "x", "middle"), axis_map(chart, "y", "end")
        d = titled(chart, "a: median").get("d")
        start, *steps = re.findall(r"[MHV][^MHV]+", d)
        assert float(y(float(start[1:].split()[1]) + 4)) == pytest.approx(0, abs=0.2)
        assert len(steps) > 60
        for across, up in itertools.pairwise(steps):
            if across[0] == "H" and up[0] == "V":
                # The curve is exact where it is evaluated; ± the rounding of a coordinate.
                at, share = x(float(across[1:])), y(float(up[1:]) + 4) / 100
                low, high = np.mean(values <= at - 0.002), np.mean(values <= at + 0.002)
                assert low - 0.001 <= share <= high + 0.001

    def test_methods_without_values_are_left_out(self):
        chart = charts.ecdf([Distances("a", np.array([NAN])), Distances("b", np.ones(3))], label="")
        assert chart.description == "1 method on up to 3 items. Median distance: b 1."


def all_groups(count, differ):
    """Return the maximal groups by trying all subsets."""

    def agrees(group):
        return not any(differ[i, j] for i, j in itertools.combinations(group, 2))

    sets = [
        set(group)
        for size in range(2, count + 1)
        for group in itertools.combinations(range(count), size)
        if agrees(group)
    ]
    return sorted(tuple(sorted(s)) for s in sets if not any(s < other for other in sets))


class TestCriticalDifference:
    @pytest.mark.parametrize("density", [0.1, 0.4, 0.8])
    def test_groups_against_all_subsets(self, rng, density):
        for count in range(9):
            differ = rng.random((count, count)) < density
            assert maximal_groups(count, lambda i, j, d=differ: d[i, j]) == all_groups(
                count, differ
            )

    def test_many_groups_end_the_search(self):
        # Moon, Moser (1965): 3^(n/3) maximal groups, here 3^20.
        assert len(maximal_groups(60, lambda i, j: i // 3 == j // 3, 50)) == 50

    def test_bars_join_the_members_of_groups(self):
        names, positions = ["c", "a", "b", "d"], [3.0, 1.0, 2.0, 9.0]
        differ = {frozenset("ac"), frozenset("ad"), frozenset("bd"), frozenset("cd")}
        chart = charts.critical_difference(
            names, positions, lambda i, j: frozenset((names[i], names[j])) in differ, label="x"
        )
        value = axis_map(chart, "x", "middle")
        bars = [
            (
                title.text,
                sorted(round(value(float(c.get("cx"))), 1) for c in e.iter(f"{SVG}circle")),
            )
            for e in drawn(chart).iter(f"{SVG}g")
            if (title := e.find(f"{SVG}title")) is not None and "differences:" in title.text
        ]
        assert bars == [
            ("no significant differences: a, b", [1.0, 2.0]),
            ("no significant differences: b, c", [2.0, 3.0]),
        ]

    def test_27_methods_have_their_own_lines(self):
        names = [f"method-{i}" for i in range(27)]
        chart = charts.critical_difference(
            names, np.sqrt(range(27)).tolist(), lambda i, j: abs(i - j) > 2, label="x"
        )
        words = {
            t.text: (t.get("text-anchor"), t.get("y")) for t in drawn(chart).iter(f"{SVG}text")
        }
        assert len({words[name] for name in names}) == 27
        assert chart.height < 450


class TestDifferences:
    def test_both_triangles_have_opposite_signs(self):
        means = [3.0, 2.0, -1.0]

        def pair(i, j):
            d = means[i] - means[j]
            return PairDifference(d, d - 0.5, d + 0.25, j - i > 1, 0.01)

        chart = charts.differences(["a", "b", "c"], pair, label="psnr")
        titles = [t.text for t in drawn(chart).iter(f"{SVG}title")]
        assert "a − b: 1.00 (0.50 to 1.25), p = 0.01, not significant" in titles
        assert "b − a: −1.00 (−1.25 to −0.50), p = 0.01, not significant" in titles
        assert "c − a: −4.00 (−4.25 to −3.50), p = 0.01" in titles
        fills = {
            name: next(
                r.get("class")
                for r in titled(chart, name).iter(f"{SVG}rect")
                if "-" in r.get("class")
            )
            for name in ("a − c", "c − a")
        }
        assert fills["a − c"].startswith("above")
        assert fills["c − a"] == fills["a − c"].replace("above", "below")

    @pytest.mark.parametrize(("k", "numbers"), [(12, True), (13, False)])
    def test_numbers_are_in_the_cells_of_few_methods(self, k, numbers):
        chart = charts.differences(
            [f"m{i}" for i in range(k)], lambda i, j: PairDifference(0.5, 0, 1, True), label="x"
        )
        words = [t.text for t in drawn(chart).iter(f"{SVG}text")]
        assert ("0.50" in words) == numbers
        titles = [t.text for t in drawn(chart).iter(f"{SVG}title")]
        assert sum(" − " in title for title in titles) == k * (k - 1)


class TestItems:
    def test_points_are_at_their_values(self):
        a, b = np.array([1.0, 4.0, NAN]), np.array([2.0, 3.0, 5.0])
        chart = charts.items(("a", "b"), a, b, label="psnr")
        x, y = axis_map(chart, "x", "middle"), axis_map(chart, "y", "end")
        for i in range(2):
            mark = titled(chart, f"item {i}: ")
            assert x(float(mark.get("cx"))) == pytest.approx(a[i], abs=0.02)
            assert y(float(mark.get("cy")) + 4) == pytest.approx(b[i], abs=0.02)
        assert chart.description == "a is better on 1 of 2 items, b on 1."

    def test_of_many_items_2000_are_drawn_and_this_is_said(self, rng):
        chart = charts.items(("a", "b"), rng.normal(size=5000), rng.normal(size=5000), label="")
        (points,) = [e for e in drawn(chart).iter(f"{SVG}path") if e.get("class") == "dots"]
        assert points.get("d").count("M") == 2000
        assert "2,000 of 5,000 items are drawn" in chart.body

    def test_where_lower_is_better_the_sides_change(self):
        a, b = np.array([1.0, 1.0]), np.array([2.0, 3.0])
        chart = charts.items(("a", "b"), a, b, label="", higher_is_better=False)
        assert chart.description == "a is better on 2 of 2 items, b on 0."
        above, below = (t for t in drawn(chart).iter(f"{SVG}text") if "better" in (t.text or ""))
        assert (above.text, below.text) == ("a better", "b better")
        assert float(above.get("y")) < float(below.get("y"))
