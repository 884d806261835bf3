"""What is asked about: samples by task, place and id, stored runs, and pictures that people hand in."""

import io

import pytest
from PIL import Image

from benchmarks.errors import ConfigError, DataError, UnknownName
from tasks import registry
from tasks.demo.scenes import Shelf


@pytest.fixture
def shelf(small_world, tmp_path):
    (folder := tmp_path / "pictures").mkdir()
    return Shelf(small_world, tmp_path / "runs", None, folder)


def png(width, height, kind="PNG"):
    stream = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(stream, kind)
    return stream.getvalue()


def test_samples_of_a_task_are_counted_round_both_ends(shelf):
    first = shelf.take("refcocog_res", 0)
    count = first.place[1]
    assert first.place == (0, count) and count > 1
    assert shelf.take("refcocog_res", count) == first
    assert shelf.take("refcocog_res", -1).place == (count - 1, count)
    assert shelf.draw_lot("refcocog_res").place[1] == count
    assert (first.truth.task.name, first.sample.id) == ("refcocog_res", first.sample_id)


def test_any_sample_is_found_by_its_id(shelf):
    wanted = shelf.take("vqav2", 2)
    found = shelf.by_id(wanted.sample_id)
    assert (found.sample, found.truth.task.kind.name, found.place) == (wanted.sample, "vqa", wanted.place)


@pytest.mark.parametrize(
    ("sample_id", "kind", "reason"),
    [
        ("nothing/of/ours", ConfigError, "is no id of a sample"),
        ("refcocog/umd/val/ref-9999999", UnknownName, "sample of refcocog/umd val"),
        ("refcocog/umd/vall/x", UnknownName, "val"),
    ],
)
def test_an_id_that_there_is_not_names_what_is_near(shelf, sample_id, kind, reason):
    with pytest.raises(kind, match=reason):
        shelf.by_id(sample_id)


def test_a_stored_run_gives_its_samples_and_answers(shelf, refbench, small_world, tmp_path):
    words = ["--task", "refcocog_rec", "--split", "val", "--data-root", small_world, "--out", tmp_path / "runs"]
    assert refbench("eval", *words, "--model", "oracle", "--quiet").code == 0
    first = shelf.of_run("oracle/refcocog_rec", "")
    assert first.kept.model == "oracle" and first.kept.prediction.status == "ok"
    assert first.kept.prediction.boxes()[0] == pytest.approx(first.sample.target.box_xyxy)
    second = shelf.run_step(first.kept.run, 1)
    assert shelf.of_run(first.kept.run, second.sample_id) == second
    assert shelf.run_step(first.kept.run, -1).place[0] == first.place[1] - 1
    with pytest.raises(UnknownName, match="sample of run"):
        shelf.of_run(first.kept.run, "refcocog/umd/val/none")


def test_a_run_that_there_is_not_is_refused(shelf):
    with pytest.raises(DataError, match="no run is called 'abcd'"):
        shelf.of_run("abcd", "")


def test_a_picture_is_kept_as_plain_pixels_and_deleted(shelf, tmp_path):
    (given := tmp_path / "holiday.jpg").write_bytes(png(40, 30, "JPEG"))
    scene = shelf.upload(given, given.name)
    assert scene.image.size_hw == (30, 40) and scene.image.open_rgb().size == (40, 30)
    assert scene.image.path.is_relative_to(tmp_path / "pictures")
    assert (scene.title, scene.truth, scene.regions) == ("holiday.jpg · 40×30", None, ())
    shelf.forget(scene)
    assert list((tmp_path / "pictures").iterdir()) == []


def test_a_sample_of_a_benchmark_is_never_deleted(shelf):
    scene = shelf.take("refcocog_res", 0)
    shelf.forget(scene)
    shelf.forget(None)
    assert scene.image.open_rgb().size == (128, 128)


def bomb():
    """A PNG that says it has 100 million pixels."""
    content = bytearray(png(8, 8))
    content[16:24] = (10_000).to_bytes(4, "big") * 2
    import zlib

    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no picture at all", "PNG, JPEG, WEBP, BMP"),
        (b"", "PNG, JPEG, WEBP, BMP"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "PNG, JPEG, WEBP, BMP"),
        (bomb(), "100 million pixels, at most 50 million"),
        (png(8, 8, "GIF"), "PNG, JPEG, WEBP, BMP"),
    ],
    ids=["text", "empty", "svg", "bomb", "gif"],
)
def test_what_is_no_picture_is_refused_and_leaves_nothing(shelf, tmp_path, content, reason):
    (given := tmp_path / "given.png").write_bytes(content)
    with pytest.raises(DataError, match=reason):
        shelf.upload(given, given.name)
    assert list((tmp_path / "pictures").iterdir()) == []


def test_the_truth_is_that_of_the_question_as_its_benchmark_asks_it(shelf):
    scene = shelf.take("refcocog_reg", 0)
    own, regions = scene.truth.task, scene.regions
    assert scene.truth_of(own, scene.sample.question, regions) is scene.truth
    assert scene.truth_of(own, "something else", regions) is None
    assert scene.truth_of(own, scene.sample.question, ()) is None
    assert scene.truth_of(registry.find("refcocog_res"), scene.sample.question, regions) is None
    assert scene.truth_of(None, scene.sample.question, regions) is None
