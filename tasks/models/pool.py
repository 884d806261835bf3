"""Loads a model once and keeps it for the next split or task of the same command."""

from tasks.base import LoadOptions, Model, ModelEntry


class ModelPool:
    """Holds the model that was loaded last: a second one would have to share its memory."""

    def __init__(self) -> None:
        self._key: tuple[str, LoadOptions] | None = None
        self._model: Model | None = None

    def get(self, entry: ModelEntry, options: LoadOptions) -> Model:
        """Load a model, unless it is the one loaded last.

        Raises:
            ModelError: it cannot be loaded; the text names the remedy.
        """
        key = (entry.name, options)
        if self._model is None or self._key != key:
            self._model = None
            self._model, self._key = entry.load(options), key
        return self._model

    def empty(self) -> None:
        """Let go of the model, whose memory the next one may need."""
        self._key = self._model = None

    def fingerprint(self, entry: ModelEntry, options: LoadOptions) -> str:
        """Fingerprint of weights and settings, without loading where the model can tell.

        Raises:
            ModelError: the weights are missing or cannot be read.
        """
        if entry.fingerprint is not None:
            return entry.fingerprint(options)
        return self.get(entry, options).fingerprint()
