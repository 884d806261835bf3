"""The contract of models that sample: a generator per query, started from its seed."""

import random

import pytest

from benchmarks.schema import Group, Instance, Prediction


class Sampler:
    """Draws a box per query from the query's own generator; has memory for so many queries."""

    def __init__(self, room=99):
        self.room, self.sizes = room, []

    def predict(self, queries):
        self.sizes.append(len(queries))
        if len(queries) > self.room:
            raise MemoryError
        return [self._answer(query, random.Random(query.seed)) for query in queries]

    def fingerprint(self):
        return "sampler"

    def _answer(self, query, generator):
        x, y = generator.uniform(0, 10), generator.uniform(0, 10)
        group = Group("thing", "box", (Instance(box_xyxy=(x, y, x + 8, y + 8)),))
        return Prediction(query.sample_id, "ok", "", query.prompt, (group,))


@pytest.fixture
def files(go, toy, tmp_path):
    """Run a sampler and read what lasts."""

    def run(out, model, split, **options):
        go(out, model=model, split=split, **options)
        folder = toy.folder_of(tmp_path / out)
        return [(folder / name).read_bytes() for name in ("predictions.jsonl", "rows.npz", "result.json")]

    return run


def test_predictions_are_the_same_for_any_size_of_batch_order_and_lack_of_memory(files, toy, tmp_path):
    split = toy.make_split(tmp_path, 70)
    alone = files("alone", Sampler(), split, batch_size=1)
    for size in (3, 32, "auto"):
        assert files(f"by-{size}", Sampler(), split, batch_size=size) == alone
    model = Sampler(room=5)
    assert files("small", model, split, batch_size=32) == alone
    assert max(size for size in model.sizes if size <= 5) == 4


def test_another_seed_draws_other_numbers(files, toy, tmp_path):
    split = toy.make_split(tmp_path)
    assert files("one", Sampler(), split)[0] != files("other", Sampler(), split, seed=1)[0]
