"""A model that is followed while it answers, dressed as one that is not: whoever asks models as usual can ask it."""

from collections.abc import Callable, Sequence

from benchmarks.schema import Prediction, Query
from tasks.base import Model


class Aloud:
    """One answer of a model, bit by bit where it can be followed (`tasks.base.Speaker`), else in one piece.

    Attributes:
        heard: every character so far; empty for a model that cannot be followed.
        is_stopped: whether who listens wanted no more: the prediction is then cut.
    """

    def __init__(self, model: Model, hear: Callable[[str], bool]) -> None:
        """Dress a model.

        Args:
            model: loaded.
            hear: takes the raw answer so far, and says whether it shall go on.
        """
        self._model, self._hear = model, hear
        self._speak: Callable[[Query, Callable[[str], bool]], Prediction] | None = getattr(model, "predict_aloud", None)
        self.heard, self.is_stopped = "", False

    @property
    def can_follow(self) -> bool:
        """Whether the answer comes bit by bit."""
        return self._speak is not None

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Answer queries in order.

        Raises:
            Exception: what the model raises.
        """
        if self._speak is None:
            return self._model.predict(queries)
        return [self._speak(query, self._told) for query in queries]

    def fingerprint(self) -> str:
        """That of the model."""
        return self._model.fingerprint()

    def _told(self, text: str) -> bool:
        self.heard = text
        goes_on = self._hear(text)
        self.is_stopped |= not goes_on
        return goes_on
