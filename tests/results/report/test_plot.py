"""Plots: every point where its axes say, words for everything, and text of models that cannot break the page."""

import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from results.report import axes
from results.report.plot import Bar, Curve, bars, cumulative_error, histogram, lines, precision_recall

SVG = "{http://www.w3.org/2000/svg}"
FRAME = axes.Frame("title", "across", "up")
NUMBER = st.floats(allow_nan=True, allow_infinity=True, width=64)


def parse(text):
    return ElementTree.fromstring(text)


def texts(root):
    return [each.text or "" for each in root.iter(f"{SVG}text")]


def scale(root, horizontal=True):
    """Value -> pixel, worked out from two numbers beside an axis as a reader would."""
    middle = "middle" if horizontal else "end"
    marks = []
    for each in root.iter(f"{SVG}text"):
        is_number = re.fullmatch(r"-?[\d.]+(e[+-]?\d+)?", each.text or "")
        if is_number and each.get("text-anchor") == middle:
            marks.append((float(each.text), float(each.get("x" if horizontal else "y")) - (0 if horizontal else 4)))
    (low, at_low), (high, at_high) = marks[0], marks[-1]
    return lambda value: at_low + (value - low) / (high - low) * (at_high - at_low)


def path_points(root):
    """Points of every drawn line, a list for each."""
    found = []
    for each in root.iter(f"{SVG}path"):
        found.append([tuple(map(float, pair.split(","))) for pair in re.findall(r"-?[\d.]+,-?[\d.]+", each.get("d"))])
    return found


def rectangles(root):
    """(x, y, width, height) of every bar."""
    return [
        tuple(float(each.get(name)) for name in ("x", "y", "width", "height"))
        for group in root.iter(f"{SVG}g")
        if group.get("class") == "data"
        for each in group.iter(f"{SVG}rect")
    ]


def test_points_lie_where_the_axes_say():
    xs, ys = [0.0, 2.0, 5.0, 10.0], [1.0, 3.0, 2.0, 6.0]
    root = parse(lines([Curve("a", xs, ys)], FRAME))
    across, up = scale(root), scale(root, horizontal=False)
    [points] = path_points(root)
    np.testing.assert_allclose(points, [(across(x), up(y)) for x, y in zip(xs, ys, strict=True)], atol=0.02)
    assert up(6) < up(1)  # larger values are higher


def test_a_band_runs_along_its_ends():
    root = parse(lines([Curve("a", [0, 1], [2, 3], [1, 2], [4, 6])], FRAME))
    across, up = scale(root), scale(root, horizontal=False)
    [band] = root.iter(f"{SVG}polygon")
    corners = [tuple(map(float, pair.split(","))) for pair in band.get("points").split()]
    expected = [(across(0), up(1)), (across(1), up(2)), (across(1), up(6)), (across(0), up(4))]
    np.testing.assert_allclose(corners, expected, atol=0.02)


def test_what_is_no_number_leaves_a_gap_and_is_counted():
    root = parse(lines([Curve("a", [0, 1, 2, 3, 4], [1, 2, math.nan, 4, math.inf])], FRAME))
    [path] = root.iter(f"{SVG}path")
    assert path.get("d").count("M") == 2
    assert len(list(root.iter(f"{SVG}circle"))) == 1  # a point without neighbours is a dot
    assert "2 left out" in root.find(f"{SVG}desc").text


def test_several_lines_are_named_and_differ_in_colour_and_dashes():
    root = parse(lines([Curve(name, [0, 1], [0, at]) for at, name in enumerate("abc")], FRAME))
    assert [name for name in "abc" if name in texts(root)] == ["a", "b", "c"]
    looks = [each.get("style") for each in root.iter(f"{SVG}path")]
    assert len({re.search(r"stroke:(\S+?);", look)[1] for look in looks}) == 3
    assert len({(re.search(r"dasharray:([\d ]+)", look) or [""])[0] for look in looks}) == 3


