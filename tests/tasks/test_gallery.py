"""Overlays of runs: which samples, which files, nothing else changes, and no model is loaded for a finished run."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from benchmarks.errors import ConfigError
from benchmarks.schema import Prediction
from tasks.gallery import Gallery, Shown, choose, file_name, typical
from tasks.run import RunOptions, evaluate


def shown(number, value, status="ok"):
    sample_id = f"toy/test/{number}"
    return Shown(SimpleNamespace(id=sample_id), Prediction(sample_id, status), value)


def ids(chosen):
    return [int(each.sample.id.split("/")[-1]) for each in chosen]


def test_half_are_drawn_by_their_ids_and_the_rest_are_the_worst_others():
    every = [shown(number, number / 100) for number in range(100)]
    chosen = ids(choose(every, 6))
    drawn, worst = chosen[:3], chosen[3:]
    assert worst == [number for number in range(100) if number not in drawn][:3]
    assert drawn == ids(choose(every[::-1], 6))[:3]  # the order of the samples does not matter
    assert ids(choose(every, 6, higher_is_better=False))[3:] == [n for n in range(99, -1, -1) if n not in drawn][:3]


def test_the_draw_is_by_id_and_not_by_place_or_value():
    every = [shown(number, 0.5) for number in range(100)]
    part = [each for each in every if ids([each])[0] in ids(choose(every, 20))[:10] or ids([each])[0] < 30]
    assert set(ids(choose(every, 10))[:5]) <= set(ids(choose(part, 20))[:10])


def test_failures_are_the_worst_and_undefined_values_are_not():
    every = [*(shown(number, 0.0) for number in range(10)), shown(10, None), shown(11, None, "failed")]
    for count in range(2, 10):
        worst = ids(choose(every, count))[(count + 1) // 2 :]
        assert 10 not in worst
        if 11 not in ids(choose(every, count))[: (count + 1) // 2]:
            assert worst[0] == 11


def test_more_overlays_than_samples_are_all_of_them_once():
    assert sorted(ids(choose([shown(number, 0.1 * number) for number in range(5)], 20))) == [0, 1, 2, 3, 4]


def test_the_typical_sample_has_the_median_value():
    assert ids([typical([shown(number, float(number)) for number in range(9)])]) == [4]
    assert typical([shown(0, None), shown(1, 0.3)]).value == 0.3
    assert typical([shown(0, None)]).value is None


@given(st.lists(st.text(min_size=1, max_size=200), min_size=2, max_size=6, unique=True))
def test_file_names_are_safe_and_different(sample_ids):
    names = [file_name(each) for each in sample_ids]
    assert len({name.lower() for name in names}) == len(sample_ids)
    assert all(0 < len(name) <= 100 and name[0] not in ".-" for name in names)
    assert not any(set(name) & set('/\\:*?"<>|\0 ') for name in names)


def test_a_plain_id_keeps_its_name():
    assert file_name("image-7") == "image-7"
    assert file_name("Image-7").lower() != file_name("image-7")
    assert file_name("refcocog/umd/test/ref-1").startswith("refcocog-umd-test-ref-1-")


@pytest.fixture
def drawn(toy, tmp_path):
    """Run the toy model, or what is given, with overlays."""

    def run(gallery, task="rec", model=None, **options):
        entry = toy.make_entry(model or toy.Steady(), fingerprint=lambda _: "steady")
        chosen = RunOptions(out=tmp_path / "runs", batch_size=3, **options)
        record = evaluate(toy.make_task(task), toy.make_split(tmp_path), entry, chosen, after=gallery.take)
        gallery.finish()
        return tmp_path / "runs" / record.run

    return run


@pytest.mark.parametrize("task", ["rec", "res"])
def test_a_run_gets_its_overlays_and_a_sheet_of_them(drawn, task):
    folder = drawn(Gallery(4), task)
    files = sorted((folder / "overlays").iterdir())
    assert len(files) == 4
    assert all(path.name.startswith("toy-test-") for path in files)
    for path in [*files, folder / "overlays.png"]:
        with Image.open(path) as picture:
            assert np.asarray(picture).std() > 0
            assert picture.width > 300


def test_overlays_are_drawn_later_without_the_model_and_change_no_other_file(drawn, toy):
    def broken(options):
        raise AssertionError("a finished run loads no model")

    before = drawn(Gallery())
    files = {path.name: path.read_bytes() for path in before.iterdir() if path.is_file()}
    assert "overlays.png" not in files
    entry = toy.make_entry(None, fingerprint=lambda _: "steady", load=broken)
    task, split = toy.make_task("rec"), toy.make_split(before.parents[3])
    evaluate(task, split, entry, RunOptions(out=before.parents[2], batch_size=3), after=Gallery(2).take)
    assert len(list((before / "overlays").iterdir())) == 2
    assert {name: (before / name).read_bytes() for name in files} == files


def test_the_same_run_gives_the_same_bytes_and_another_number_replaces_the_files(drawn):
    folder = drawn(Gallery(4))
    first = {path.name: path.read_bytes() for path in (folder / "overlays").iterdir()}
    drawn(Gallery(2))
    assert len(list((folder / "overlays").iterdir())) == 2
    drawn(Gallery(4))
    assert {path.name: path.read_bytes() for path in (folder / "overlays").iterdir()} == first


def test_a_model_that_raises_still_has_overlays(drawn, toy):
    def fail(number):
        raise RuntimeError("no memory")

    folder = drawn(Gallery(2), model=toy.Steady(fail))
    assert len(list((folder / "overlays").iterdir())) == 2
    assert json.loads((folder / "result.json").read_text())["failed"] == 10


@pytest.mark.parametrize("name", ["grid.png", "grid.webp"])
def test_the_grid_has_one_answer_of_each_task(drawn, tmp_path, name):
    gallery = Gallery(grid_file=tmp_path / "docs" / name)
    drawn(gallery, "rec")
    with Image.open(tmp_path / "docs" / name) as picture:
        one = picture.size
    drawn(gallery, "rec")
    drawn(gallery, "res")
    with Image.open(tmp_path / "docs" / name) as picture:
        assert picture.width > 1.8 * one[0]
        assert picture.height < 1.3 * one[1]


def test_a_grid_of_another_kind_is_refused_before_anything_runs(tmp_path):
    with pytest.raises(ConfigError, match=r"grid\.gif must end in \.png or \.webp"):
        Gallery(grid_file=tmp_path / "grid.gif")


def test_the_command_draws_what_is_asked(refbench, small_world, tmp_path):
    words = ("eval", "--task", "refcocog_rec,vqav2", "--model", "oracle", "--data-root", small_world, "--json")
    grid = tmp_path / "grid.png"
    outcome = refbench(*words, "--out", tmp_path / "runs", "--save-overlays", "3", "--overlay-grid", grid)
    assert outcome.code == 0
    assert grid.is_file()
    for row in outcome.json["rows"]:
        assert len(list((tmp_path / "runs" / row["run"] / "overlays").glob("*.png"))) == min(3, row["n"])
    assert "overlays in" in outcome.err


def test_the_command_refuses_a_grid_it_cannot_write(refbench, small_world):
    outcome = refbench("eval", "--task", "refcocog_rec", "--data-root", small_world, "--overlay-grid", "grid.gif")
    assert outcome.code == 2
    assert "must end in .png or .webp" in outcome.err
