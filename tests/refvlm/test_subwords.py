"""Sub-word tokenizers, trained here: text comes back as it was, and the constraint holds whatever the pieces are."""

import json
import random
import re

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from benchmarks.errors import ModelError
from refvlm.constrain import Automaton, Vocabulary
from refvlm.subwords import SubwordTokenizer
from refvlm.tokenizer import EOS, PAD, REGION, load_tokenizer
from refvlm.trp import SPECIAL_TOKENS, UNITS, Text, Triplet, answer_for, parse, render

HAT = Triplet("a red hat", "mask", 1)
MAN = Triplet("the man in a red hat's left", "box", 12, (Text("the man in "), HAT, Text("'s left")))
BODIES = (
    (Triplet("the red star", "box", 1), Text(".")),
    (Triplet("circle", "mask", 3), Text(", "), Triplet("the large blue square", "keypoint", 16), Text(".")),
    (Text("the circle is red.\nIt has a café, 12 zebras & more…"),),
    (Text("the "), Triplet("red circle", "mask", 12), Text(" left of "), Triplet("man's x-ray, upside", "depth", 100)),
    (Triplet("zebras", "point", 100), Text(",")),
    (MAN, Text(" and "), Triplet("a red hat red star", "point", 1, (HAT, Text(" "), Triplet("red star", "box", 1)))),
)
CORPUS = [
    *(render(answer_for(body)) for body in BODIES),
    *(f"- Name: a {word} Unit: {unit} Num: {n}\n" for word in ("star", "dog") for unit in UNITS for n in range(10)),
    "user: Segment the left cat with a mask.\nassistant: <region> Unit decode (True).\nUnit decode (False).\n",
]
CORPUS = [re.sub("<[^>]*>", " ", text) for text in CORPUS]  # the tokens of the grammar come on top
SPECIAL = ["<unk>", "<s>", "</s>"]


def byte_level() -> Tokenizer:
    """As in GPT-2 and Llama 3: bytes as letters, nothing in front."""
    out = Tokenizer(models.BPE())
    out.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    out.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    out.train_from_iterator(
        CORPUS, trainers.BpeTrainer(vocab_size=420, special_tokens=SPECIAL, initial_alphabet=alphabet)
    )
    return out


def llama_like() -> Tokenizer:
    """As in Llama 2: "▁" for a space and in front of all text, unknown characters as bytes, a token of beginning."""
    bytes_ = [f"<0x{i:02X}>" for i in range(256)]
    out = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    out.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    out.decoder = decoders.Sequence(steps)
    cleaned = [text.replace("\n", "▁").replace("é", "").replace("…", "") for text in CORPUS]
    words = [f"▁{word}" for text in cleaned for word in text.replace("▁", " ").split()]
    out.normalizer, kept = None, out.normalizer
    out.train_from_iterator(words, trainers.BpeTrainer(vocab_size=700, special_tokens=[*SPECIAL, *bytes_]))
    content = json.loads(out.to_str())
    content["added_tokens"] = [each for each in content["added_tokens"] if each["content"] in SPECIAL]
    out = Tokenizer.from_str(json.dumps(content))  # bytes are ordinary tokens of Llama's
    out.normalizer = kept
    out.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return out


def unigram() -> Tokenizer:
    """As in T5 and ALBERT: pieces by probability, "▁" in front of words."""
    out = Tokenizer(models.Unigram())
    out.pre_tokenizer = pre_tokenizers.Metaspace()
    out.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=200, special_tokens=SPECIAL, unk_token="<unk>", initial_alphabet=[chr(i) for i in range(33, 127)]
    )
    out.train_from_iterator([*CORPUS, "\n\n ▁ "], trainer)
    return out


KINDS = {"byte_level": byte_level, "llama_like": llama_like, "unigram": unigram}


@pytest.fixture(scope="module", params=KINDS)
def tokenizer(request) -> SubwordTokenizer:
    return SubwordTokenizer(KINDS[request.param](), end="</s>", pad="<unk>")


def walk(tokenizer, vocabulary, room, choose):
    automaton, ids = Automaton(vocabulary, room), []
    for _ in range(room + 1):
        token = choose(automaton.allowed())
        automaton.take(token)
        if token == tokenizer.ids[EOS]:
            return ids
        ids.append(token)
    raise AssertionError(f"no end after {room} tokens: {tokenizer.decode(ids)}")


@pytest.mark.parametrize(
    "text", [*(render(answer_for(body)) for body in BODIES), "  two  spaces ", "Segment <region>."]
)
def test_text_comes_back_as_it_was(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text)) == text.replace(REGION, "<VRT>")


def test_it_puts_nothing_in_front_as_its_original_does():
    original = llama_like()
    assert original.decode(original.encode("red").ids, skip_special_tokens=False) == "<s> red"
    ours = SubwordTokenizer(original, "</s>", "<unk>")
    assert ours.decode(ours.encode("red")) == "red"
    assert ours.encode("the red") == [*ours.encode("the"), *ours.encode(" red")]
    assert original.encode("red").tokens[0] == "<s>"  # what was given is left alone