def test_many_names_wrap_into_rows_above_the_data():
    names = [f"a model with the number {number}" for number in range(9)]
    root = parse(lines([Curve(name, [0, 1], [0, 1]) for name in names], FRAME))
    placed = {each.text: (float(each.get("x")), float(each.get("y"))) for each in root.iter(f"{SVG}text")}
    assert len({placed[name][1] for name in names}) > 2
    top = min(y for points in path_points(root) for _, y in points)
    assert all(placed[name][1] < top for name in names)


def test_bars_begin_at_zero_and_have_their_length_and_interval():
    root = parse(bars([Bar("one", 0.5, (0.4, 0.7)), Bar("two", 1.0)], FRAME))
    across = scale(root)
    (x1, _, wide1, _), (x2, _, wide2, _) = rectangles(root)
    np.testing.assert_allclose(
        [x1, x2, wide1, wide2], [across(0), across(0), across(0.5) - x1, across(1) - x2], atol=0.02
    )
    whisker = [each for each in root.iter(f"{SVG}line") if "stroke-width:1.5" in each.get("style")]
    ends = [float(whisker[0].get(name)) for name in ("x1", "x2")]
    np.testing.assert_allclose(ends, [across(0.4), across(0.7)], atol=0.02)
    assert "one: 0.5 (0.4 to 0.7); two: 1" in root.find(f"{SVG}desc").text


def test_negative_values_go_the_other_way_and_undefined_ones_are_said():
    root = parse(bars([Bar("down", -0.5), Bar("up", 0.5), Bar("none", math.nan)], FRAME))
    across = scale(root)
    (x1, _, wide1, _), (x2, _, _, _) = rectangles(root)
    np.testing.assert_allclose([x1, x1 + wide1, x2], [across(-0.5), across(0), across(0)], atol=0.02)
    assert "undefined" in texts(root)


def test_bins_of_a_histogram_are_those_of_numpy():
    values = np.random.default_rng(0).normal(size=300)
    root = parse(histogram([*values, math.nan], FRAME, bins=10))
    counts, edges = np.histogram(values, 10)
    across, up = scale(root), scale(root, horizontal=False)
    for (x, y, wide, tall), count, low, high in zip(rectangles(root), counts, edges, edges[1:], strict=False):
        np.testing.assert_allclose([x, x + wide, y, y + tall], [across(low), across(high), up(count), up(0)], atol=0.05)
    assert "300 values in 10 bins, 1 left out" in root.find(f"{SVG}desc").text


def test_precision_holds_down_to_the_next_lower_recall():
    root = parse(precision_recall([Curve("a", [0.0, 0.5, 1.0], [1.0, 0.8, 0.2])], FRAME))
    across, up = scale(root), scale(root, horizontal=False)
    expected = [(0, 1), (0, 0.8), (0.5, 0.8), (0.5, 0.2), (1, 0.2)]
    np.testing.assert_allclose(path_points(root)[0], [(across(x), up(y)) for x, y in expected], atol=0.02)
    assert {"0", "1"} <= set(texts(root))  # both axes run from 0 to 1


def test_cumulative_errors_are_shares_of_all_values():
    root = parse(cumulative_error([("a", [0.1, 0.3, 0.3, math.nan])], FRAME, limit=0.5))
    across, up = scale(root), scale(root, horizontal=False)
    expected = [(0, 0), (0.1, 0), (0.1, 0.25), (0.3, 0.25), (0.3, 0.75), (0.5, 0.75), (0.5, 0.75)]
    np.testing.assert_allclose(path_points(root)[0], [(across(x), up(y)) for x, y in expected], atol=0.02)


def test_errors_beyond_the_limit_leave_the_line_where_it_is():
    root = parse(cumulative_error([("a", [0.1, 9.0]), ("none", [8.0]), ("empty", [])], FRAME, limit=1.0))
    up = scale(root, horizontal=False)
    first, second = path_points(root)
    assert first[-1][1] == pytest.approx(up(0.5), abs=0.02)
    assert second[-1][1] == pytest.approx(up(0.0), abs=0.02)


