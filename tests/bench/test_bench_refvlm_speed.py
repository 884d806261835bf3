"""The ordinary predictor against a loop that works like the published code; run with -m bench -s.

That loop asks one question at a time, encodes its image anew, keeps the hidden states of all layers of every step, and
reads one token a step. It has the same weights and, to say the same, the same constraint.
"""

import statistics
import time
from collections.abc import Sequence
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
from refvlm.writing import Writer
from tasks import plan, prompts, regimes, registry, suites
from tasks.data import sample_data
from tasks.models.refvlm import of_weights

pytestmark = [pytest.mark.bench, pytest.mark.timeout(0)]
BATCH, PLAIN, REPEATS = 32, 2, 3
"""Questions of a call of ours, how many of them the loop is timed on, and how often both are timed in turn."""


def questions(weights: Path = BUNDLED) -> dict[str, list[Query]]:
    """One batch of every task of the sample suite, as `refbench eval` makes it: neighbours in the official order."""
    entry = of_weights(weights)
    out: dict[str, list[Query]] = {}
    tasks = [registry.find(name) for name in suites.find("sample").tasks]
    for job in plan.suite_jobs(tasks, (), True, entry, sample_data(None, False))[0]:
        kind, samples = job.task.kind, job.open().samples
        start = len(samples) // 2 // BATCH * BATCH if len(samples) >= 2 * BATCH else 0
        regime = regimes.resolve(None, entry)
        out[job.task.name] = [
            each.query(regimes.commanding(text, kind.wants, regime, entry), kind.wants, job.task.max_new_tokens, regime)
            for each in samples[start : start + BATCH]
            for text in [prompts.render(job.task.prompt, each.question, each.categories, "default")]
        ]
    return out


@torch.inference_mode()
def plain(
    model: RefVLM, tokenizer: Tokenizer, pixels: Tensor, asked: Sequence[Prompt], constrain: bool = True
) -> GeneratedBatch:
    """Answer one prompt, a token a step, keeping the hidden states of all layers until the answer is there."""
    (prompt,) = asked
    features = model.vision(pixels)
    room = prompt.room or model.config.max_new_tokens
    answer = Writer(model, tokenizer, [room], False, Choosing())
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


def compare(weights: Path) -> tuple[list[float], float, int]:
    """Ratios of time a question over all tasks, one per repeat; the share of equal answers; the number of tasks."""
    model, asked = Predictor(weights), questions(weights)
    ratios, same, count = [], 0, 0
    for _ in range(REPEATS):
        theirs = our = 0.0
        for queries in asked.values():
            plain_s, expected = seconds(one_by_one, model, queries[:PLAIN])
            our_s, answers = seconds(model.predict, queries)
            theirs, our = theirs + plain_s, our + our_s
            same += sum(a.text == b.text and a.status == b.status for a, b in zip(expected, answers, strict=False))
            count += len(expected)
        ratios.append(theirs / our)
        print(f"plain {theirs / len(asked) * 1e3:.1f} ms, ours {our / len(asked) * 1e3:.1f} ms a question", flush=True)
    return ratios, same / count, len(asked)


def test_samples_a_second_over_the_sample_suite():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        ratios, same, tasks = compare(BUNDLED)
    finally:
        torch.set_num_threads(before)
    print(f"\n{tasks} tasks, batches of {BATCH}, one thread: {statistics.median(ratios):.1f} x (of {len(ratios)})")
    # float32 sums in another order decide a few ties between words the other way
    assert same >= 0.98
