"""Mixing: portions are kept exactly, the order is a function of the seed, and every task is taught or refused."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.errors import ConfigError, DataError, UnknownName
from benchmarks.geometry import encode
from benchmarks.registry import benchmark
from benchmarks.world.write import write_world
from refvlm.config import SizesConfig
from refvlm.processor import Letterbox
from refvlm.training.batches import View, build
from refvlm.training.config import DataConfig, load_config
from refvlm.training.mixture import Mixture, _ref, spread
from refvlm.training.opening import open_mixture
from refvlm.training.room import Room
from refvlm.training.sections import SourceConfig, task_content, task_names
from refvlm.training.truths import Mark, Truth, Unusable, lesson
from refvlm.training.vocabulary import build_tokenizer
from refvlm.trp import Triplet, answer_for, render

TOKENIZER = build_tokenizer()
COMPLETE = SizesConfig(keypoint={}, depth={}, regions={})  # type: ignore[arg-type]
REFUSED = {"hrwsi_ordinal", "mpii_pose", "vipbench"}
VIDEOS = {"msrvtt_captions", "tgif_captions"}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("mixed") / "world"
    write_world(root, seed=5, scenes={"train": 6, "val": 4, "test": 4})
    return root


def opened(world, *sources, sizes=COMPLETE, **data) -> Mixture:
    mixture = open_mixture(DataConfig(sources=sources, root=str(world), **data), sizes, TOKENIZER)
    assert mixture is not None
    return mixture


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=6))
def test_every_stretch_of_a_pass_keeps_the_portions(counts):
    order, number = spread(counts)
    assert np.bincount(order).tolist() == counts
    for place, count in enumerate(counts):
        assert number[order == place].tolist() == list(range(count))
        share = count / len(order)
        came = np.cumsum(order == place)
        assert np.abs(came - share * np.arange(1, len(order) + 1)).max() <= len(counts)


def test_portions_are_exact_over_many_passes_and_no_sheet_repeats_before_all_came(world):
    mixture = opened(
        world, {"task": "refcoco_res", "portion": 0.5}, {"task": "coco_panoptic", "split": "val2017", "portion": 3}
    )
    half, thrice = mixture.sources
    assert (half.per_pass, thrice.per_pass) == (round(len(half) / 2), 3 * len(thrice))
    per_pass, passes = half.per_pass + thrice.per_pass, 6
    drawn = [mixture.drawn(number) for number in range(passes * per_pass)]
    assert Counter(source for source, _ in drawn) == {0: passes * half.per_pass, 1: passes * thrice.per_pass}
    for place, source in enumerate(mixture.sources):
        own = [nth for whose, nth in drawn if whose == place]
        assert own == list(range(len(own)))
        sheets = [mixture._sheet(place, nth) for nth in own]
        rounds = [sheets[first : first + len(source)] for first in range(0, len(sheets), len(source))]
        assert all(sorted(each) == list(range(len(source))) for each in rounds[:-1])
        assert len(set(rounds[-1])) == len(rounds[-1])


def test_every_sample_lies_on_one_sheet_with_others_of_its_picture(world):
    source = opened(world, {"task": "refcoco_rec"}, questions_per_image=3).sources[0]
    sheets = [source.sheet(number) for number in range(len(source))]
    assert sorted(each.id for sheet in sheets for each in sheet) == sorted(each.id for each in source.samples)
    assert all(len({each.image_id for each in sheet}) == 1 and len(sheet) <= 3 for sheet in sheets)


@pytest.mark.parametrize("share", [0.0, 0.25, 1 / 3, 0.9])
def test_the_sample_world_keeps_its_share_and_neither_side_skips_a_picture(world, share):
    mixture = opened(world, {"task": "refcoco_rec"}, world_share=share)
    turns = [mixture.turn(index) for index in range(600)]
    for real in (True, False):
        assert [place for own, place in turns if own is real] == list(range(sum(own is real for own, _ in turns)))
    assert sum(not own for own, _ in turns) == int(600 * share + 1e-9)


def test_batches_depend_on_seed_and_numbers_alone_and_processes_share_them(world):
    mixture = opened(
        world, {"benchmark": "refcoco/unc"}, {"task": "nyu_depth", "split": "test"}, world_share=0.25, first_scene=40
    )
    view = View(mixture.frame, mixture)
    indices = list(range(52, 64))
    first, again = (build(indices, False, TOKENIZER, mixture.data, 5, view) for _ in range(2))
    assert torch.equal(first.ids, again.ids)
    assert torch.equal(first.pixels, again.pixels)
    dealt = [build(indices[rank::3], False, TOKENIZER, mixture.data, 5, view).names for rank in range(3)]
    assert [name for group in zip(*dealt, strict=True) for name in group] == first.names
    assert sum(name.startswith("scene") for name in first.names) == 3
    other = opened(world, {"benchmark": "refcoco/unc"}, seed=1)
    assert [other._sheet(0, n) for n in range(9)] != [mixture._sheet(0, n) for n in range(9)]


@pytest.mark.parametrize("task", sorted(set(task_names()) - REFUSED - VIDEOS - {"textcaps"}))
def test_every_task_with_exact_answers_can_be_taught(world, task):
    split = benchmark(task_content(task)["benchmark"]).splits_present(world)[0]
    mixture = opened(world, {"task": task, "split": split})
    batch = build([0, 1], False, TOKENIZER, mixture.data, 5, View(mixture.frame, mixture))
    taught = lesson(task_content(task)["kind"], task_content(task).get("protocol", {}))
    assert taught is not None
    unit = TOKENIZER.ids.get(taught.unit)
    spoken = [batch.ids[row].tolist() for row in batch.ref_row.unique().tolist()]
    assert all(unit in ids for ids in spoken)
    boxes = batch.boxes[batch.spatial]
    assert bool((boxes[:, 2:] > 0).all())
    assert bool(((boxes[:, :2] >= 0) & (boxes[:, :2] <= 1)).all())
    assert bool((batch.masks[batch.masked].amax((1, 2)) > 0).all()) if len(batch.masked) else True
    if taught.unit == "depth":
        assert bool((batch.depth.amax((1, 2)) > 0).all())
    if taught.unit == "keypoint":
        assert bool((batch.joints[:, :, 2] > 0).any(1).all())


@pytest.mark.parametrize("task", sorted(REFUSED))
def test_a_task_without_exact_answers_is_refused(world, task):
    with pytest.raises(ConfigError, match=f"task {task} cannot be taught"):
        opened(world, {"task": task, "split": "val"})


def test_samples_that_cannot_be_used_are_counted_and_named(world):
    with pytest.raises(ConfigError, match=r"4: a video, and the model sees one picture"):
        opened(world, {"task": "msrvtt_captions", "split": "test"})
    with pytest.raises(ConfigError, match="words that the tokenizer does not know"):
        opened(world, {"task": "textcaps", "split": "val"})
    source = opened(world, {"task": "textvqa", "split": "val"}).sources[0]
    assert sum(each.count for each in source.left_out) + len(source.order) == len(source.samples)
    assert source.left_out[0].first == "textvqa/0.5.1/val/question-0"
    told = source.told().splitlines()
    assert told[1].strip().startswith(f"{source.left_out[0].count} left out: the answer has words")
    assert "no test of this model" in told[-1]
    assert "no test" not in opened(world, {"task": "refcoco_rec"}).told()


def test_an_answer_longer_than_the_model_is_left_out_and_said_so(world, caplog):
    short = SizesConfig(llm={"max_positions": 64 + 60})  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="longer than the 60 positions behind the image"):
        opened(world, {"task": "coco_detection", "split": "val2017"}, sizes=short)
    files = opened(world, {"task": "coco_panoptic", "split": "val2017"}, sizes=short)  # seen when the PNG is read
    with pytest.raises(DataError, match="nothing of coco_panoptic val2017 can be used"):
        files.picture(0)
    assert "coco/panoptic/val2017/image-000000020001 is left out: question and answer are longer" in caplog.text


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"task": "refcoco_recc"}, "no task is called 'refcoco_recc'; did you mean refcoco_rec"),
        ({"benchmark": "refcoco"}, "no benchmark is called 'refcoco'; did you mean refcoco"),
        ({"task": "refcoco_rec", "benchmark": "refcoco/unc"}, "one of both"),
        ({}, "one of both"),
        ({"task": "refcoco_rec", "portion": 0}, "greater than 0"),
        ({"task": "refcoco_rec", "part": 1}, "Extra inputs"),
    ],
)
def test_a_wrong_source_is_refused(source, words):
    with pytest.raises(ValueError, match=words):
        SourceConfig(**source)


def test_what_is_missing_is_named(world, tmp_path):
    data = DataConfig(sources=({"task": "refcoco_rec"},))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"data\.root or REFBENCH_DATA"):
        open_mixture(data, COMPLETE, TOKENIZER, {})
    with pytest.raises(DataError, match="is no folder"):
        open_mixture(data, COMPLETE, TOKENIZER, {"REFBENCH_DATA": str(tmp_path / "none")})
    with pytest.raises(DataError, match="refcoco"):
        opened(tmp_path, {"task": "refcoco_rec"})
    with pytest.raises(UnknownName, match="'trian'; did you mean train"):
        opened(world, {"task": "refcoco_rec", "split": "trian"})
    with pytest.raises(ConfigError, match="give the model the section 'keypoint'"):
        opened(world, {"task": "coco_keypoints", "split": "val"}, sizes=SizesConfig())
    with pytest.raises(ConfigError, match="give the model the section 'regions'"):
        opened(world, {"task": "vg_reg", "split": "test"}, sizes=SizesConfig())
    assert open_mixture(DataConfig(), COMPLETE, TOKENIZER, {}) is None


def test_other_files_under_a_started_run_are_noticed(world, tmp_path):
    opened(world, {"task": "refcoco_rec"}).keep_record(tmp_path)
    opened(world, {"task": "refcoco_rec"}).keep_record(tmp_path)
    with pytest.raises(DataError, match="was made from other files"):
        opened(world, {"task": "refcoco_rec", "split": "val"}).keep_record(tmp_path)


@settings(max_examples=60, deadline=None)
@given(st.integers(20, 200), st.integers(20, 200), st.data())
def test_truths_come_back_from_the_square(height, width, data):
    """Against the inverse letterbox, which the predictor answers with; 1e-3 px is float32 in a square of 128."""
    x1, y1 = data.draw(st.integers(0, width - 8)), data.draw(st.integers(0, height - 8))
    x2, y2 = data.draw(st.integers(x1 + 6, width)), data.draw(st.integers(y1 + 6, height))
    mask = np.zeros((height, width), bool)
    mask[y1:y2, x1:x2] = True
    letterbox = Letterbox((height, width), 128)
    joints = ((float(x1), float(y2), 2),) * 17
    ref = _ref(Mark((x1, y1, x2, y2), encode(mask), joints), letterbox)
    assert ref.box is not None
    assert letterbox.box_out(torch.tensor(ref.box)) == pytest.approx((x1, y1, x2, y2), abs=1e-3)
    assert _ref(Mark(mask=mask), letterbox).box == pytest.approx(ref.box)
    assert ref.joints is not None
    assert letterbox.point_out(*(ref.joints[0, :2] / 128).tolist()) == pytest.approx((x1, y2), abs=1e-3)
    assert ref.mask is not None
    wide, high = (x2 - x1) * letterbox.scale, (y2 - y1) * letterbox.scale
    assert (wide - 1) * (high - 1) <= ref.mask.sum() <= (wide + 1) * (high + 1)  # half a pixel of the square an edge


def test_what_no_box_or_mask_can_be_made_of_is_unusable():
    letterbox = Letterbox((50, 100), 128)
    with pytest.raises(Unusable, match="covers no pixel"):
        _ref(Mark((0, 0, 5, 5), np.zeros((50, 100), bool)), letterbox)
    with pytest.raises(Unusable, match="outside"):
        _ref(Mark((120.0, 0, 130, 5)), letterbox)
    with pytest.raises(Unusable, match="16 joints"):
        _ref(Mark((0, 0, 5, 5), None, ((1.0, 1.0, 2),) * 16), letterbox)


def test_many_instances_are_said_in_several_triplets():
    marks = tuple(Mark((n, 0, n + 1, 1)) for n in range(40))
    room = Room(TOKENIZER, SizesConfig(llm={"max_positions": 4096}))  # type: ignore[arg-type]
    [way] = room.fitting(Truth(groups=(("person", marks),)), "box", "find", 0)
    assert [part.count for part in way.body if isinstance(part, Triplet)] == [16, 16, 8]
    assert way.marks == marks


def test_a_grounded_caption_has_its_phrases_where_they_stand(world):
    mixture = opened(world, {"task": "grandf_gcg", "split": "val"})
    source = mixture.sources[0]
    sample = source.samples[0]
    [way] = mixture.room.fitting(source.lesson.teach(sample), "mask", "", 0)
    assert answer_for(way.body).plan_agrees
    assert len(way.marks) == len(sample.target.masks)
    spoken = "".join(part.text if not isinstance(part, Triplet) else part.phrase for part in way.body)
    assert spoken.lower() == sample.target.caption.lower()
    assert "<Phrase>" in render(answer_for(way.body))


def test_boxes_without_masks_say_so(world):
    mixture = opened(world, {"task": "flickr30k_entities", "split": "val"})
    batch = build([0], False, TOKENIZER, mixture.data, 5, View(mixture.frame, mixture))
    assert batch.spatial.all()
    assert not batch.masked.any()
    assert not batch.masks.any()


def test_rounds_of_a_source_differ(world):
    mixture = opened(world, {"task": "refcoco_rec"})
    size = len(mixture.sources[0])
    rounds = [[mixture._sheet(0, first + n) for n in range(size)] for first in (0, size, 2 * size)]
    assert all(one != other for one, other in pairwise(rounds))


def test_the_example_of_official_data_names_training_splits_only():
    path = Path(__file__).parents[3] / "configs" / "train" / "7b" / "stage2_official.yaml"
    config = load_config(path)
    assert config.evaluate.wanted
    for source in config.data.sources:
        assert source.split.startswith("train")
        units = {taught.unit for taught in map(_lesson_of, source.tasks) if taught}
        assert units
        assert units <= set(Room(TOKENIZER, config.model).units)


def _lesson_of(task):
    return lesson(task_content(task)["kind"], task_content(task).get("protocol", {}))
