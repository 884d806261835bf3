"""An answer that somebody follows while it is written, and may stop."""

from collections.abc import Callable, Sequence

from torch import Tensor

from refvlm.choosing import Choosing
from refvlm.tokenizer import EOS, PAD, Tokenizer


class Followed(Choosing):
    """The likeliest token, one at a time, for one answer; what is there so far is told after every token."""

    in_step = True

    def __init__(self, tokenizer: Tokenizer, hear: Callable[[str], bool]) -> None:
        """Begin an answer.

        Args:
            tokenizer: of the model.
            hear: takes the answer so far, and says whether it shall go on.
        """
        self._tokenizer, self._hear = tokenizer, hear
        self._silent = {tokenizer.ids[EOS], tokenizer.ids[PAD]}
        self._ids: list[int] = []
        self._is_stopped = False

    def hear(self, tokens: Tensor) -> None:
        """Tell of one token more."""
        token = int(tokens[0])
        if token not in self._silent:
            self._ids.append(token)
            self._is_stopped = not self._hear(self._tokenizer.decode(self._ids))

    def stopped(self) -> Sequence[bool]:
        """Whether whoever listens wants no more."""
        return (self._is_stopped,)
