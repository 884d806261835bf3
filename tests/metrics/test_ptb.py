"""Expected tokens were printed by the official tokenizer; the jar itself is asked where Java and it are installed."""

import csv
import json
import os
import random
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.ptb import LINE_SEPARATORS, PUNCTUATION, tokenize

SHARED = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared"))


def jar():
    spec = find_spec("pycocoevalcap")
    places = spec.submodule_search_locations if spec else []
    return next(
        (p for p in (Path(place) / "tokenizer/stanford-corenlp-3.4.1.jar" for place in places) if p.exists()), None
    )


needs_jar = pytest.mark.skipif(jar() is None or shutil.which("java") is None, reason="needs Java and pycocoevalcap")


def official(captions, folder):
    """What coco-caption makes of captions without line separators."""
    path = folder / "captions.txt"
    path.write_text("\n".join(captions), encoding="utf-8", newline="")
    command = ["java", "-cp", str(jar()), "edu.stanford.nlp.process.PTBTokenizer", "-preserveLines", "-lowerCase"]
    printed = subprocess.run([*command, str(path)], capture_output=True, check=True).stdout.decode()
    lines = printed.split("\n")[: len(captions)]
    return [" ".join(w for w in line.rstrip().split(" ") if w not in PUNCTUATION) for line in lines]


@pytest.mark.parametrize(
    ("caption", "tokens"),
    [
        ("A man's dog can't run.", "a man 's dog ca n't run"),
        ("cannot gonna 'tis", "can not gon na 't is"),
        ("Mr. Smith met Ph.D. students, etc.", "mr. smith met ph.d. students etc."),
        ("the dog sat. It ran", "the dog sat it ran"),
        ("No. 5 said no.", "no. 5 said no"),
        ("(a) [b] {c}", "-lrb- a -rrb- -lsb- b -rsb- -lcb- c -rcb-"),
        ("£5 €10 5¢ 1½", "# 5 $ 10 5 cents 1 1/2"),
        ("see http://a.b/c, www.x.com. or me@x.org", "see http://a.b/c www.x.com or me@x.org"),
        ("(555) 123-4567", "-lrb-555-rrb-\xa0123-4567"),
        ("what?! no... :) <3", "what ?! no :-rrb- < 3"),
        ("emoji 🐶 dog", "emoji dog"),
        ("“curly” ‘quotes’ don’t", "curly quotes do n't"),
        ("AT&T at&t R&B", "at&t at & t r&b"),
        ("10-year-old's 5'10\" '90s", "10-year-old 's 5 10 '90s"),
        ("", ""),
    ],
)
def test_tokens_are_those_of_the_official_tokenizer(caption, tokens):
    assert tokenize([caption]) == [tokens]


@pytest.mark.parametrize("separator", LINE_SEPARATORS + "\n")
def test_a_line_separator_is_a_space_and_never_moves_the_next_caption(separator):
    assert tokenize([f"two{separator}words", "second caption here"]) == ["two words", "second caption here"]


def test_an_initial_keeps_its_dot_unless_the_next_caption_starts_a_sentence():
    assert tokenize(["vitamin A.", "The cat"])[0] == "vitamin a"
    assert tokenize(["vitamin A.", "a cat"])[0] == "vitamin a."


@given(st.lists(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Z", "C"]))))
def test_any_text_gives_one_line_of_lower_case_tokens(captions):
    lines = tokenize(captions)
    assert len(lines) == len(captions)
    for line in lines:
        assert "  " not in line
        assert not PUNCTUATION.intersection(line.split(" "))
        assert all(char not in line for char in LINE_SEPARATORS + "\n")


@given(st.lists(st.text("ab Z19.'-,/&()", max_size=12)))
def test_the_cache_of_words_changes_nothing(captions):
    assert tokenize(captions) == tokenize(captions)
    assert [tokenize([c])[0] for c in captions if not c.rstrip().endswith(".")] == [
        line for c, line in zip(captions, tokenize(captions), strict=True) if not c.rstrip().endswith(".")
    ]


PIECES = """
a the Dog cat's dogs' don't DON’T won't he'll I'm cannot gonna U.S. e.g. etc. Mr. St. Jan. No. p.m.
5 12.5 1,000 3/4 50% $5 £5 5¢ 1st '90s 10-year-old T-shirt www.foo.com http://a.bc/d me@x.com :) <3
-> — - -- ... … . , ; : ! ? !! ?! ( ) [ ] " ' ` “ ” ‘ ’ & &amp; @user #tag AT&T a/b w/ café Zoë 日本
👍 ½ ° ™ 10:30 555-1234 + = < > <b> * _ ~ ^ | o'clock O'Brien y'all rock'n'roll 'em 'tis I A The He
It 1.5-inch 5'10" 2x4 Inc. Co. vs. Ph.D. C++ Node.js image.png 16:9
"""


@needs_jar
def test_odd_texts_equal_the_jar(tmp_path):
    rng = random.Random(0)
    pieces = PIECES.split()
    texts = [" ".join(rng.choice(pieces) for _ in range(rng.randint(1, 9))) for _ in range(20000)]
    glued = ["".join(rng.choice("ab1B.,-' ’/&") for _ in range(rng.randint(1, 8))) for _ in range(20000)]
    assert tokenize(texts) == official(texts, tmp_path)
    assert tokenize(glued) == official(glued, tmp_path)


@needs_jar
@pytest.mark.skipif(not (SHARED / "data").is_dir(), reason="sample data are absent")
def test_real_captions_answers_and_descriptions_equal_the_jar(tmp_path):
    data = SHARED / "data"
    texts = [
        row["caption"]
        for name in ("coco_captions_mini/captions_val2014_subset", "coco_format_samples/captions_val2017.sample100")
        for row in json.loads((data / f"{name}.json").read_text())["annotations"]
    ]
    for name in ("captions_val2014_fakecap_results", "results_gpt4_detail"):
        texts += [row["caption"] for row in json.loads((data / f"coco_captions_mini/{name}.json").read_text())]
    expressions = json.loads((data / "refexp_results/refer_sample_expressions_testA.json").read_text())
    texts += [row["sent"] for row in expressions["predictions"]]
    for row in json.loads((data / "vqa_samples/TextVQA_0.5.1_val.sample.json").read_text())["data"]:
        texts += [row["question"], *row["answers"]]
    answers = (data / "vlm_raw_outputs/pope_Instruction2_instructblip.json").read_text().splitlines()
    texts += [json.loads(line)["text"] for line in answers]
    with open(data / "vlm_raw_outputs/refcoco_qwen3vl_base_attempts.csv", newline="") as file:
        texts += [row["raw_response"] for row in csv.DictReader(file)]
    texts = [text.translate(dict.fromkeys(map(ord, "\n" + LINE_SEPARATORS), " ")) for text in texts]
    assert tokenize(texts) == official(texts, tmp_path)
