"""One run, resolved: what is asked of which model on which samples, and where the answers go."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any, cast

from benchmarks.schema import Prediction, Query, Sample, Split
from tasks import call_size, prompts, regimes, seeds, threads
from tasks.asking import Desk
from tasks.base import Model, ModelEntry, SplitReader, Task, TruthReader
from tasks.call_size import CallSize, ProbedSize
from tasks.identity import describe, run_folder, subset
from tasks.journal import Batch
from tasks.options import RunOptions
from tasks.prefetch import Prefetcher
from tasks.retry import with_rounds
from tasks.rundir import RunDirectory
from tasks.validate import accepted, failed

PROBED_BATCH = 64
"""Samples of a batch where the size of calls is found by trying: no call is larger."""
Opener = Callable[[], tuple[Task, Split, ModelEntry]]
"""Opens the data and finds the model again in another process; can be pickled."""


@dataclass(frozen=True)
class Evaluation:
    """One run, resolved.

    Attributes:
        task: what is asked.
        split: opened data.
        samples: those of the split that are run.
        entry: the model.
        options: those of the command.
        identity: everything that could change a number.
        run: its directory.
        desk: where this process asks the model.
        photos: what decodes its photos ahead.
    """

    task: Task
    split: Split
    samples: tuple[Sample, ...]
    entry: ModelEntry
    options: RunOptions
    identity: dict[str, Any]
    run: RunDirectory
    desk: Desk = field(compare=False)
    photos: Prefetcher = field(default_factory=Prefetcher, compare=False)

    @property
    def title(self) -> str:
        """What a person calls it."""
        return f"{self.entry.name} · {self.task.name} · {self.split.name}"

    def batches(self) -> list[Batch]:
        """The units of work, the same ones in every process."""
        return with_rounds(self.run.path, self.samples, self.batch_size)

    @property
    def batch_size(self) -> int:
        """Samples of a unit of work."""
        size = self.options.batch_size
        return PROBED_BATCH if size == "auto" else size

    def load(self) -> Model:
        """Load the model.

        Raises:
            ModelError: it cannot be loaded.
        """
        threads.share(self.options.processes)
        options = self.options.load_options()
        model = self.options.pool.get(self.entry, options) if self.entry.of_split is None else self.entry.load(options)
        if self.entry.sees_truth:
            cast(TruthReader, model).attach(self.task.kind, self.samples)
        if self.entry.joins:
            cast(SplitReader, model).join(self.task, self.split)
        return model

    def answer(self, model: Model, batch: Batch, following: Batch | None = None) -> list[Prediction]:
        """Ask about one batch; each sample gets an equal share of its wall time.

        Args:
            model: loaded model.
            batch: what is asked.
            following: the batch that comes next, where that is known: its photos are decoded meanwhile.

        Raises:
            ModelError: the model breaks its contract.
        """
        return self._ask(model, batch.samples, () if following is None else following.samples)

    def answer_alone(self, model: Model, batch: Batch, place: int) -> Prediction:
        """Ask about one sample of a batch by itself, as when its batch had failed.

        Raises:
            ModelError: the model breaks its contract.
        """
        return self._ask(model, [batch.samples[place]])[0]

    def lost(self, batch: Batch, place: int, reason: str) -> Prediction:
        """Stand in for the answer to a sample of a batch that cannot be asked about."""
        return failed(self.queries([batch.samples[place]])[0], reason)

    def _ask(self, model: Model, samples: Sequence[Sample], following: Sequence[Sample] = ()) -> list[Prediction]:
        queries, refuse = self.queries(samples), self.task.kind.refuse
        start, found = perf_counter(), self.desk.size.chosen
        handed = self.photos.hand_over(queries)
        self.photos.expect(following)
        answers = self.desk.answer(model, handed)
        if self.desk.size.chosen != found:
            call_size.record(self.run.path, self.desk.size.chosen)
        share = (perf_counter() - start) / len(answers)
        kept = (accepted(answer, query, refuse) for answer, query in zip(answers, queries, strict=True))
        return [replace(answer, seconds=share) for answer in kept]

    def queries(self, samples: Sequence[Sample]) -> list[Query]:
        """What the model gets about samples: never the truth."""
        task, wording = self.task, self.options.prompt_set
        wants, regime = task.kind.wants, regimes.resolve(self.options.regime, self.entry)
        queries: list[Query] = []
        for sample in samples:
            text = prompts.render(task.prompt, sample.question, sample.categories, wording)
            prompt = regimes.commanding(text, wants, regime, self.entry)
            seed = seeds.of_sample(self.options.seed, sample.id)
            queries.append(sample.query(prompt, wants, task.max_new_tokens, regime, seed))
        return queries


def resolve(task: Task, split: Split, entry: ModelEntry, options: RunOptions) -> Evaluation:
    """Work out a run's identity and directory. The same in every process that shares the run.

    Raises:
        ModelError: the model's weights are missing or cannot be read.
        ConfigError: there is a time limit per sample, and this is not the main thread.
    """
    entry = entry if entry.of_split is None else entry.of_split(task, split)
    fingerprint = options.pool.fingerprint(entry, options.load_options())
    identity = describe(task, split, entry, fingerprint, options)
    run = RunDirectory(options.out, run_folder(identity))
    desk = Desk(entry.name, _call_size(options, run), options.sample_timeout_s)
    return Evaluation(task, split, subset(split.samples, options.limit), entry, options, identity, run, desk)


def _call_size(options: RunOptions, run: RunDirectory) -> CallSize:
    """Queries per call: as named, as an earlier part of the run found, or to be found by trying."""
    if options.batch_size != "auto":
        return CallSize(options.batch_size)
    found = () if options.fresh else call_size.recorded(run.path)
    return CallSize(min(found)) if found else ProbedSize(PROBED_BATCH)
