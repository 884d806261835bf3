"""Reports in headless Chromium: no complaint, no request, and everything by mouse and by keyboard."""

import json
import re
from dataclasses import replace

import pytest

from results.report.page import Card, Chapter, Entry, Figure, Gallery, Number, Page, Picture, Said, render
from results.report.plot import Bar, Frame, bars

PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5Er"
    "kJggg=="
)
HOSTILE = "</script><img src=http://127.0.0.1:9/x onerror=alert(1)><script>alert(2)</script>"


def entry(number, runs):
    values = [number / 100, (100 - number) / 100][:runs]
    status = "failed" if number == 7 else "ok"
    answers = [Said(value, status, f"answer {number} {HOSTILE}", "it broke" if number == 7 else "") for value in values]
    pictures = (Picture(PIXEL, "truth", (40, 30)), Picture(PIXEL, "answer", (40, 30), PIXEL, ("a note",)))
    shown = pictures if number < 6 else ()
    tags = {"size": "odd" if number % 2 else "even"}
    return Entry(f"toy/{number:03d}", f"thing {number} {HOSTILE}", "truth", tuple(answers), tags, shown)


def page(runs=1):
    names = ("one", HOSTILE)[:runs]
    return Page(
        title=f"one on toy {HOSTILE}", subtitle="toy", marks=("sample world",), notes=("a note",), runs=names,
        metric=("iou", True), cards=(Card("iou", "mean", (Number("50.00", "40 to 60", (50, 40, 60)),) * runs, True),),
        chapters=(), galleries=(Gallery("Worst", "By iou.", (0, 1, 2)),),
        entries=tuple(entry(number, runs) for number in range(120)), factor=100.0,
    )  # fmt: skip


@pytest.fixture
def opened(browser, tmp_path):
    """Open a report of so many runs; checks at the end that nothing was complained about or asked for."""
    visits = []

    def open_page(runs=1, hash_="", **look):
        path = tmp_path / "report.html"
        path.write_text(render(page(runs)), "utf-8")
        visit = browser.visit(path.as_uri() + hash_, **look)
        seen = visit.__enter__()
        visits.append((visit, seen))
        return seen.page

    yield open_page
    for visit, seen in visits:
        visit.__exit__(None, None, None)
        assert seen.complaints == []
        assert [address for address in seen.asked if not address.startswith(("file:", "data:"))] == []


def rows(page):
    return page.locator("#rows button").evaluate_all("all => all.map(each => each.dataset.place)")


def test_the_list_starts_with_the_worst_and_turns_pages(opened):
    page = opened()
    assert page.locator("#count").inner_text() == "120 samples"
    assert rows(page) == [str(number) for number in range(50)]
    page.locator("#after").click()
    assert rows(page)[0] == "50" and page.locator("#page").inner_text() == "Page 2 of 3"
    page.locator("#before").click()
    assert rows(page)[0] == "0"


def test_sorting_by_a_column_says_so(opened):
    page = opened()
    page.locator('[data-sort="value"]').click()
    assert rows(page)[0] == "119"
    assert page.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"
    page.locator('[data-sort="place"]').click()
    assert rows(page)[0] == "0"


def test_filters_by_words_status_slice_and_pictures(opened):
    page = opened()
    page.locator("#search").fill("thing 11")
    assert rows(page) == ["11", *map(str, range(110, 120))]
    page.locator("#search").fill("")
    page.locator("#status").select_option("bad")
    assert rows(page) == ["7"]
    page.locator("#status").select_option("pictured")
    assert rows(page) == ["0", "1", "2", "3", "4", "5"]
    page.locator("#status").select_option("")
    page.locator("#slice").select_option(label="odd (60)")
    assert page.locator("#count").inner_text() == "60 of 120 samples"
    page.locator("#search").fill("nothing like it")
    assert rows(page) == [] and page.locator("#count").inner_text() == "0 of 120 samples"


def test_a_sample_opens_with_pictures_and_raw_words(opened):
    page = opened()
    page.locator(".sample").nth(1).click()
    viewer = page.locator("#viewer")
    assert viewer.is_visible()
    assert page.locator("#viewer-title").inner_text() == "toy/001"
    assert page.locator(".asked").inner_text() == f"thing 1 {HOSTILE}"
    assert viewer.locator(".panels figure").count() == 2
    assert viewer.locator(".panels img").evaluate_all(
        "all => all.every(each => each.complete && each.naturalWidth > 0)"
    )
    assert f"answer 1 {HOSTILE}" in viewer.inner_text()
    page.locator("#close").click()
    assert not viewer.is_visible()


