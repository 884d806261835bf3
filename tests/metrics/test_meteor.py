import shutil
import subprocess

import pytest

from metrics import meteor
from metrics.errors import DataError

needs_jar = pytest.mark.skipif(meteor.unavailable() is not None, reason="needs Java and pycocoevalcap")
CANDIDATES = ["a dog runs", "two cats sit on a mat", "xyzzy", "", "the man walked quickly", "a big house"]
REFERENCES = [["a dog runs"], ["a mat has two cats", "two cats sat on the mat"], ["a bird"], ["a bird"],
              ["a man walks fast"], ["a large house", "a big home"]]  # fmt: skip


@pytest.fixture(scope="module")
def rows():
    return meteor.measure_all(CANDIDATES, REFERENCES)


@needs_jar
def test_a_repeated_caption_scores_one_and_an_unrelated_one_nothing(rows):
    assert meteor.aggregate([rows[0]]) == {"meteor": 1.0}
    assert meteor.aggregate([rows[2]]) == meteor.aggregate([rows[3]]) == {"meteor": 0.0}


@needs_jar
def test_synonyms_and_stems_count_as_the_jar_finds_them(rows):
    assert rows[4]["meteor_stem_content"] + rows[4]["meteor_synonym_content"] > 0
    assert 0 < meteor.aggregate([rows[4]])["meteor"] < 1


@needs_jar
def test_scores_equal_the_ones_of_the_jar(rows):
    score = [f"SCORE ||| {' ||| '.join(own)} ||| {c}" for c, own in zip(CANDIDATES, REFERENCES, strict=True)]
    command = ["java", "-Xmx2G", "-jar", str(meteor._jar()), "-", "-", "-stdio", "-l", "en", "-norm"]
    ask = {"cwd": meteor._jar().parent, "capture_output": True, "check": True, "text": True}
    stats = subprocess.run(command, input="\n".join(score) + "\n", **ask).stdout.splitlines()
    printed = subprocess.run(command, input="EVAL ||| " + " ||| ".join(stats) + "\n", **ask).stdout.split()
    want = [float(value) for value in printed]
    # 1e-6 is the tolerance of the golden files; the last number is the corpus score.
    assert [meteor.aggregate([row])["meteor"] for row in rows] == pytest.approx(want[:-1], abs=1e-6)
    assert meteor.aggregate(rows)["meteor"] == pytest.approx(want[-1], abs=1e-6)


def test_without_java_the_remedy_is_named(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    reason = meteor.unavailable()
    assert "java" in reason or "pycocoevalcap" in reason
    with pytest.raises(DataError, match="METEOR cannot be computed"):
        meteor.measure_all(["a"], [["a"]])


def test_without_the_extra_the_remedy_is_named(monkeypatch):
    monkeypatch.setattr(meteor, "_jar", lambda: None)
    assert 'pip install "refbench[captions]"' in meteor.unavailable()


def test_a_jar_that_answers_nonsense_is_reported():
    with pytest.raises(DataError, match="not 23 numbers"):
        meteor._row("1 2 3")
