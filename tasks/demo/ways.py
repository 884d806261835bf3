"""The ways in which a question is put: in the asker's own words, or in the wording of a kind of task."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from benchmarks.errors import ConfigError, ModelError
from benchmarks.schema import Query, Sample, Truth
from refvlm.tokenizer import REGION
from tasks import one_answer, prompts, regimes, registry, seeds
from tasks.base import ModelEntry, Task
from tasks.model_args import ModelArgs
from tasks.one_answer import Asked, Question

FREE = "own words"
TITLES: Mapping[str, str] = {
    "rec": "Box by words", "res": "Mask by words", "gres": "Masks by words, or none", "reasonseg": "Mask by reasoning",
    "grounding": "Boxes of a phrase", "detection": "All objects, boxes", "instance": "All objects, masks",
    "panoptic": "Panoptic map", "semantic": "Semantic map", "salient": "Salient object", "prompted": "Mask of a prompt",
    "keypoints": "Poses of people", "pck": "Pose of a marked person", "depth": "Depth", "ordinal": "Depth, relative",
    "caption": "Caption", "gcg": "Caption with masks", "reg": "Describe a marked region", "vqa": "Question",
    "gqa": "Question on relations", "pope": "Yes or no", "pointqa": "Question on a marked place",
    "pointing": "Choose a marked box", "vipbench": "Open question on marked places",
}  # fmt: skip
_WORDS = "{question}"
_SEED = 0


@dataclass(frozen=True)
class Way:
    """A way to ask.

    Attributes:
        name: of the kind of task, or `FREE`.
        title: what a person calls it.
        task: whose wording is used; None for the asker's own words.
    """

    name: str
    title: str
    task: Task | None = None

    @property
    def needs_words(self) -> bool:
        """Whether it asks nothing without words."""
        return self.task is None or _WORDS in prompts.template(self.task.prompt)

    @property
    def places(self) -> int:
        """Visual prompts that its wording points at."""
        return 0 if self.task is None else prompts.template(self.task.prompt).count(REGION)


@cache
def ways() -> Mapping[str, Way]:
    """Every way by its name: own words first, then a task of each kind, in the order of their titles."""
    found = {FREE: Way(FREE, "Just ask")}
    files = registry.task_files()
    by_kind: dict[str, str] = {}
    for name, file in files.items():
        by_kind.setdefault(file.kind, name)
    ordered = [*(name for name in TITLES if name in by_kind), *(name for name in by_kind if name not in TITLES)]
    for kind in ordered:
        found[kind] = Way(kind, TITLES.get(kind, kind), registry.find(by_kind[kind]))
    return found


def put(way: Way, question: Question, entry: ModelEntry, args: ModelArgs = ()) -> Asked:
    """Turn a question into what a model gets; as a run would, where the way is that of a task.

    Raises:
        ConfigError: the question is empty, or lacks places that the way asks about.
        ModelError: the model cannot answer such a question; the text says what it can, and which models can.
    """
    if way.task is None:
        return one_answer.put(question, entry, args)
    one_answer.check_regions(question.regions, question.image.size_hw)
    _check_words(way, question)
    wants = way.task.kind.wants
    if wants not in entry.units:
        able = ", ".join(one_answer.models_with(wants)) or "no model here"
        raise ModelError(
            f"{entry.name} cannot do '{way.title}', which takes {wants}: it answers with {', '.join(entry.units)}; "
            f"with {wants} answer {able}"
        )
    if question.regions and not entry.regions:
        able = ", ".join(one_answer.models_with(regions=True))
        raise ModelError(f"{entry.name} takes no visual prompts: ask in words, or one of {able}")
    query = _query(way.task, question, entry)
    if entry.refuse is not None and (reason := entry.refuse(query, args)):
        raise ModelError(f"{entry.name} cannot answer this: {reason}")
    return Asked(query, f"as a task of kind {way.task.kind.name} asks, in the wording of {way.task.prompt}")


def sample_of(query: Query) -> Sample:
    """A sample without a truth, for what draws and scores samples."""
    return Sample(
        query.sample_id, query.image, query.sample_id, query.question, Truth(), {}, query.regions, query.categories
    )


def with_task(way: Way, task: Task | None) -> Way:
    """The same way in the wording of another task of its kind."""
    return way if task is None or way.task is None or task.kind.name != way.task.kind.name else replace(way, task=task)


def _check_words(way: Way, question: Question) -> None:
    if way.needs_words and not question.words.strip():
        raise ConfigError(
            f"'{way.title}' needs words: write what it is about, such as 'the red circle left of the square'"
        )
    if len(question.words) > one_answer.MOST_WORDS:
        raise ConfigError(f"the question has {len(question.words)} characters: {one_answer.MOST_WORDS} are the most")
    if len(question.regions) < way.places:
        places = "one place" if way.places == 1 else f"{way.places} places"
        left = way.places - len(question.regions)
        raise ConfigError(f"'{way.title}' asks about {places} on the picture: draw {left} more")


def _query(task: Task, question: Question, entry: ModelEntry) -> Query:
    words, wants = question.words.strip(), task.kind.wants
    regime = regimes.resolve(None, entry)
    prompt = regimes.commanding(prompts.render(task.prompt, words, question.categories), wants, regime, entry)
    return Query(
        sample_id=question.sample_id,
        image=question.image,
        question=words,
        prompt=prompt,
        wants=wants,
        regions=question.regions,
        categories=question.categories,
        max_new_tokens=task.max_new_tokens,
        regime=regime,
        seed=seeds.of_sample(_SEED, question.sample_id),
    )
