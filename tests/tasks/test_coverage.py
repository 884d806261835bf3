from benchmarks.schema import Prediction
from results.record import Coverage
from tasks.coverage import MOST_IDS, prove


def test_every_sample_answered_once_is_exact(toy, tmp_path):
    samples = toy.make_split(tmp_path, 4).samples
    proof = prove(samples, [Prediction(sample.id, "ok") for sample in reversed(samples)])
    assert proof == Coverage(expected=4, seen=4, missing=0, duplicated=0, unexpected=0, failed=0)
    assert proof.is_exact


def test_what_is_missing_twice_or_unasked_for_is_counted_and_named(toy, tmp_path):
    samples = toy.make_split(tmp_path, 4).samples
    ids = [samples[0].id, samples[1].id, samples[1].id, "other"]
    answers = [Prediction(name, "failed" if name == samples[0].id else "ok") for name in ids]
    proof = prove(samples, answers)
    assert not proof.is_exact
    assert (proof.seen, proof.missing, proof.duplicated, proof.unexpected, proof.failed) == (2, 2, 1, 1, 1)
    assert proof.ids == {
        "missing": (samples[2].id, samples[3].id),
        "duplicated": (samples[1].id,),
        "unexpected": ("other",),
        "failed": (samples[0].id,),
    }


def test_failed_samples_are_part_of_an_exact_run_and_lists_are_bounded(toy, tmp_path):
    samples = toy.make_split(tmp_path, MOST_IDS + 5).samples
    proof = prove(samples, [Prediction(sample.id, "failed") for sample in samples])
    assert proof.is_exact and proof.failed == MOST_IDS + 5
    assert len(proof.ids["failed"]) == MOST_IDS


def test_a_run_keeps_its_proof(go):
    record = go()
    assert record.coverage == Coverage(expected=10, seen=10, missing=0, duplicated=0, unexpected=0, failed=0)
    assert go() == record
