"""The ordinary predictor against a loop that works like the published code; run with -m bench -s.

That loop asks one question at a time, encodes its image anew, keeps the hidden states of all layers of every step, and
reads one token a step. It has the same weights and, to say the same, the same constraint. One round over all tasks of
the suite takes less than four minutes on an idle machine.
"""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import DynamicCache

from benchmarks.schema import Prediction, Query
from refvlm import predictor as ours
from refvlm.choosing import Choosing
from refvlm.constrain import Automaton
from refvlm.generation import GeneratedBatch, Prompt, embed_prompts, finish
from refvlm.grammars import vocabulary
from refvlm.model import RefVLM
from refvlm.predictor import BUNDLED, Predictor
from refvlm.tokenizer import EOS, Tokenizer
from refvlm.writing import Turn, Writer
from tasks import plan, prompts, regimes, registry, suites
from tasks.data import sample_data
from tasks.models.refvlm import of_weights

pytestmark = [pytest.mark.bench, pytest.mark.timeout(0)]
BATCH, PLAIN = 32, 4
"""Questions of a call of ours, and how many of them the loop is timed on."""


@dataclass
class Spent:
    """Processor time a question, in seconds, summed by weight; how many tasks; and how many answers are the same."""

    theirs: float = 0.0
    ours: float = 0.0
    weights: int = 0
    tasks: int = 0
    same: int = 0

    def add(self, theirs: float, ours: float, same: int, weight: int = 1) -> None:
        self.theirs, self.ours = self.theirs + weight * theirs, self.ours + weight * ours
        self.weights, self.tasks, self.same = self.weights + weight, self.tasks + 1, self.same + same

    def __str__(self) -> str:
        theirs, ours = (each / self.weights * 1e3 for each in (self.theirs, self.ours))
        each = f"plain {theirs:6.1f} ms, ours {ours:5.1f} ms a question"
        return f"{self.tasks:3d} tasks  {each}  {self.theirs / self.ours:4.1f} x"


def questions(weights: Path = BUNDLED) -> dict[str, tuple[int, list[Query]]]:
    """One batch of every task of the sample suite, as `refbench eval` makes it: neighbours in the official order.

    Returns:
        Task to how many samples it has, and the batch.
    """
    entry = of_weights(weights)
    out: dict[str, tuple[int, list[Query]]] = {}
    tasks = [registry.find(name) for name in suites.find("sample").tasks]
    for job in plan.suite_jobs(tasks, (), True, entry, sample_data(None, False))[0]:
        kind, samples = job.task.kind, job.open().samples
        start = len(samples) // 2 // BATCH * BATCH if len(samples) >= 2 * BATCH else 0
        regime = regimes.resolve(None, entry)
        batch = [
            each.query(regimes.commanding(text, kind.wants, regime, entry), kind.wants, job.task.max_new_tokens, regime)
            for each in samples[start : start + BATCH]
            for text in [prompts.render(job.task.prompt, each.question, each.categories, "default")]
        ]
        out[job.task.name] = len(samples), batch
    return out


@torch.inference_mode()
def plain(
    model: RefVLM,
    tokenizer: Tokenizer,
    pixels: Tensor,
    asked: Sequence[Prompt],
    constrain: bool = True,
    choosing: Choosing | None = None,
) -> GeneratedBatch:
    """Answer one prompt, a token a step, keeping the hidden states of all layers until the answer is there."""
    assert choosing is None, "the loop knows the likeliest token only"
    (prompt,) = asked
    features = model.vision(pixels)
    room = prompt.room or model.config.max_new_tokens
    answer = Writer(model, tokenizer, [Turn(prompt.ids, room)], False, Choosing())
    automaton = Automaton(vocabulary(tokenizer, model.units, model.config.grammar), room) if constrain else None
    given = torch.cat([features.tokens[0], embed_prompts(model, tokenizer, asked, features)[0]])[None]
    cache, kept, following = DynamicCache(), [], given
    for _ in range(room + 1):
        out = model.llm(inputs_embeds=following, past_key_values=cache, use_cache=True, output_hidden_states=True)
        kept.append(out.hidden_states)
        chances = out.logits[0, -1].float().log_softmax(0)
        open_to = chances if automaton is None else chances.masked_fill(~automaton.allowed(), float("-inf"))
        token = int(open_to.argmax())
        if automaton is not None:
            automaton.take(token)
        if token == tokenizer.ids[EOS]:
            answer.done[0] = True
            break
        answer.ids[0].append(token)
        answer.log_probabilities[0].append(float(chances[token]))
        following = model.embed(torch.tensor([[token]]))
    last = torch.cat([layers[-1] for layers in kept], 1)[0, given.shape[1] :]
    answer.states = {(0, place): state for place, state in enumerate(last)}
    return finish(answer, features, torch.tensor([0]))


def one_by_one(model: Predictor, queries: Sequence[Query]) -> list[Prediction]:
    """Answer queries as the published code would."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ours, "generate", plain)
        return [model.predict([query])[0] for query in queries]


def seconds(call: object, *given: object) -> tuple[float, list[Prediction]]:
    """Processor time of a call a query: other programs on the machine do not count."""
    assert callable(call)
    start = time.process_time()
    answers = call(*given)
    return (time.process_time() - start) / len(answers), answers


def compare(weights: Path) -> dict[str, Spent]:
    """Time both on every task of the suite: by the unit that its questions want, "all", and "suite".

    "suite" is samples a second over the whole suite, so that a task of many samples counts much; elsewhere tasks count
    alike.
    """
    model, asked = Predictor(weights), questions(weights)
    spent: dict[str, Spent] = defaultdict(Spent)
    first = next(iter(asked.values()))[1][:1]
    one_by_one(model, first)  # what is done once is not timed
    model.predict(first)
    for task, (samples, queries) in asked.items():
        theirs, expected = seconds(one_by_one, model, queries[:PLAIN])
        ours, answers = seconds(model.predict, queries)
        same = sum(a.text == b.text and a.status == b.status for a, b in zip(expected, answers, strict=False))
        print(f"{task:28s} {theirs / ours:4.1f} x", flush=True)
        for kind in (queries[0].wants, "all"):
            spent[kind].add(theirs, ours, same)
        spent["suite"].add(theirs, ours, same, samples)
    return spent


def test_samples_a_second_over_the_sample_suite():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        spent = compare(BUNDLED)
    finally:
        torch.set_num_threads(before)
    print(f"\nbatches of {BATCH}, one thread")
    for kind, each in sorted(spent.items()):
        print(f"{kind:10s} {each}")
    # float32 sums in another order decide a few ties between words the other way
    assert spent["all"].same >= 0.98 * PLAIN * spent["all"].tasks
