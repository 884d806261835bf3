"""What an answer is worth: the oracle is perfect at every kind of task, and an empty answer is not."""

import pytest

from benchmarks.schema import Prediction
from tasks import overlays, registry
from tasks.data import Data
from tasks.demo import scoring
from tasks.demo.bench import Truth
from tasks.demo.ways import ways
from tasks.plan import open_split, present_splits

SMALL = overlays.Size(least_px=64, most_px=128)


@pytest.fixture(params=[name for name, way in ways().items() if way.task is not None])
def truth(request, small_world):
    task = ways()[request.param].task
    data = Data(small_world, "sample")
    split = open_split(task, present_splits(task, data)[0], data)
    return Truth(task, split, split.samples[0])


def test_the_truth_scores_best_and_is_drawn(truth):
    perfect = truth.task.kind.perfect(truth.sample)
    found = scoring.score(truth, perfect)
    if truth.task.kind.name in ("caption", "reg", "gcg"):
        assert found.truth == perfect.text and "METEOR is for whole splits" in found.remark
    if truth.task.kind.name == "keypoints":
        assert "no number is defined" in found.remark  # nobody is in the first picture
    else:
        silent = scoring.score(truth, Prediction(truth.sample.id, "failed", error="nothing"))
        key, value = found.numbers[0]
        sign = 1 if truth.task.kind.metrics[0].higher_is_better else -1
        assert sign * float(dict(silent.numbers).get(key, value)) <= sign * float(value)
    query = truth.sample.query("", truth.task.kind.wants)
    panels = scoring.panels(query, perfect, truth, SMALL)
    assert panels and all(panel.picture.size == (128, 128) or panel.picture.width >= 64 for panel in panels)
    assert panels[0].title in ("answer", "")


@pytest.mark.parametrize("name", ["coco_captions", "vg_reg"])
def test_a_caption_is_weighed_as_in_its_whole_split(small_world, name):
    """Compared with pycocoevalcap over the whole split, to the three decimals that are shown."""
    cider = pytest.importorskip("pycocoevalcap.cider.cider")
    task = registry.find(name)
    split = open_split(task, present_splits(task, Data(small_world, "sample"))[0], Data(small_world, "sample"))
    sample, other = split.samples[0], split.samples[-1]
    said = other.target.answers[0]
    found = scoring.score(Truth(task, split, sample), Prediction(sample.id, "ok", text=said))
    truths = {each.id: [bare(text) for text in each.target.answers] for each in split.samples}
    answers = {each.id: [bare(said) if each is sample else ""] for each in split.samples}
    expected = cider.Cider().compute_score(truths, answers)[1][0]
    assert found.numbers[0] == ("cider", f"{expected:.3f}")
    assert f"all {len(split.samples)} samples" in found.remark
    alone = scoring.score(Truth(task, None, sample), Prediction(sample.id, "ok", text=said))
    assert (alone.numbers, alone.truth) == ((), found.truth) and "not here" in alone.remark


def bare(text):
    """As the sample world's sentences look when they are tokenized: no capitals, no full stop."""
    return text.lower().replace(".", "").replace(",", "")


def test_without_a_truth_the_answer_alone_is_drawn(truth):
    query = truth.sample.query("", truth.task.kind.wants)
    is_map = truth.task.kind.name in overlays.MAPS
    [panel] = scoring.panels(query, truth.task.kind.perfect(truth.sample), None, SMALL, is_map)
    assert panel.picture.width >= 64
    assert (panel.key is not None) == (is_map or truth.task.kind.wants == "depth")


def test_an_answer_that_cannot_be_scored_says_why(small_world):
    task = registry.find("nyu_depth")
    split = open_split(task, "test", Data(small_world, "sample"))
    broken = Truth(registry.find("refcocog_res"), split, split.samples[0])
    assert "cannot be scored" in scoring.score(broken, Prediction(split.samples[0].id, "ok")).remark
