"""`generate` with the options of transformers: drawing, several answers, streams, stopping; and clear refusals."""

import threading

import pytest
import torch
from PIL import Image
from transformers import StoppingCriteriaList, TextIteratorStreamer, TextStreamer

from benchmarks.errors import ConfigError
from benchmarks.world.scenes import generate as draw
from refvlm.hub import RefVLMForConditionalGeneration, RefVLMPretrainedConfig
from refvlm.hub_processor import RefVLMProcessor
from refvlm.predictor import BUNDLED


@pytest.fixture(scope="module")
def trained():
    return RefVLMForConditionalGeneration.from_pretrained(BUNDLED, dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def processor():
    return RefVLMProcessor.from_pretrained(BUNDLED)


@pytest.fixture(scope="module")
def inputs(processor):
    return processor(
        [Image.fromarray(draw(5, "test", 0).image)], ["Locate the leftmost object with a box."], unit="box"
    )


@pytest.fixture
def nano(nano_config):
    torch.manual_seed(0)
    return RefVLMForConditionalGeneration(RefVLMPretrainedConfig.of(nano_config)).eval()


@pytest.fixture
def asked(tokenizer, nano_config):
    return RefVLMProcessor(tokenizer, nano_config)([Image.new("RGB", (64, 64))], ["Where is it?", "What is it?"])


def test_drawn_answers_follow_the_seed_and_stay_within_the_grammar(nano, asked, tokenizer, nano_config):
    def drawn(**options):
        return nano.generate(**asked, tokenizer=tokenizer, do_sample=True, **options)

    first, again, other = (drawn(seed=seed).sequences for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    torch.manual_seed(9)
    free = drawn().sequences
    torch.manual_seed(9)
    assert torch.equal(free, drawn().sequences)
    several = drawn(seed=3, num_return_sequences=4, temperature=2.0)
    texts = [answer.text for answer in several.batch.answers]
    assert len(texts) == 8
    assert len(set(texts[:4])) > 1
    answers = RefVLMProcessor(tokenizer, nano_config).post_process(several, asked)
    assert [each.sample_id for each in answers] == ["0"] * 4 + ["1"] * 4
    assert {each.status for each in answers} == {"ok"}


def test_a_low_temperature_is_greedy(trained, inputs, processor):
    greedy = trained.generate(**inputs, tokenizer=processor.tokenizer).sequences
    cold = trained.generate(**inputs, tokenizer=processor.tokenizer, do_sample=True, temperature=1e-4, seed=0).sequences
    assert torch.equal(greedy, cold)


def test_a_stream_tells_the_answer_word_by_word(trained, inputs, processor, capsys):
    words = processor.tokenizer
    stream = TextIteratorStreamer(words, skip_prompt=True, timeout=60)
    output = []

    def work():
        output.append(trained.generate(**inputs, tokenizer=words, streamer=stream))

    thread = threading.Thread(target=work)
    thread.start()
    pieces = list(stream)
    thread.join()
    text = output[0].batch.answers[0].text
    assert "".join(pieces) == text
    assert len([piece for piece in pieces if piece]) > 5
    capsys.readouterr()
    trained.generate(**inputs, tokenizer=words, streamer=TextStreamer(words, skip_prompt=True))
    assert capsys.readouterr().out == text + "\n"


def test_a_stream_ends_although_the_run_fails(nano, asked, tokenizer, processor):
    one = {key: value[:1] for key, value in asked.items()}
    stream = TextIteratorStreamer(tokenizer, skip_prompt=True, timeout=60)
    nano.core.llm.lm_head.forward = lambda states: pytest.fail("broken on purpose")
    with pytest.raises(BaseException, match="broken on purpose"):
        nano.generate(**one, tokenizer=tokenizer, streamer=stream)
    assert "".join(stream) == ""


def test_a_criterion_stops_single_rows_or_all_and_the_answer_counts_as_cut(nano, asked, tokenizer):
    start = asked["input_ids"].shape[1]
    seen = []

    def first_after_four(ids, scores):
        seen.append((tuple(ids.shape), tuple(scores.shape)))
        return torch.tensor([ids.shape[1] - start >= 4, False])

    whole = nano.generate(**asked, tokenizer=tokenizer).batch.answers
    criteria = StoppingCriteriaList([first_after_four])
    answers = nano.generate(**asked, tokenizer=tokenizer, stopping_criteria=criteria).batch.answers
    assert answers[0].ids == whole[0].ids[:4]
    assert not answers[0].finished
    assert answers[1].ids == whole[1].ids
    assert seen[0] == ((2, start + 1), (2, len(tokenizer)))
    ended = nano.generate(**asked, tokenizer=tokenizer, stopping_criteria=lambda ids, scores: True).batch.answers
    assert [len(answer.ids) for answer in ended] == [1, 1]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"temperature": 0.5}, "temperature changes nothing without do_sample=True"),
        ({"num_return_sequences": 2}, "num_return_sequences changes nothing without"),
        ({"do_sample": True, "top_p": 0.0}, "top_p: Input should be greater than 0"),
        ({"max_new_tokens": 0}, "max_new_tokens: Input should be greater than 0"),
        ({"num_beams": 4}, "num_beams: Input should be 1"),
        ({"max_new_token": 4}, "did you mean max_new_tokens"),
        ({"streamer": object()}, "a streamer follows one answer, not 2"),
    ],
)
def test_what_it_cannot_do_is_said(nano, asked, tokenizer, options, complaint):
    with pytest.raises(ConfigError, match=complaint):
        nano.generate(**asked, tokenizer=tokenizer, **options)
