"""What is asked about: a picture that somebody hands in, or a sample of a benchmark or of a stored run."""

import random
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from benchmarks.errors import ConfigError, DataError, unknown
from benchmarks.schema import ImageRef, Prediction, Region, Sample, Split
from metrics.errors import DataError as StoreError
from results.store import Store
from tasks import given_photo, one_answer, one_sample, plan, registry
from tasks.base import Task
from tasks.data import Data, find_data
from tasks.demo.bench import Truth
from tasks.stored import Stored, open_run

_SPLITS_KEPT = 4


@dataclass(frozen=True)
class Kept:
    """An answer of a stored run: what the run is called, and what its model said."""

    run: str
    model: str
    prediction: Prediction


@dataclass(frozen=True)
class Scene:
    """A picture with what is known about it.

    Attributes:
        image: the picture.
        title: what a person calls it.
        truth: the sample that it is of, and its task; None for a picture of the user's own.
        place: number of the sample in its split, from 0, and how many there are.
        kept: the answer of the run that it was opened from.
    """

    image: ImageRef
    title: str
    truth: Truth | None = None
    place: tuple[int, int] = (0, 1)
    kept: Kept | None = None

    @property
    def sample(self) -> Sample | None:
        """The sample that it is of."""
        return None if self.truth is None else self.truth.sample

    @property
    def regions(self) -> tuple[Region, ...]:
        """Visual prompts that it came with."""
        return () if self.truth is None else self.truth.sample.regions

    @property
    def sample_id(self) -> str:
        """What answers are filed under."""
        return one_answer.PHOTO if self.truth is None else self.truth.sample.id

    def truth_of(self, task: Task | None, words: str, regions: tuple[Region, ...]) -> Truth | None:
        """The truth, where the sample is asked as its benchmark asks it."""
        if self.truth is None or task is None or task.name != self.truth.task.name:
            return None
        sample = self.truth.sample
        return self.truth if (words.strip(), regions) == (sample.question.strip(), sample.regions) else None


class Shelf:
    """Where samples and runs are taken from."""

    def __init__(self, data_root: Path | None, runs: Path, include: Path | None, folder: Path) -> None:
        """Remember where things are; nothing is opened.

        Args:
            data_root: official files; None for the sample world.
            runs: root of run directories.
            include: folder of further tasks.
            folder: existing folder for the pictures that people hand in.
        """
        self._data_root, self._runs, self._include, self._folder = data_root, runs, include, folder
        self._data: Data | None = None
        self._opened = lru_cache(_SPLITS_KEPT)(self._open)

    @property
    def data(self) -> Data:
        """The data root; without one the sample world, which is written when it is first asked for."""
        if self._data is None:
            self._data = find_data(self._data_root, False)
        return self._data

    def tasks(self) -> Mapping[str, str]:
        """Name of every task -> what it is, in alphabetical order."""
        return {name: file.description for name, file in registry.task_files(self._include).items()}

    def upload(self, path: Path, name: str) -> Scene:
        """Take a picture that somebody hands in; it is checked, decoded, and written as plain pixels to the folder.

        Raises:
            DataError: it is no picture, or too large.
        """
        own = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            image = given_photo.take(given_photo.read(path), own, name)
        except DataError:
            own.rmdir()
            raise
        return Scene(image, f"{name} · {image.size_hw[1]}×{image.size_hw[0]}")

    def forget(self, scene: Scene | None) -> None:
        """Delete a picture that somebody handed in."""
        if scene is not None and scene.truth is None and scene.image.path.is_relative_to(self._folder):
            scene.image.path.unlink(missing_ok=True)
            scene.image.path.parent.rmdir()

    def take(self, task_name: str, number: int) -> Scene:
        """Take the n-th sample of the first split of a task that is here; counted round both ends.

        Raises:
            UnknownName: there is no such task.
            DataError: its files are not here.
        """
        task, split = self._opened(task_name)
        if not split.samples:
            raise DataError(f"{split.benchmark} {split.name} holds no samples: choose another task")
        number %= len(split.samples)
        return _scene(Truth(task, split, split.samples[number]), (number, len(split.samples)))

    def draw_lot(self, task_name: str) -> Scene:
        """Take any sample of a task.

        Raises:
            Exception: as `take`.
        """
        _, split = self._opened(task_name)
        return self.take(task_name, random.randrange(max(1, len(split.samples))))

    def by_id(self, sample_id: str) -> Scene:
        """Take a sample of any benchmark by its id, with the first task that asks about its benchmark.

        Raises:
            Exception: as `tasks.one_sample.find`; ConfigError also where no task asks about the benchmark.
        """
        split = one_sample.split_of(sample_id, self.data)
        ids = [sample.id for sample in split.samples]
        if sample_id not in ids:
            raise unknown(f"sample of {split.benchmark} {split.name}", sample_id, ids)
        files = registry.task_files(self._include)
        name = next((name for name, file in files.items() if file.benchmark == split.benchmark), None)
        if name is None:
            raise ConfigError(f"no task asks about {split.benchmark}: choose another sample (`refbench tasks`)")
        place = ids.index(sample_id)
        task = registry.find(name, self._include)
        return _scene(Truth(task, split, split.samples[place]), (place, len(ids)))

    def of_run(self, run_text: str, sample_id: str) -> Scene:
        """Take a sample of a stored run with the answer that is kept there.

        Args:
            run_text: as `results.store.Store.find` reads it.
            sample_id: of the sample; empty for the first one.

        Raises:
            DataError: there is no such run, or its samples are not here.
            UnknownName: the run holds no such sample.
        """
        stored = self._stored(run_text)
        ids = [each for each in stored.ids if each in stored.samples]
        if stored.task is None or not ids:
            raise DataError(f"{run_text}: its samples are not here: {'; '.join(stored.notes) or 'no data'}")
        chosen = sample_id or ids[0]
        if chosen not in ids:
            raise unknown(f"sample of run {stored.run.id}", chosen, ids)
        answer = stored.answers.get(chosen, Prediction(chosen, "failed", error="no answer in the file"))
        kept = Kept(stored.run.id, stored.run.record.model, answer)
        return _scene(Truth(stored.task, None, stored.samples[chosen]), (ids.index(chosen), len(ids)), kept)

    def run_step(self, run_text: str, number: int) -> Scene:
        """Take the n-th sample of a stored run; counted round both ends.

        Raises:
            Exception: as `of_run`.
        """
        stored = self._stored(run_text)
        ids = [each for each in stored.ids if each in stored.samples]
        return self.of_run(run_text, ids[number % len(ids)] if ids else "")

    def _stored(self, run_text: str) -> Stored:
        try:
            return open_run(Store(self._runs).find(run_text), self._data_root, self._include)
        except StoreError as error:
            raise DataError(str(error)) from None

    def _open(self, task_name: str) -> tuple[Task, Split]:
        task = registry.find(task_name, self._include)
        return task, plan.open_split(task, plan.present_splits(task, self.data)[0], self.data)


def _scene(truth: Truth, place: tuple[int, int], kept: Kept | None = None) -> Scene:
    return Scene(truth.sample.image, truth.sample.id, truth, place, kept)
