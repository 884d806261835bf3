"""What a task and a model under test are. A kind says how to ask and compare; a YAML file joins it with data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from benchmarks.depth_answer import DepthMap
from benchmarks.schema import Group, Prediction, Query, Sample, Split, Unit
from metrics.base import Metric, Row
from tasks.facts import ModelSize, NeededFile, Published
from tasks.model_args import ModelArgs, ModelArgument


@dataclass(frozen=True)
class TaskKind:
    """How a kind of task asks and compares.

    Attributes:
        name: "rec", "res", …
        wants: unit that the answer should carry.
        metrics: metrics whose rows `measure` yields; the first one is the headline.
        measure: (sample, prediction) -> metric name -> row. A missing, failed or unparsable answer
            gets its metric's worst row: it counts, it is never skipped.
        measure_all: (samples, predictions) -> metric name -> rows in their order, where a row depends on the whole set;
            a kind has this or `measure`.
        perfect: sample -> the answer that repeats the truth: what the oracle says.
        configure: options of a task's protocol -> the kind that follows them, where options change how it compares.
            Raises ConfigError for an option or value there is not. None: the protocol is for reading only.
        official: (file or folder in an official results format, samples) -> sample id -> prediction, for
            `refbench score --task`; None where there is no such format. Raises DataError.
        formats: what `official` reads, in one line.
        files: (samples, predictions in their order) -> plain file name -> content, which a run writes into its
            directory for other programs, such as an official judge; None where there are none.
        refuse: (query, answer that is well-formed) -> why it cannot be scored by the rules of the task (a depth map of
            a size that they cannot bear), empty where it can; a refused answer is kept as failed, with the reason.
    """

    name: str
    wants: Unit
    metrics: tuple[Metric, ...]
    perfect: Callable[[Sample], Prediction]
    measure: Callable[[Sample, Prediction], dict[str, Row]] | None = None
    measure_all: Callable[[Sequence[Sample], Sequence[Prediction]], dict[str, list[Row]]] | None = None
    configure: "Callable[[Mapping[str, str]], TaskKind] | None" = None
    official: Callable[[Path, Sequence[Sample]], Mapping[str, Prediction]] | None = None
    formats: str = ""
    files: Callable[[Sequence[Sample], Sequence[Prediction]], Mapping[str, bytes]] | None = None
    refuse: Callable[[Query, Prediction], str] | None = None

    def __post_init__(self) -> None:
        assert (self.measure is None) != (self.measure_all is None), f"{self.name} measures in one way, not none or two"

    def rows(self, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> dict[str, list[Row]]:
        """Measure every sample: metric name -> rows in the order of the samples."""
        if self.measure_all is not None:
            return self.measure_all(samples, predictions)
        assert self.measure is not None
        each = [self.measure(sample, prediction) for sample, prediction in zip(samples, predictions, strict=True)]
        return {metric.name: [rows[metric.name] for rows in each] for metric in self.metrics}


@dataclass(frozen=True)
class OwnMetric:
    """A metric of the user's own: one entry of a list METRICS, see `tasks.own_metrics`.

    Attributes:
        metric: name, versioned rules, `aggregate` and card, as every metric of ours has them (`metrics.base`). Its name
            must not be one of ours. `aggregate` gets the rows of any samples in any order, at least one, and gives
            {key: value}; every key has a line in `card.keys`, NaN where it is undefined. `higher_is_better` is the
            direction of the headline; of other keys `card.bounds` tells it, (score of no answer, score of the truth).
        measure: (sample, answer) -> row: plain numbers or lists of numbers by name, enough to aggregate any set of
            samples. An answer whose status is not "ok" gets the worst row: it counts, it is never skipped.
        kinds: kinds of tasks whose samples and answers it can measure; none for `metric.kind` alone.
        source: file or entry point; filled in when it is found.
    """

    metric: Metric
    measure: Callable[[Sample, Prediction], Row]
    kinds: tuple[str, ...] = ()
    source: str = ""


def answer(sample: Sample, groups: Sequence[Group] = (), text: str = "", depth: DepthMap | None = None) -> Prediction:
    """Build an answer that could be read, to a sample."""
    return Prediction(sample_id=sample.id, status="ok", text=text, groups=tuple(groups), depth=depth)


@dataclass(frozen=True)
class Task:
    """One task file: a kind joined with a benchmark, its splits, a prompt and a protocol.

    Attributes:
        name: what the user types, for example `refcocog_res`.
        kind: how it asks and compares.
        benchmark: name with partition, for example `refcocog/umd`.
        splits: official splits that a run without `--split` covers, in order.
        extra_splits: splits that exist but must be asked for (the sample world's `shifted`).
        metrics: metrics of the user's own that are measured beside those of the kind; `kind` has them already.
        headline: metric whose first score a table shows; None for the kind's own.
        prompt: key of a prompt in `tasks.prompts`, or a user's own words, with a space in them.
        protocol: options that change numbers, shown with every row.
        max_new_tokens: limit on the length of an answer in words; None leaves it to the model.
        description: one line for `refbench tasks`.
        citation: where the benchmark was published.
    """

    name: str
    kind: TaskKind
    benchmark: str
    splits: tuple[str, ...]
    prompt: str
    extra_splits: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    headline: str | None = None
    protocol: Mapping[str, str] = field(default_factory=dict)
    max_new_tokens: int | None = None
    description: str = ""
    citation: str = ""


class Model(Protocol):
    """A loaded model under test."""

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Answer every query, in order. Raising fails the whole batch; the run loop then retries one by one.

        A model that samples draws for every query from a generator of its own, started from `Query.seed`: its answers
        are then the same whatever the batch, the order and the number of processes. Python's, NumPy's and torch's
        global generators are seeded before every call from the seeds of its queries, so a model that draws from them
        repeats itself as long as the same queries are asked together.
        """

    def fingerprint(self) -> str:
        """Hash over weights and settings: predictions of one model are never reused for another."""


class Speaker(Model, Protocol):
    """A model whose answer to one query can be followed while it is written. A demo needs it, a run does not."""

    def predict_aloud(self, query: Query, hear: Callable[[str], bool]) -> Prediction:
        """Answer as `predict`; `hear` takes the raw answer so far, and says whether it shall go on."""


@dataclass(frozen=True)
class LoadOptions:
    """How to load a model: device ("cpu", "cuda", …), dtype ("float32", …), seed, weights path or None, arguments.

    `compiled` has its networks go through torch.compile, and is never set for an entry that does not say `compiles`.
    """

    device: str = "cpu"
    dtype: str = "float32"
    seed: int = 0
    weights: Path | None = None
    args: ModelArgs = ()
    compiled: bool = False


@dataclass(frozen=True)
class ModelEntry:
    """A model in the registry, cheap to list: heavy imports happen inside `load`.

    Attributes:
        name: what the user types after `--model`.
        kind: family ("reference", "sanity", "predictions", …).
        units: units it can answer with.
        load: options -> loaded model. Raises ModelError with the remedy.
        sees_truth: the sanity bound `oracle`: the run loop hands it the samples through `attach`.
        description: one line for `refbench models`.
        weights: where its weights come from, and their licence.
        commands: it has a template of its own for commands (`benchmarks.commands`) and learned with them: a query's
            regime is for it to follow. Otherwise the task side writes the command into the prompt.
        fingerprint: options -> what the loaded model's `fingerprint()` returns, without loading it; None where only
            the loaded model knows. With it, a finished run answers at once.
        regions: whether it takes visual prompts.
        of_weights: path of other weights, None for its own -> the entry as those make it, where units and prompts
            depend on them. Raises ModelError.
        of_reference: for a family of models, such as all checkpoints of a kind: what stands behind the colon of
            `--model NAME:REFERENCE` (a preset, a path, an id) -> the entry of that member. Raises ConfigError or
            ModelError. None for a model that is no family.
        example: a reference that the family takes, for error texts and `refbench models`.
        typed: what the user typed where that is not `name`; set by the registry.
        needs: files that must be here before it can be loaded; empty where everything comes with the package.
        licence: of the weights as a whole, as known; parts with licences of their own say so in `needs`.
        sizes: path of other weights or None -> how large it is, preset by preset. May import torch: it is called only
            when this model is shown. None where there are no weights. Raises ModelError.
        published: numbers that publications print of it.
        arguments: what `--model-arg` can tell it; `LoadOptions.args` has those that differ from their default.
        note: what a reader of its rows must know, such as that no weights were ever released.
        network: whether it asks a server, which `--offline` forbids.
        compiles: whether its networks can go through torch.compile, as `LoadOptions.compiled` asks.
        of_split: task and split -> the entry for that split alone, whose `fingerprint` and `note` tell what it was made
            of; for a model that learns a little from the splits beside it. It must not look at the split's own truth.
        refuse: (query, arguments) -> why it cannot answer such a query, whatever the picture; empty where it can.
            Nothing is loaded. None where its units and `regions` tell everything.
        joins: it needs the samples of a split to match them with answers that are given: the run loop hands it task
            and split through `join`.
    """

    name: str
    kind: str
    units: tuple[Unit, ...]
    load: Callable[[LoadOptions], Model]
    sees_truth: bool = False
    description: str = ""
    weights: str = ""
    commands: bool = False
    fingerprint: Callable[[LoadOptions], str] | None = None
    regions: bool = True
    of_weights: "Callable[[Path | None], ModelEntry] | None" = None
    of_reference: "Callable[[str], ModelEntry] | None" = None
    example: str = ""
    typed: str = ""
    needs: tuple[NeededFile, ...] = ()
    licence: str = ""
    sizes: Callable[[Path | None], Sequence[ModelSize]] | None = None
    published: tuple[Published, ...] = ()
    arguments: tuple[ModelArgument, ...] = ()
    note: str = ""
    network: bool = False
    compiles: bool = False
    joins: bool = False
    of_split: "Callable[[Task, Split], ModelEntry] | None" = None
    refuse: Callable[[Query, ModelArgs], str] | None = None


class TruthReader(Protocol):
    """The oracle: a model that is handed the truth, to prove that a task can be scored perfectly."""

    def attach(self, kind: TaskKind, samples: Sequence[Sample]) -> None:
        """Receive the kind of the task and the samples of the split before `predict` is called."""


class SplitReader(Protocol):
    """A model whose answers were given before: it is handed the samples, to match the answers with them."""

    def join(self, task: Task, split: Split) -> None:
        """Receive task and split before `predict` is called. Raises DataError where they do not go together."""
