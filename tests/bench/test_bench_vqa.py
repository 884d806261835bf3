"""VQA accuracy of many questions against the same rule written out answer by answer; run with -m bench -s."""

import re
import time

import numpy as np
import pytest

from metrics.vqa import aggregate, measure
from metrics.vqa_normalise import ARTICLES, CONTRACTIONS, NUMBERS, PUNCTUATION, punctuation, words

pytestmark = pytest.mark.bench
QUESTIONS, ANNOTATORS = 40_000, 10
POOL = ["yes", "no", "Yes", "2", "two", "the dog", "a red car", "t-shirt", "on the left.", "dont know", "1,000", "none",
        "black and white", "skateboarding", "it's a cat, not a dog!", "3.5"]  # fmt: skip


def normalise(text):
    """The official rule, applied to one text without any memory of earlier ones."""
    result = text
    for mark in PUNCTUATION:
        touches = f"{mark} " in text or f" {mark}" in text
        result = result.replace(mark, "" if touches or re.search(r"\d,\d", text) else " ")
    kept = [NUMBERS.get(word, word) for word in re.sub(r"\.(?!\d)", "", result, count=32).lower().split()]
    return " ".join(CONTRACTIONS.get(word, word) for word in kept if word not in ARTICLES)


def answer_by_answer(answer, annotators):
    if len(set(annotators)) > 1:
        answer, annotators = normalise(answer), [normalise(text) for text in annotators]
    shares = []
    for left_out in range(len(annotators)):
        others = annotators[:left_out] + annotators[left_out + 1 :]
        shares.append(min(1.0, sum(text == answer for text in others) / 3))
    return sum(shares) / len(shares)


def test_vqa_accuracy():
    rng = np.random.default_rng(0)
    answers = [POOL[i] for i in rng.integers(0, len(POOL), QUESTIONS)]
    # Annotators mostly agree: each question has a likely answer.
    picks = np.where(rng.random((QUESTIONS, ANNOTATORS)) < 0.7, rng.integers(0, len(POOL), (QUESTIONS, 1)),
                     rng.integers(0, len(POOL), (QUESTIONS, ANNOTATORS)))  # fmt: skip
    annotators = [[POOL[i] for i in row] for row in picks.tolist()]
    start = time.process_time()
    peer = [answer_by_answer(answer, own) for answer, own in zip(answers, annotators, strict=True)]
    middle = time.process_time()
    punctuation.cache_clear()
    words.cache_clear()
    loop = time.process_time()
    rows = [measure(answer, own) for answer, own in zip(answers, annotators, strict=True)]
    accuracy = aggregate(rows)["accuracy"]
    seconds = time.process_time() - loop, middle - start
    print(f"\n{QUESTIONS} questions: refbench {seconds[0]:.2f} s, answer by answer {seconds[1]:.2f} s, ", end="")
    print(f"{seconds[1] / seconds[0]:.1f} x")
    assert [row["score"] for row in rows] == pytest.approx(peer, abs=1e-12)
    assert accuracy == pytest.approx(sum(peer) / len(peer), abs=1e-12)
