"""The demo as a person uses it: clicks, drawings and files, on a wide window and on a phone."""

import base64
import io
from pathlib import Path
from urllib.parse import urlparse

import numpy as np
import pytest
from PIL import Image

from benchmarks.geometry import decode
from tasks import predictions

pytest.importorskip("gradio")
WIDE = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
INK = (255, 0, 200)


def choose(page, label, text):
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=text, exact=True).first.click()


def ask(page, side=1, stage="done"):
    """Ask, and wait for the card of a side."""
    before = page.locator("#rb-answer-1").inner_text() if page.locator("#rb-answer-1").count() else ""
    page.click("#rb-ask")
    page.wait_for_function(
        "([side, stage, before]) => { const card = document.querySelector(`#rb-answer-${side} .rb-card`);"
        " return card && card.dataset.stage === stage && card.innerText !== before; }",
        arg=[side, stage, before],
    )
    return page.locator(f"#rb-answer-{side} .rb-card")


def ready(page):
    page.set_default_timeout(150_000)  # a busy machine may take a minute to load a model for the first time
    page.wait_for_selector("canvas[data-marks]")


def sample(page, task):
    """Take the first sample of another task."""
    choose(page, "Task of the benchmark", task)
    page.wait_for_function("task => document.querySelector('#rb-about').innerText.includes(task)", arg=f"task {task}")


def drag(page, *places):
    """Move the pressed pointer over places of the board, in shares of its size."""
    board = page.locator("#rb-board canvas")
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    spots = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
    page.mouse.move(*spots[0])
    page.mouse.down()
    for spot in spots[1:]:
        page.mouse.move(*spot, steps=4)
    page.mouse.up()


def marks(page):
    return int(page.locator("#rb-board canvas").get_attribute("data-marks"))


def pictures(card):
    """Pictures of a card as the browser has them, decoded."""
    found = []
    for each in card.locator("img.rb-picture").all():
        assert each.evaluate("image => image.complete && image.naturalWidth > 0")
        content = base64.b64decode(each.get_attribute("src").partition(",")[2])
        found.append(np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int))
    return found


def download(page, name, folder):
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name, exact=True).first.click()
    path = Path(folder) / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def pinkish(pixels):
    return int((np.abs(pixels - INK).sum(axis=-1) < 90).sum())


def clean(seen, demo):
    """Nothing complained, and nothing but this machine was asked for anything, by page or process."""
    assert seen.complaints == []
    hosts = {urlparse(url).hostname for url in seen.asked if urlparse(url).scheme in ("http", "https", "ws", "wss")}
    assert hosts == {"127.0.0.1"}
    assert demo.reached() == ""


def test_a_question_in_words_and_a_box_on_a_wide_window(browser, demo, tmp_path):
    with browser.visit(demo.address, **WIDE) as seen:
        page = seen.page
        ready(page)
        words = page.locator("#rb-words textarea").input_value()
        card = ask(page)
        assert words in card.locator("mark").inner_text()
        assert 0 <= float(card.locator(".rb-score dd").first.inner_text()) <= 1
        answer, truth = pictures(card)
        assert answer.shape == truth.shape == (384, 384, 3)
        [line] = predictions.read(download(page, "JSON", tmp_path))
        mask = decode(line.masks()[0]).repeat(3, 0).repeat(3, 1)
        with Image.open(download(page, "PNG", tmp_path)) as saved:
            assert saved.width > 2 * 512
        plain = base_picture(page)
        changed = np.abs(answer - plain).sum(axis=-1)
        assert changed[mask].mean() > 30 > changed[~mask].mean()  # tinted inside, as it was outside (WebP, a label)

        choose(page, "What is asked", "Describe a marked region")
        page.get_by_role("button", name="Box", exact=True).click()
        drag(page, (0.1, 0.1), (0.6, 0.55))
        page.wait_for_selector('#rb-board canvas[data-marks="1"]')
        assert marks(page) == 1
        card = ask(page)
        assert card.locator(".rb-answer").inner_text() not in ("", "no words")
        [answer] = pictures(card)
        assert pinkish(answer) > 300
        page.get_by_role("button", name="Undo").click()
        page.wait_for_function("() => document.querySelector('#rb-board canvas').dataset.marks === '0'")
        page.click("#rb-ask")
        clean(seen, demo)


def base_picture(page):
    """The photo as the page has it, enlarged as answers are."""
    src = page.evaluate(
        "() => { const board = document.querySelector('#rb-board canvas'); return board.toDataURL('image/png'); }"
    )
    board = Image.open(io.BytesIO(base64.b64decode(src.partition(",")[2]))).convert("RGB")
    return np.asarray(board.resize((384, 384), Image.Resampling.LANCZOS)).astype(int)


def test_a_scribble_on_a_phone(browser, demo):
    with browser.visit(demo.address, **PHONE) as seen:
        page = seen.page
        ready(page)
        choose(page, "What is asked", "Mask of a prompt")
        page.get_by_role("button", name="Scribble", exact=True).click()
        drag(page, (0.3, 0.3), (0.5, 0.4), (0.4, 0.6))
        page.wait_for_selector('#rb-board canvas[data-marks="1"]')
        assert marks(page) == 1
        card = ask(page)
        [answer] = pictures(card)
        assert pinkish(answer) > 40
        assert "mask of" in card.locator(".rb-objects").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        clean(seen, demo)


