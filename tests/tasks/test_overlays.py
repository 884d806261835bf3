"""Overlays of every kind of task: the oracle's answer looks like the truth, and every failure is said."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.depth_answer import DepthMap
from benchmarks.schema import Group, Instance, Prediction
from metrics import masks
from results.report.palette import UNKNOWN
from tasks import plan, registry
from tasks.data import Data
from tasks.overlays import ANSWER, TRUTH, Size, answer_panel, panels, unscored

SMALL = Size(least_px=128, most_px=256)
ONE_OF_EACH_KIND = {file.kind: name for name, file in reversed(registry.task_files().items())}


@pytest.fixture(scope="module")
def sample_of(small_world):
    """(task name, split) -> the task and its first sample in a small sample world."""

    def opened(name, split=None):
        task = registry.find(name, None)
        [job, *_] = plan.jobs([task], (split,) if split else (), Data(small_world, "sample"))
        return task, job.open().samples[0]

    return opened


def pixels(panel):
    return np.asarray(panel.picture)


def words(panel):
    return [line.text for line in panel.lines]


@pytest.mark.parametrize("kind", sorted(ONE_OF_EACH_KIND))
def test_the_oracle_is_drawn_like_the_truth_for_every_kind(sample_of, kind):
    task, sample = sample_of(ONE_OF_EACH_KIND[kind])
    drawn = panels(task, sample, unscored(task.kind.perfect(sample)), SMALL)
    titles = [panel.title for panel in drawn]
    if task.kind.wants == "text":
        assert len(drawn) == 1
        assert words(drawn[0])[0].removeprefix("answer") == words(drawn[0])[1].removeprefix("truth")
        return
    truth, answer = (drawn[titles.index(title)] for title in (TRUTH, ANSWER))
    known = (pixels(truth) != UNKNOWN).any(axis=-1)  # grey is no reading, where an answer may say anything
    np.testing.assert_array_equal(pixels(truth)[known], pixels(answer)[known])
    assert max(truth.picture.size) >= 128
    assert pixels(answer_panel(task, sample, task.kind.perfect(sample), SMALL)).shape == pixels(answer).shape


@pytest.mark.parametrize("kind", sorted(ONE_OF_EACH_KIND))
def test_a_failed_answer_of_every_kind_is_drawn_and_said(sample_of, kind):
    task, sample = sample_of(ONE_OF_EACH_KIND[kind])
    failed = Prediction(sample.id, "failed", error="RuntimeError: out of memory")
    said = [line for panel in panels(task, sample, failed, SMALL) for line in words(panel)]
    assert any("no answer: RuntimeError: out of memory" in line for line in said), said


def test_a_wrong_box_lies_where_it_was_answered(sample_of):
    task, sample = sample_of("refcocog_rec")
    answer = Prediction(sample.id, "ok", groups=(Group("thing", "box", (Instance(box_xyxy=(10, 20, 50, 60)),)),))
    _, panel = panels(task, sample, answer, SMALL)
    changed = (pixels(panel) != np.asarray(sample.image.open_rgb())).any(axis=-1)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    assert (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) == (10, 20, 50, 60)


def test_a_map_is_drawn_without_overlap_as_it_is_scored(sample_of):
    task, sample = sample_of("coco_panoptic")
    height, width = sample.image.size_hw
    left, all_of_it = np.zeros((height, width), dtype=bool), np.ones((height, width), dtype=bool)
    left[:, : width // 2] = True
    first, second = sample.categories[:2]

    def answered(*ranked):
        groups = [
            Group(name, "mask", (Instance(score=score, mask_rle=masks.encode(mask)),)) for name, mask, score in ranked
        ]
        return Prediction(sample.id, "ok", groups=tuple(groups))

    both = answered((first, left, 0.9), (second, all_of_it, 0.1))
    apart = answered((first, left, 0.9), (second, ~left, 0.1))
    np.testing.assert_array_equal(
        pixels(panels(task, sample, both, SMALL)[1]), pixels(panels(task, sample, apart, SMALL)[1])
    )


def test_pixels_of_nobody_and_words_that_are_no_category_are_in_the_legend(sample_of):
    task, sample = sample_of("coco_panoptic")
    half = np.zeros(sample.image.size_hw, dtype=bool)
    half[: len(half) // 2] = True
    odd = Prediction(sample.id, "ok", groups=(Group("unicorn", "mask", (Instance(mask_rle=masks.encode(half)),)),))
    _, panel = panels(task, sample, odd, SMALL)
    legend = np.asarray(panel.key)
    assert (legend == UNKNOWN).all(axis=-1).any()
    assert (legend == 0).all(axis=-1).any()


def test_a_depth_map_is_shown_with_the_error_of_the_pixels_that_count(sample_of):
    task, sample = sample_of("nyu_depth")
    metres = sample.target.load()
    off = Prediction(sample.id, "ok", depth=DepthMap(values=metres * np.float32(1.1)))
    photo, truth, answer, error = panels(task, sample, off, SMALL)
    assert [panel.title for panel in (photo, truth, answer, error)] == ["image", "truth", "answer", "error"]
    assert not np.array_equal(pixels(truth), pixels(answer))
    assert "over the pixels that count" in words(error)[0]
    assert (pixels(error) == UNKNOWN).all(axis=-1).any()  # outside the protocol's crop


def test_disparity_and_order_have_no_error_map(sample_of):
    task, sample = sample_of("hrwsi_ordinal")
    drawn = panels(task, sample, task.kind.perfect(sample), SMALL)
    assert [panel.title for panel in drawn] == ["image", "truth", "answer"]


def test_too_many_objects_are_cut_to_the_surest_and_said(sample_of):
    task, sample = sample_of("coco_detection")
    instances = tuple(Instance(score=0.001 * k, box_xyxy=(k, k, k + 9, k + 9)) for k in range(40))
    answer = Prediction(sample.id, "ok", groups=(Group(sample.categories[0], "box", instances),))
    _, panel = panels(task, sample, answer, SMALL)
    assert "the surest 30 of 40 objects are shown" in words(panel)


def test_odd_numbers_of_a_model_are_left_out_and_said(sample_of):
    task, sample = sample_of("coco_keypoints")
    joints = tuple((float("nan"), 1e300, 1.0) for _ in range(17))
    answer = Prediction(
        sample.id, "ok", groups=(Group("person", "keypoint", (Instance(score=1.0, keypoints=joints),)),)
    )
    _, panel = panels(task, sample, answer, SMALL)
    np.testing.assert_array_equal(pixels(panel), np.asarray(sample.image.open_rgb()))
    assert words(panel) == ["a joint outside the picture is left out"]


def test_candidates_have_letters_and_frames_are_counted(sample_of):
    task, sample = sample_of("msrvtt_captions")
    [panel] = panels(task, sample, task.kind.perfect(sample), SMALL)
    assert f"first of {len(sample.frames)} frames" in words(panel)
    task, sample = sample_of("visual7w_pointing")
    asked = panels(task, sample, task.kind.perfect(sample), SMALL)[0]
    bare = panels(task, replace(sample, regions=()), task.kind.perfect(sample), SMALL)[0]
    assert not np.array_equal(pixels(asked), pixels(bare))
