"""The grammars that a model can be built for: how its questions are put, and how its answers are written and read.

| grammar | question | answer |
|---|---|---|
| trp | one line of command: task and unit | `refvlm.trp`, with escapes |
| vd_cot | a preamble, then a command: task, elements of the answer, unit | the same; the flag leads on; no escapes |

`vd_cot` is VT-PLUG's. Words of preamble and command are ours; that they exist, and what they hold, is as published.
Older spellings are read only: `refvlm.trp_history`.
"""

from dataclasses import replace

from benchmarks.errors import ConfigError
from benchmarks.schema import Unit
from refvlm import trp, trp_history
from refvlm.answers import Answer
from refvlm.prompting import TASK_NAMES, mentioned, turn_text
from refvlm.spelling import Vocabulary
from refvlm.tokenizer import UNKNOWN, Tokenizer

TRP, VD_COT = "trp", "vd_cot"
PREAMBLE = "A task command comes first. Answer with sentence, phrase or unit, as it says."
_ELEMENTS: dict[Unit, str] = {"text": "sentence", "depth": "sentence, phrase, unit"}
_COMMAND_WORDS = ("task", "elements", "unit", "none", "class", "name", "target", "number")
WORDS = (*PREAMBLE.replace(".", "").replace(",", "").split(), *_COMMAND_WORDS)
"""Words that vd_cot adds to those of trp."""


def write(answer: Answer, grammar: str) -> str:
    """Write an answer.

    Raises:
        ValueError: see `refvlm.trp.render`; in vd_cot also where the words themselves look like the grammar.
    """
    if grammar == TRP:
        return trp.render(answer)
    return trp.render(answer, trp.Spelling(trp_history.LEAD, _as_it_is))


def read(text: str, grammar: str) -> Answer:
    """Read any text as an answer; never raises for what it says."""
    return trp.parse(text) if grammar == TRP else trp_history.parse(text, "vt-plug")


def turn_in(grammar: str, prompt: str, commanded: Unit | None, regions: int = 0) -> str:
    """Write the turn that a model is given, see `refvlm.prompting.turn_text`."""
    if grammar == TRP:
        return turn_text(prompt, commanded, regions)
    words = f"user: {mentioned(prompt, regions)}\nassistant:"
    if commanded is None:
        return f"{PREAMBLE}\n{words}"
    unit = "none" if commanded == "text" else f"<Unit>{commanded}</Unit>"
    task = TASK_NAMES.get(commanded, commanded)
    elements = _ELEMENTS.get(commanded, "phrase, unit")
    return f"{PREAMBLE}\ntask: {task}\nelements: {elements}\nunit: {unit}\n{words}"


def vocabulary(tokenizer: Tokenizer, units: tuple[str, ...], grammar: str) -> Vocabulary:
    """How a tokenizer spells a grammar, for constrained decoding.

    Raises:
        ConfigError: the tokenizer lacks words that the grammar needs.
    """
    plain = Vocabulary.of(tokenizer, units)
    if grammar == TRP:
        return plain
    flag = tuple(tokenizer.encode(f"{trp.FLAG_TRUE}{trp_history.LEAD}\n"))
    if tokenizer.ids.get(UNKNOWN, -1) in flag:
        lacks = f"the tokenizer lacks words of {trp_history.LEAD!r}"
        raise ConfigError(f"{lacks}: train with grammar: {VD_COT} from the start")
    return replace(plain, flags=(flag, plain.flags[1]))


def _as_it_is(text: str, in_plan: bool) -> str:
    """Leave text alone, where it can be told from the grammar."""
    if trp.is_grammar(text) or (in_plan and ("\n" in text or f" {trp.UNIT_FIELD} " in text)):
        raise ValueError(f"{text!r} looks like the grammar, and {VD_COT} has no escapes")
    return text