def test_bad_questions_are_answered_with_what_to_do(browser, demo, tmp_path):
    with browser.visit(demo.address, **WIDE) as seen:
        page = seen.page
        ready(page)
        page.locator("#rb-words textarea").fill("  ")
        card = ask(page, stage="refused")
        assert "'Mask by words' needs words" in card.inner_text()
        choose(page, "What is asked", "Choose a marked box")
        page.locator("#rb-words textarea").fill("which one?")
        card = ask(page, stage="refused")
        assert "draw 4 more" in card.inner_text()
        page.get_by_role("tab", name="Your picture").click()
        (bad := tmp_path / "bad.png").write_bytes(b"no picture")
        page.locator("#rb-upload input[type=file], input[type=file]").first.set_input_files(bad)
        page.wait_for_selector("#rb-about .rb-refusal")
        assert "PNG, JPEG, WEBP, BMP" in page.locator("#rb-about").inner_text()
        Image.new("RGB", (300, 200), "green").save(good := tmp_path / "good.jpg")
        page.locator("#rb-upload input[type=file], input[type=file]").first.set_input_files(good)
        page.wait_for_function("() => document.querySelector('#rb-about').innerText.includes('good.jpg')")
        choose(page, "What is asked", "Just ask")
        page.locator("#rb-words textarea").fill("what is in the picture?")
        card = ask(page)
        [answer] = pictures(card)
        assert answer.shape == (400, 600, 3)
        assert card.locator(".rb-score").count() == 0
        clean(seen, demo)


SLOW = """
import time
from pathlib import Path
from benchmarks.schema import Prediction
from tasks.base import ModelEntry

class Slow:
    def predict_aloud(self, query, hear):
        said = ""
        for number in range(600):
            said += f"word{number} "
            Path(LOG).write_text(str(number))
            if not hear(said):
                Path(LOG).write_text("stopped")
                break
            time.sleep(0.1)
        return Prediction(query.sample_id, "ok", said)

    def predict(self, queries):
        return [self.predict_aloud(query, lambda text: True) for query in queries]

    def fingerprint(self):
        return "slow"

MODELS = [ModelEntry(name="slow", kind="toy", units=("text",), load=lambda options: Slow())]
"""


def wait_for(page, log, text):
    """Wait until the slow model has written something into its log."""
    for _ in range(300):
        if log.is_file() and text in log.read_text():
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{log} holds {log.read_text()!r}, not {text!r}")


@pytest.mark.slow
def test_an_answer_can_be_stopped_and_ends_when_the_page_is_closed(browser, serving, small_world, tmp_path):
    (models := tmp_path / "models").mkdir()
    (log := tmp_path / "log").touch()
    (models / "slow.py").write_text(f"LOG = {str(log)!r}\n{SLOW}")
    words = ("--data-root", small_world, "--include", models, "--model", "slow,oracle")
    with serving(tmp_path, *words) as served:
        with browser.visit(served.address, **WIDE) as seen:
            page = seen.page
            ready(page)
            choose(page, "What is asked", "Question")
            page.click("#rb-ask")
            page.wait_for_selector("#rb-answer-1 .rb-live")
            page.click("#rb-stop")
            page.wait_for_selector("#rb-answer-1 .rb-card[data-stage=stopped]")
            assert "word0 word1" in page.locator("#rb-answer-1").inner_text()
            wait_for(page, log, "stopped")
            log.write_text("")
            page.click("#rb-ask")
            page.wait_for_selector("#rb-answer-1 .rb-live")
            clean(seen, served)
        with browser.visit(served.address, **WIDE) as seen:
            wait_for(seen.page, log, "stopped")
            ready(seen.page)
            choose(seen.page, "Model", "oracle")
            ask(seen.page)
            clean(seen, served)


@pytest.mark.slow
def test_two_models_side_by_side_and_a_stored_run(browser, serving, refbench, small_world, tmp_path):
    runs = tmp_path / "runs"
    words = ["--task", "refcocog_rec", "--split", "val", "--data-root", small_world, "--out", runs, "--quiet"]
    assert refbench("eval", *words, "--model", "constant").code == 0
    with (
        serving(tmp_path, "--data-root", small_world, "--runs", runs) as served,
        browser.visit(served.address, **WIDE) as seen,
    ):
        page = seen.page
        ready(page)
        for task, panels in (("coco_panoptic", 2), ("nyu_depth", 3), ("coco_keypoints", 2), ("vqav2", 1)):
            sample(page, task)
            choose(page, "Beside it", "oracle")
            ask(page)
            page.wait_for_selector("#rb-answer-2 .rb-card[data-stage=done]")
            for side in (1, 2):
                card = page.locator(f"#rb-answer-{side} .rb-card")
                assert len(pictures(card)) == panels
                assert card.locator(".rb-key").count() == (panels if task in ("coco_panoptic", "nyu_depth") else 0)
        page.get_by_role("tab", name="By id").click()
        page.get_by_label("Stored run").fill("constant/refcocog_rec")
        page.get_by_role("button", name="Open", exact=True).click()
        page.wait_for_selector("#rb-answer-1 .rb-card[data-stage=stored]")
        card = page.locator("#rb-answer-1 .rb-card")
        assert "constant · run" in card.inner_text() and card.locator(".rb-score dd").count() > 0
        page.get_by_label("Stored run").fill("nothing")
        page.get_by_role("button", name="Open", exact=True).click()
        page.wait_for_selector("#rb-about .rb-refusal")
        clean(seen, served)


@pytest.mark.slow
def test_files_of_the_machine_are_not_served(browser, serving, small_world, tmp_path):
    with serving(tmp_path, "--data-root", small_world) as served, browser.visit(served.address, **WIDE) as seen:
        ready(seen.page)
        for path in ("/etc/passwd", str(small_world / "world.json"), str(tmp_path / "errors"), "../../etc/passwd"):
            answer = seen.page.request.get(f"{served.address}gradio_api/file={path}")
            assert answer.status in (403, 404), path