def test_everything_by_keyboard(opened):
    page = opened()
    page.keyboard.press("/")
    page.keyboard.type("thing 11")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.locator("#viewer-title").inner_text() == "toy/110"
    page.keyboard.press("ArrowRight")
    assert page.locator("#viewer-title").inner_text() == "toy/111"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.locator("#viewer-title").inner_text() == "toy/011"
    page.keyboard.press("Escape")
    assert not page.locator("#viewer").is_visible()
    page.wait_for_function("document.activeElement.dataset.place === '11'")


def test_the_first_tab_leads_to_the_samples_and_every_control_has_a_name(opened):
    page = opened(2)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#samples"
    nameless = """[...document.querySelectorAll('button,input,select,a')].filter(each => !(
        each.getAttribute('aria-label') || each.innerText.trim() || each.labels?.length || each.closest('dialog')
    )).map(each => each.outerHTML)"""
    assert page.evaluate(nameless) == []


def test_an_address_leads_to_a_sample(opened):
    page = opened(hash_="#sample=toy%2F042")
    assert page.locator("#viewer-title").inner_text() == "toy/042"
    page.keyboard.press("Escape")
    page.evaluate("location.hash = '#sample=toy%2F043'")
    page.locator("#viewer-title", has_text="toy/043").wait_for()


def colours(page):
    return page.evaluate("[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]")


def test_light_and_dark_follow_the_system_and_the_switch(opened):
    light, dark = colours(opened(color_scheme="light")), colours(opened(color_scheme="dark"))
    assert light != dark
    page = opened(color_scheme="dark")
    page.locator("#theme").click()
    assert colours(page) == light
    page.locator("#theme").click()
    assert colours(page) == dark
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"  # it is remembered
    page.locator("#theme").click()
    assert page.evaluate("document.documentElement.dataset.theme") is None


def test_plots_change_with_the_switch(browser, tmp_path):
    path = tmp_path / "report.html"
    figure = Figure(bars([Bar("a", 1.0)], Frame("bars")))
    path.write_text(render(replace(page(), chapters=(Chapter("curves", "Curves", figures=(figure,)),))), "utf-8")
    ink = "getComputedStyle(document.querySelector('svg.plot rect[style]')).fill"
    with browser.visit(path.as_uri(), color_scheme="light") as seen:
        light = seen.page.evaluate(ink)
        seen.page.locator("#theme").click()
        seen.page.locator("#theme").click()
        assert seen.page.evaluate(ink) != light


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
@pytest.mark.parametrize("runs", [1, 2])
def test_nothing_is_wider_than_the_window(opened, width, runs):
    page = opened(runs, viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator(".sample").first.click()
    box = page.locator("#viewer").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= width


def test_two_runs_are_sorted_by_what_changed_and_filtered_by_how(opened):
    page = opened(2)
    assert sorted(rows(page)[:2]) == ["0", "119"] or rows(page)[0] in ("0", "119")
    page.locator("#change").select_option("up")
    assert set(rows(page)) == {str(number) for number in range(50)}
    page.locator("#change").select_option("down")
    assert "0" not in rows(page) and "119" in rows(page)
    page.locator("#change").select_option("same")
    assert rows(page) == ["50"]


def test_without_scripts_numbers_stay_and_the_page_says_what_is_not_there(opened):
    page = opened(java_script_enabled=False)
    assert "50.00" in page.locator(".card").inner_text()
    assert page.locator("noscript p").is_visible()


def test_ten_thousand_samples_are_searched_at_once(browser, tmp_path):
    """Not a matter of time here: the list holds only one page of rows, however many samples there are."""
    path = tmp_path / "report.html"
    many = replace(page(), entries=tuple(entry(number, 1) for number in range(10_000)), galleries=())
    path.write_text(render(many), "utf-8")
    with browser.visit(path.as_uri()) as seen:
        assert seen.page.locator("#count").inner_text() == "10,000 samples"
        assert seen.page.locator("#rows tr").count() == 50
        seen.page.locator("#search").fill("thing 9999")
        assert rows(seen.page) == ["9999"]
        assert seen.complaints == []


def test_the_data_of_the_page_is_json():
    text = render(page(2))
    assert json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])["runs"][1] == HOSTILE