@pytest.mark.parametrize("plot", [lambda: lines([], FRAME), lambda: bars([], FRAME), lambda: histogram([], FRAME)])
def test_no_data_are_said(plot):
    assert "no data" in texts(parse(plot()))


def test_names_cannot_break_out_of_the_plot():
    evil = "</svg><script>alert('&\"')</script>\x00\x1b]"
    frame = axes.Frame(evil, evil, evil, evil)
    for plot in (
        lines([Curve(evil, [0, 1], [0, 1])] * 2, frame),
        bars([Bar(evil, 1.0)], frame),
        histogram([1.0], frame),
    ):
        root = parse(plot)
        assert "script" not in {each.tag.removeprefix(SVG) for each in root.iter()}
        assert root.find(f"{SVG}title").text == "</svg><script>alert('&\"')</script>]"


def test_a_plot_is_told_to_screen_readers_and_has_ids_of_its_own():
    first, second = (
        lines([Curve("a", [0, 1], [0, at])], axes.Frame("speed", description="More is better.")) for at in (1, 2)
    )
    root = parse(first)
    ids = [each.get("id") for each in root.iter() if each.get("id")]
    assert root.get("role") == "img"
    assert root.get("aria-labelledby").split() == ids[:2]
    assert root.find(f"{SVG}title").text == "speed"
    assert root.find(f"{SVG}desc").text == "More is better. a: 0 at 0 to 1 at 1, 2 points"
    assert not set(ids) & set(re.findall(r'id="([^"]+)"', second))
    clips = re.findall(r'clip-path="url\(#([^)]+)\)"', first)
    assert clips
    assert set(clips) <= set(ids)


def test_every_colour_is_a_variable_that_both_schemes_set():
    plot = lines([Curve(name, [0, 1], [0, 1]) for name in "abcdefg"], FRAME)
    used = set(re.findall(r"var\((--plot-\w+),", plot))
    light, dark = axes.CSS.split("@media (prefers-color-scheme:dark)")
    assert used >= {"--plot-ink", "--plot-muted", "--plot-grid", "--plot-1", "--plot-7"}
    assert all(f"{name}:" in light and f"{name}:" in dark for name in used)
    assert not re.findall(r"(?:fill|stroke):#", plot)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_round_inside_and_not_too_many(low, wide):
    found = axes.ticks(low, low + wide)
    assert len(found) <= 7
    assert all(low - 1e-6 * wide <= value <= low + wide * (1 + 1e-6) for value in found)
    steps = np.diff(found)
    if len(steps):
        mantissa = steps[0] / 10 ** math.floor(math.log10(steps[0]) + 1e-9)
        assert min(abs(mantissa - each) for each in (1, 2, 5)) < 1e-3


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(NUMBER, NUMBER), max_size=8), st.integers(1, 5))
def test_any_numbers_give_a_plot_that_can_be_parsed(points, bins):
    xs, ys = [x for x, _ in points], [y for _, y in points]
    for plot in (
        lines([Curve("a", xs, ys)], FRAME),
        histogram(ys, FRAME, bins),
        bars([Bar("b", y, (x, y)) for x, y in points], FRAME),
        cumulative_error([("c", ys)], FRAME),
        precision_recall([Curve("d", xs, ys)], FRAME),
    ):
        numbers = re.findall(r' (?:x|y|x1|y1|x2|y2|width|height)="([^"]*)"', plot)
        assert all(math.isfinite(float(each)) for each in numbers)
        parse(plot)


def test_wrong_lengths_and_no_bins_are_refused():
    with pytest.raises(ValueError, match="curve 'a' needs as many ys"):
        lines([Curve("a", [1, 2], [1])], FRAME)
    with pytest.raises(ValueError, match="at least 1 bin"):
        histogram([1.0], FRAME, bins=0)
