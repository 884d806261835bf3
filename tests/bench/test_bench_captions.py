"""Captions without METEOR against pycocoevalcap's tokenizer (a jar), BLEU, ROUGE-L and CIDEr; run with -m bench -s."""

import shutil
import time

import numpy as np
import pytest

from metrics.captions import aggregate, measure_all
from metrics.ptb import _chunk

pytestmark = pytest.mark.bench
IMAGES, REFERENCES, WORDS = 5_000, 5, 8_000
MARKS = [".", ".", ".", "", "", ",", "!", " '", '"', "'s", ", which isn't,", " (left)", "-day", " 3.5", " & co."]


def captions(rng, vocabulary, count):
    """Captions of about eleven words whose frequencies fall as in real text, with marks at their ends and inside."""
    texts = []
    for length in rng.poisson(10.5, count):
        places = np.minimum(rng.zipf(1.25, max(int(length), 1)), WORDS) - 1
        own = [vocabulary[place] for place in places]
        own[rng.integers(len(own))] += MARKS[rng.integers(len(MARKS))]
        texts.append(" ".join(own).capitalize() + MARKS[rng.integers(len(MARKS))])
    return texts


@pytest.fixture(scope="module")
def texts():
    rng = np.random.default_rng(0)
    letters = list("abcdefghijklmnopqrstuvwxyz")
    vocabulary = ["".join(rng.choice(letters, rng.integers(1, 10))) for _ in range(WORDS)]
    references = captions(rng, vocabulary, IMAGES * REFERENCES)
    grouped = [references[i * REFERENCES : (i + 1) * REFERENCES] for i in range(IMAGES)]
    # Half of the candidates repeat a piece of a reference, so that long n-grams match too.
    candidates = [
        f"{' '.join(own[0].split()[2:])} {other}" if rng.random() < 0.5 else other
        for own, other in zip(grouped, captions(rng, vocabulary, IMAGES), strict=True)
    ]
    return candidates, grouped


def official(candidates, references):
    """pycocoevalcap's scores, and the wall seconds of its parts."""
    tokenizer = pytest.importorskip("pycocoevalcap.tokenizer.ptbtokenizer").PTBTokenizer()
    scorers = {
        "bleu": pytest.importorskip("pycocoevalcap.bleu.bleu").Bleu(4),
        "rouge_l": pytest.importorskip("pycocoevalcap.rouge.rouge").Rouge(),
        "cider": pytest.importorskip("pycocoevalcap.cider.cider").Cider(),
    }
    seconds, start = {}, time.perf_counter()
    truth = tokenizer.tokenize({i: [{"caption": text} for text in own] for i, own in enumerate(references)})
    answers = tokenizer.tokenize({i: [{"caption": text}] for i, text in enumerate(candidates)})
    seconds["tokens"] = time.perf_counter() - start
    scores = {}
    for name, scorer in scorers.items():
        start = time.perf_counter()
        quiet = {"verbose": 0} if name == "bleu" else {}
        value = scorer.compute_score(truth, answers, **quiet)[0]
        seconds[name] = time.perf_counter() - start
        scores |= {f"bleu{n}": v for n, v in enumerate(value, 1)} if name == "bleu" else {name: value}
    return scores, seconds


def test_captions_without_meteor(texts):
    if shutil.which("java") is None:
        pytest.skip("the official tokenizer needs Java")
    want, seconds = official(*texts)
    _chunk.cache_clear()
    start = time.perf_counter()
    scores = aggregate(measure_all(*texts, with_meteor=False))
    own, peer = time.perf_counter() - start, sum(seconds.values())
    parts = ", ".join(f"{name} {value:.2f}" for name, value in seconds.items())
    print(f"\n{IMAGES} captions, {REFERENCES} references each: pycocoevalcap {peer:.2f} s ({parts})")
    print(f"refbench {own:.2f} s, {peer / own:.2f} x")
    # The tolerances of the golden files.
    assert scores.pop("cider") == pytest.approx(want.pop("cider"), abs=1e-8)
    assert scores == pytest.approx(want, abs=1e-10)
