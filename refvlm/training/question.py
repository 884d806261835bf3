"""What a question of training is: words, visual prompts, and the answer with the truth behind each `<REF>`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.schema import Unit
from refvlm.training.wording import word
from refvlm.trp import Text, Triplet


@dataclass(frozen=True)
class Ref:
    """The truth about one `<REF>`, in the square input; nothing of it for depth.

    Attributes:
        mask: bool [S, S], or float [S, S], the share of each pixel that is inside.
        joints: float [17, 3] of a person, xy in pixels and visibility.
        box: cxcywh in 0..1; None for the tight box of the mask.
    """

    mask: np.ndarray | None = None
    joints: np.ndarray | None = None
    box: tuple[float, float, float, float] | None = None

    @property
    def spatial(self) -> bool:
        """Whether it is an object."""
        return self.mask is not None or self.box is not None


@dataclass(frozen=True)
class Drawn:
    """A visual prompt as it is drawn: its kind and a float32 [S, S] raster."""

    kind: str
    mask: np.ndarray


@dataclass(frozen=True)
class Question:
    """A question and its answer.

    Attributes:
        prompt: the user's words.
        wants: unit of the answer.
        body: the answer; one `Ref` in `refs` for every instance of its triplets, in order.
        refs: see `body`.
        regions: visual prompts, in the order of the words.
        commanded: whether the command of the wanted unit stands before the words.
    """

    prompt: str
    wants: Unit
    body: tuple[Text | Triplet, ...]
    refs: tuple[Ref, ...] = ()
    regions: tuple[Drawn, ...] = ()
    commanded: bool = True


@dataclass(frozen=True)
class Draw:
    """What decides about a question besides its scene.

    Attributes:
        rng: random numbers.
        expression_shares: how often each kind of expression is drawn, in the order of `KINDS`.
        instruction_share: share of questions that are asked without a command.
    """

    rng: np.random.Generator
    expression_shares: Sequence[float]
    instruction_share: float = 0.0


def in_words(key: str, draw: Draw, question: str, answer: str) -> Question:
    """Make a question that is answered in words.

    Args:
        key: of its prompt.
        draw: decides on the wording.
        question, answer: what is asked and said.
    """
    return Question(word(key, draw.rng, question), "text", (Text(answer),))