def test_grammar_tokens_are_one_id_each_in_the_published_order(tokenizer):
    ids = [tokenizer.encode(token) for token in SPECIAL_TOKENS]
    assert ids == [[len(tokenizer) - 10 + place] for place in range(10)]
    assert len(Vocabulary.of(tokenizer, UNITS).words.text) == len(tokenizer)
    assert tokenizer.encode(REGION) == [tokenizer.ids[REGION]] == [tokenizer.special_ids["<VRT>"]]


def test_decoding_stops_at_the_end_and_skips_padding(tokenizer):
    red, ids = tokenizer.encode("red"), tokenizer.ids
    assert tokenizer.decode([ids[PAD], *red, ids[EOS], *red]) == "red"


def test_what_cannot_be_spelled_stays_visible():
    ours = SubwordTokenizer(unigram(), "</s>", "<s>")
    assert ours.decode(ours.encode("a 猫.")) == "a ⁇."


@pytest.mark.parametrize("body", BODIES)
def test_every_answer_as_training_encodes_it_may_be_said(tokenizer, body):
    vocabulary = Vocabulary.of(tokenizer, (*UNITS, "text"))
    ids = [*tokenizer.encode(render(answer_for(body))), tokenizer.ids[EOS]]
    automaton = Automaton(vocabulary, len(ids) + 200)  # phrases are reckoned by their bytes: some room to spare
    for place, token in enumerate(ids):
        assert automaton.allowed()[token], tokenizer.decode(ids[:place])
        automaton.take(token)


def test_random_choices_make_answers_that_parse_and_agree(tokenizer):
    """`eager` is the chance to end a phrase or to begin one more, so that long answers come as well as short ones."""
    vocabulary = Vocabulary.of(tokenizer, UNITS)
    onward = (vocabulary.unit_field[0], vocabulary.item[0])
    said: list[str] = []
    for seed in range(150):
        source = random.Random(seed)
        eager, room = source.uniform(0.05, 0.9), source.randint(vocabulary.least_room, 500)

        def choose(allowed, source=source, eager=eager):
            wanted = [i for i in onward if allowed[i]]
            eagerly = wanted and source.random() < eager
            return wanted[0] if eagerly else source.choice(allowed.nonzero()[:, 0].tolist())

        answer = parse(tokenizer.decode(walk(tokenizer, vocabulary, room, choose)))
        assert answer.ok, answer.diagnostics
        assert answer.plan_agrees, answer
        said.extend(item.phrase for item in answer.plan)
    assert len(set(said)) > 50
    assert all(phrase == phrase.strip() != "" for phrase in said)


def test_answers_with_units_fit_into_little_room_and_counts_of_many_digits_end(tokenizer):
    """Always goes for one more phrase and the largest count: the room decides."""
    vocabulary = Vocabulary.of(tokenizer, ("mask",))
    eager = (vocabulary.unit_field[0], *vocabulary.flags[0], vocabulary.item[0], *vocabulary.counts[-1])
    wanted = [i for i in eager if i not in vocabulary.opening]  # the end of a line would end a count
    counts = set()

    def choose(allowed):
        return next((i for i in wanted if allowed[i]), int(allowed.nonzero()[-1]))

    for room in (60, 150, 400, 900):
        answer = parse(tokenizer.decode(walk(tokenizer, vocabulary, room, choose)))
        assert answer.ok
        assert answer.plan_agrees
        counts |= {item.count for item in answer.plan}
    assert max(counts) == 100


def test_no_end_or_a_tokenizer_that_changes_text_is_refused():
    with pytest.raises(ModelError, match="no token '<end>'"):
        SubwordTokenizer(byte_level(), "<end>", "<unk>")
    lower = byte_level()
    lower.normalizer = normalizers.Lowercase()
    with pytest.raises(ModelError, match="changes text"):
        SubwordTokenizer(lower, "</s>", "<unk>")


def test_a_saved_tokenizer_loads_again_and_a_broken_one_is_refused(tokenizer, tmp_path):
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    again = load_tokenizer(path)
    assert isinstance(again, SubwordTokenizer)
    assert again.ids == tokenizer.ids
    text = render(answer_for(BODIES[3]))
    assert again.encode(text) == tokenizer.encode(text)
    path.write_text('{"subwords": {}, "end": "</s>", "pad": "<unk>"}')
    with pytest.raises(ModelError, match=r"tokenizer\.json is no tokenizer"):
        load_tokenizer(path)


def test_the_tokenizer_of_a_language_models_folder_is_read(tmp_path):
    from transformers import PreTrainedTokenizerFast

    PreTrainedTokenizerFast(tokenizer_object=llama_like(), eos_token="</s>", unk_token="<unk>").save_pretrained(
        tmp_path
    )
    ours = SubwordTokenizer.from_pretrained(tmp_path)
    assert ours.ids[PAD] == ours._backend.token_to_id("<unk>")
    text = render(answer_for(BODIES[0]))
    assert ours.decode(ours.encode(text)) == text
    with pytest.raises(ModelError, match="holds no tokenizer"):
        SubwordTokenizer.from_pretrained(tmp_path / "nowhere")
