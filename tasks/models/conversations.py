"""Layouts of a conversation that relatives of Vicuna were trained with: question in, the text before the answer out."""

from dataclasses import dataclass

_HUMAN = (
    "A chat between a curious human and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the human's questions."
)


@dataclass(frozen=True)
class Conversation:
    """A layout: `<system><gap><user> <question><gap><assistant>`, and then the answer.

    Attributes:
        system: what stands before everything.
        user, assistant: names of the speakers, with what follows them.
        gap: between the parts.
        stop: text at which an answer ends, beside the end token.
    """

    system: str
    user: str
    assistant: str
    gap: str
    stop: str

    def ask(self, question: str) -> str:
        """Write the text before the answer, without a space behind it."""
        return f"{self.system}{self.gap}{self.user} {question}{self.gap}{self.assistant}"

    def cut(self, answer: str) -> str:
        """Leave out everything from the stop on, and white space around the rest."""
        return answer.partition(self.stop)[0].strip()


CONVERSATIONS = {
    "llava_v1": Conversation(_HUMAN, "USER:", "ASSISTANT:", " ", "</s>"),
    "human_assistant": Conversation(_HUMAN, "Human:", "Assistant:", "###", "###"),
}
"""`llava_v1`: Vicuna 1.1's layout with the human wording, as LLaVA 1.5, ViP-LLaVA's evaluation and the second stage of
u-LLaVA have it. `human_assistant`: the layout that transformers' documentation of ViP-LLaVA recommends for the same
weights."""
