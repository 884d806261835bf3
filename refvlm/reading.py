"""From a generated answer to what it says: its fault if any, and its triplets decoded in the picture's pixels."""

from benchmarks.depth_answer import DepthMap
from benchmarks.schema import Group
from refvlm.generation import Generated, GeneratedBatch
from refvlm.grammars import read
from refvlm.model import RefVLM
from refvlm.processor import Letterbox
from refvlm.tokenizer import Tokenizer
from refvlm.unpack import Spoken, Unpacker


def fault(answer: Generated, grammar: str) -> str:
    """Say what is wrong with an answer in a grammar; empty where nothing is."""
    parsed = read(answer.text, grammar)
    problems = [] if parsed.ok else [diagnostic.message for diagnostic in parsed.diagnostics]
    if not answer.finished:
        problems.append(f"the answer was cut after {len(answer.ids)} tokens")
    return "; ".join(problems[:3])


def decoded(
    model: RefVLM,
    tokenizer: Tokenizer,
    batch: GeneratedBatch,
    answer: Generated,
    letterbox: Letterbox,
    joints: tuple[str, ...] = (),
) -> tuple[tuple[Group, ...], DepthMap | None]:
    """Decode the triplets of an answer: its groups in order, and the first depth map that it asks for.

    `joints` names those that the question wants, where it does: see `refvlm.joints`.
    """
    if batch.decoded is None:
        return (), None
    spoken = [
        Spoken(
            tokenizer.decode([answer.ids[k] for k in group.words]).strip(),
            tokenizer.decode(group.unit).strip(),
            len(group.refs),
            score,
        )
        for group, score in zip(answer.groups, answer.scores, strict=True)
    ]
    groups, depth = Unpacker(model, batch.decoded, letterbox, joints).unpack(spoken, answer.first_ref)
    return tuple(groups), depth
