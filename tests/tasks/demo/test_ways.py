"""How a question is put: as a run puts it where it is that of a task, and refused where it cannot be answered."""

import pytest

from benchmarks.errors import ConfigError, ModelError
from benchmarks.schema import ImageRef, Region
from tasks import kinds, registry
from tasks.base import ModelEntry
from tasks.data import Data
from tasks.demo.ways import FREE, TITLES, put, ways, with_task
from tasks.evaluation import resolve
from tasks.models.registry import find
from tasks.one_answer import Question
from tasks.options import RunOptions
from tasks.plan import open_split

BOX = Region("box", box_xyxy=(1.0, 1.0, 9.0, 9.0))


@pytest.fixture
def image(tmp_path):
    return ImageRef(tmp_path / "none.png", (20, 30))


@pytest.fixture(scope="module")
def refvlm():
    return find("refvlm").of_weights(None)


def test_every_kind_of_task_is_a_way_with_a_title():
    assert set(ways()) == {FREE, *(file.kind for file in registry.task_files().values())}
    assert set(TITLES) == set(ways()) - {FREE} <= set(kinds.all_kinds())
    assert len({way.title for way in ways().values()}) == len(ways())


def test_a_task_is_asked_in_its_wording(image, refvlm):
    way = ways()["res"]
    asked = put(way, Question(image, " the red circle ", sample_id="a"), refvlm).query
    assert asked.prompt == "Segment the red circle with a mask."
    assert (asked.wants, asked.regime, asked.question) == ("mask", "full", "the red circle")


def test_a_sample_is_asked_as_a_run_asks_it(refvlm, small_world, tmp_path):
    for name in ("refcocog_res", "coco_panoptic", "refcocog_reg", "vqav2"):
        task = registry.find(name)
        split = open_split(task, "val" if name != "coco_panoptic" else "val2017", Data(small_world, "sample"))
        sample = split.samples[0]
        [expected] = resolve(task, split, refvlm, RunOptions(out=tmp_path)).queries([sample])
        question = Question(sample.image, sample.question, None, sample.regions, sample.categories, sample.id)
        assert put(with_task(ways()[task.kind.name], task), question, refvlm).query == expected


def test_own_words_go_to_the_model_as_they_are(image, refvlm):
    asked = put(ways()[FREE], Question(image, "segment the red circle"), refvlm).query
    assert (asked.prompt, asked.regime) == ("segment the red circle", "instruction")


def test_the_wording_is_that_of_the_samples_own_task():
    way, other = ways()["vqa"], registry.find("vizwiz")
    assert with_task(way, other).task is other
    assert with_task(way, registry.find("refcoco_rec")) is way
    assert with_task(ways()[FREE], other).task is None


@pytest.mark.parametrize(
    ("way", "question", "reason"),
    [
        ("res", {"words": "  "}, "'Mask by words' needs words"),
        (FREE, {"words": ""}, "the question is empty"),
        ("res", {"words": "x" * 5_000}, "5000 characters"),
        ("prompted", {"words": ""}, "asks about one place on the picture: draw 1 more"),
        ("pointing", {"words": "who?", "regions": (BOX,)}, "asks about 4 places on the picture: draw 3 more"),
        ("reg", {"words": "", "regions": (Region("box", box_xyxy=(1, 1, 40, 9)),)}, "does not lie on the picture"),
    ],
)
def test_a_question_that_lacks_something_is_refused(image, refvlm, way, question, reason):
    with pytest.raises(ConfigError, match=reason):
        put(ways()[way], Question(image, **question), refvlm)


@pytest.mark.parametrize(
    ("model", "way", "regions", "reason"),
    [
        (
            "hf-depth:Intel/dpt-large",
            "res",
            (),
            "cannot do 'Mask by words', which takes mask: it answers with depth; with mask answer",
        ),
        ("toy", "reg", (BOX,), "takes no visual prompts: ask in words, or one of .*refvlm"),
        ("vip-llava:7b", "depth", (), "with depth answer .*refvlm"),
    ],
)
def test_a_model_that_cannot_do_it_says_what_it_can(image, model, way, regions, reason):
    toy = ModelEntry(name="toy", kind="toy", units=("text",), load=lambda options: None, regions=False)
    with pytest.raises(ModelError, match=reason):
        put(ways()[way], Question(image, "it", regions=regions), toy if model == "toy" else find(model))
