"""Asks a model and survives it: memory that runs out halves the batch, a batch that fails is asked again one by one,
a sample that fails is counted."""

import gc
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from time import perf_counter

from benchmarks.schema import Prediction, Query
from tasks import deadline, reasons, seeds
from tasks.base import Model
from tasks.call_size import CallSize
from tasks.validate import check_ids, failed, in_memory, plain


@dataclass(frozen=True)
class _Trouble:
    """Why a call gave no answers. Kept as text: an error would keep alive what filled the memory."""

    reason: str
    out_of_memory: bool = False


class Desk:
    """Where one model is asked; it remembers how many queries the model can take at once."""

    def __init__(self, name: str, size: CallSize, sample_timeout: float | None = None) -> None:
        """Make a desk.

        Args:
            name: of the model, for error texts.
            size: queries per call.
            sample_timeout: seconds that one sample may take; a batch may take the sum of its samples'.

        Raises:
            ConfigError: there is a time limit, and this is not the main thread.
        """
        if sample_timeout is not None:
            deadline.check()
        self.name, self.size, self.sample_timeout = name, size, sample_timeout

    def answer(self, model: Model, queries: Sequence[Query]) -> list[Prediction]:
        """Answer every query, whatever the model does.

        Args:
            model: loaded model.
            queries: what is asked, in calls of the desk's size.

        Returns:
            One prediction per query, in order; `failed` with the reason where the model raised, took too long or
            answered unusably.

        Raises:
            ModelError: it returned another number of predictions, or wrong ids.
        """
        answers: list[Prediction] = []
        while len(answers) < len(queries):
            answers += self._part(model, queries[len(answers) : len(answers) + self.size.now])
        return answers

    def _part(self, model: Model, queries: Sequence[Query]) -> list[Prediction]:
        """Answer some queries; nothing is returned where fewer of them must be asked at once."""
        start = perf_counter()
        outcome = self._call(model, queries)
        if not isinstance(outcome, _Trouble):
            self.size.took(len(queries), perf_counter() - start)
            answers = check_ids(outcome, queries, self.name)
            return [in_memory(plain(answer, query), query) for answer, query in zip(answers, queries, strict=True)]
        if outcome.out_of_memory:
            _free_memory()
        if len(queries) == 1:
            return [failed(queries[0], reasons.tidy(outcome.reason, queries[0]))]
        if outcome.out_of_memory:
            self.size.too_large(len(queries))
            return []
        return [answer for query in queries for answer in self._part(model, [query])]

    def _call(self, model: Model, queries: Sequence[Query]) -> "list[Prediction] | _Trouble":
        seeds.start([query.seed for query in queries])
        budget = None if self.sample_timeout is None else self.sample_timeout * len(queries)
        try:
            with _without_gradients(), nullcontext() if budget is None else deadline.limit(budget):
                return model.predict(queries)
        except deadline.TimedOut:
            return _Trouble(f"no answer within {self.sample_timeout:g} s")
        except Exception as error:
            return _Trouble(reasons.of_error(error), reasons.is_out_of_memory(error))


def _without_gradients() -> AbstractContextManager[object]:
    torch = sys.modules.get("torch")
    return nullcontext() if torch is None else torch.inference_mode()


def _free_memory() -> None:
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
