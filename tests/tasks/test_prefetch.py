import copy
import pickle
import threading
from pathlib import Path
from typing import ClassVar

import pytest
from PIL import Image

from benchmarks.errors import DataError
from benchmarks.schema import ImageRef, Query
from tasks.prefetch import Prefetcher

SIDE = 8


class Counted(ImageRef):
    """A photo that counts how often it is decoded, and in which thread."""

    opened: ClassVar = []

    def open_rgb(self):
        Counted.opened.append((self.path.name, threading.current_thread() is threading.main_thread()))
        return super().open_rgb()


@pytest.fixture
def questions(tmp_path):
    """Questions about photos by name; a new count of decodings."""
    Counted.opened = []

    def ask(*names):
        for name in names:
            if not (tmp_path / name).exists():
                Image.new("RGB", (SIDE, SIDE), (len(name), 0, 0)).save(tmp_path / name, format="PNG")
        return [Query(f"{k}", Counted(tmp_path / name, (SIDE, SIDE)), "", "", "box") for k, name in enumerate(names)]

    return ask


@pytest.fixture
def ahead():
    """A prefetcher of one thread."""
    prefetcher = Prefetcher(threads=1)
    yield prefetcher
    prefetcher.close()


def names():
    return [name for name, _ in Counted.opened]


def settle(prefetcher):
    """Wait for what was begun."""
    for future in list(prefetcher._made.values()):
        future.result()


def test_a_photo_is_decoded_once_for_all_its_questions_and_each_gets_its_own_copy(questions, ahead):
    first, second = ahead.hand_over(questions("a", "a"))
    pictures = [first.image.open_rgb(), second.image.open_rgb()]
    pictures[0].putpixel((0, 0), (9, 9, 9))
    assert pictures[1].getpixel((0, 0)) == (1, 0, 0)
    assert names() == ["a"]
    assert first.image == second.image and hash(first.image) == hash(second.image)


def test_nothing_is_decoded_ahead_for_a_model_that_opens_no_photo(questions, ahead):
    ahead.hand_over(questions("a"))
    ahead.expect(questions("b"))
    assert names() == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("photos")]


def test_the_photos_that_come_next_are_decoded_in_another_thread(questions, ahead):
    ahead.hand_over(questions("a"))[0].image.open_rgb()
    ahead.expect(questions("b", "b", "c"))
    settle(ahead)
    assert Counted.opened == [("a", True), ("b", False), ("c", False)]
    for query in ahead.hand_over(questions("b", "c")):
        assert query.image.open_rgb().size == (SIDE, SIDE)
    assert names() == ["a", "b", "c"]
    ahead.hand_over(questions("a"))[0].image.open_rgb()
    assert names() == ["a", "b", "c", "a"]


def test_a_model_with_its_own_preprocessing_has_that_done_ahead(questions, ahead):
    class Model:
        seen: ClassVar = []

        def see(self, image):
            self.seen.append(image.path.name)
            return image.open_rgb().size

    model = Model()
    assert questions("z")[0].image.seen(model.see) == (SIDE, SIDE)
    ahead.hand_over(questions("a"))[0].image.seen(model.see)
    ahead.expect(questions("b"))
    settle(ahead)
    assert ahead.hand_over(questions("b"))[0].image.seen(model.see) == (SIDE, SIDE)
    assert Model.seen == ["z", "a", "b"]
    assert ahead.hand_over(questions("b"))[0].image.open_rgb().size == (SIDE, SIDE)


def test_memory_bounds_what_waits(questions):
    prefetcher = Prefetcher(threads=1, most_bytes=2 * 3 * SIDE * SIDE)
    prefetcher.hand_over(questions("a"))[0].image.open_rgb()
    prefetcher.expect(questions("b", "c", "d"))
    settle(prefetcher)
    assert names() == ["a", "b"]
    for query in prefetcher.hand_over(questions("b", "c", "d")):
        query.image.open_rgb()
    assert sorted(names()) == ["a", "b", "c", "d"]
    assert len(prefetcher._made) == 2
    prefetcher.close()


def test_a_photo_that_cannot_be_decoded_says_so_where_it_is_opened(questions, ahead, tmp_path):
    ahead.hand_over(questions("a"))[0].image.open_rgb()
    queries = questions("b", "c")
    (tmp_path / "b").write_bytes(b"torn")
    ahead.expect(queries)
    settled = ahead.hand_over(queries)
    for _ in range(2):
        with pytest.raises(DataError, match="b cannot be decoded"):
            settled[0].image.open_rgb()
    assert settled[1].image.open_rgb().size == (SIDE, SIDE)


def test_another_process_gets_the_photo_itself():
    photo = ImageRef(Path("a.png"), (4, 4))
    (query,) = Prefetcher().hand_over([Query("s", photo, "", "", "box", frames=(photo,))])
    assert query.image != photo and query.frames == (query.image,)
    assert pickle.loads(pickle.dumps(query.image)) == copy.deepcopy(query.image) == photo
