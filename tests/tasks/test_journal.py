import pytest

from benchmarks.schema import Prediction
from tasks.journal import Journal, plan


@pytest.fixture
def batches(toy, tmp_path):
    """Seven samples in batches of three."""
    return plan(toy.make_split(tmp_path, 7).samples, 3)


def answers(batch):
    return [Prediction(sample.id, "ok", text="t", seconds=0.5) for sample in batch.samples]


@pytest.fixture
def full(tmp_path, batches):
    """A journal that holds every batch, as bytes of its lines."""
    with Journal(tmp_path / "full", batches) as journal:
        for batch in batches:
            journal.append(batch, answers(batch))
    return (tmp_path / "full" / "rank-0.jsonl").read_bytes()


def recover(tmp_path, batches, **files):
    """Write the files, recover, and say which batches are complete and what the files hold now."""
    folder = tmp_path / "predictions"
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / f"rank-{name[-1]}.jsonl").write_bytes(data)
    complete = Journal(folder, batches).recover()
    return complete, {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_batches_are_consecutive_and_cover_everything_once(toy, tmp_path):
    samples = toy.make_split(tmp_path, 7).samples
    batches = plan(samples, 3)
    assert [batch.number for batch in batches] == [0, 1, 2]
    assert [len(batch.samples) for batch in batches] == [3, 3, 1]
    assert tuple(sample for batch in batches for sample in batch.samples) == samples


def test_every_cut_of_the_file_leaves_whole_batches_only(tmp_path, batches, full):
    ends = [0, *(sum(map(len, full.splitlines(keepends=True)[:count])) for count in (3, 6, 7))]
    for cut in range(0, len(full) + 1, 7):
        complete, files = recover(tmp_path / str(cut), batches, r0=full[:cut])
        whole = sum(cut >= end for end in ends) - 1
        assert complete == set(range(whole))
        assert files == {"rank-0.jsonl": full[: ends[whole]]}


def test_damage_in_the_middle_costs_its_batch_only(tmp_path, batches, full):
    lines = full.splitlines(keepends=True)
    lines[1] = b"\x00" * 20 + b"\n"
    complete, files = recover(tmp_path, batches, r0=b"".join(lines))
    assert complete == {1, 2}
    assert files["rank-0.jsonl"] == b"".join(lines[3:])


@pytest.mark.parametrize("order", [[0, 2, 1], [0, 1], [0, 1, 1, 2], [3, 1, 2]], ids=str)
def test_a_batch_with_other_samples_than_planned_is_dropped(tmp_path, batches, full, order):
    lines = full.splitlines(keepends=True)
    first = b"".join(lines[place].replace(b'"batch":1', b'"batch":0') for place in order)
    assert recover(tmp_path, batches, r0=first + b"".join(lines[3:]))[0] == {1, 2}


def test_several_ranks_are_read_and_a_batch_done_twice_is_kept_once(tmp_path, batches, full):
    lines = full.splitlines(keepends=True)
    complete, files = recover(tmp_path, batches, r0=b"".join(lines[:3]), r1=full)
    assert complete == {0, 1, 2}
    assert files == {"rank-0.jsonl": b"".join(lines[:3]), "rank-1.jsonl": b"".join(lines[3:])}


def test_merging_gives_the_order_of_the_samples_and_their_seconds(tmp_path, batches):
    with Journal(tmp_path / "predictions", batches) as journal:
        for batch in reversed(batches):
            journal.append(batch, answers(batch))
        assert journal.merge() == [answer for batch in batches for answer in answers(batch)]


def test_appending_goes_on_after_what_was_recovered(tmp_path, batches, full):
    (tmp_path / "predictions").mkdir()
    (tmp_path / "predictions" / "rank-0.jsonl").write_bytes(full[:-5])
    with Journal(tmp_path / "predictions", batches) as journal:
        assert journal.recover() == {0, 1}
        journal.append(batches[2], answers(batches[2]))
    assert (tmp_path / "predictions" / "rank-0.jsonl").read_bytes() == full
