"""Sizes of photos are read from headers once, and again as soon as a file changes."""

import os

import pytest
from PIL import Image

from benchmarks import photos
from benchmarks.errors import DataError

NAMES = [f"{number}.png" for number in range(6)]
LONG_AGO = 1_600_000_000


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Six photos of different sizes, remembered from three on."""
    monkeypatch.setattr(photos, "REMEMBERED_FROM", 3)
    for number, name in enumerate(NAMES):
        save(tmp_path / name, number + 1)
    return tmp_path


def save(path, width, time=LONG_AGO):
    Image.new("RGB", (width, 2)).save(path)
    os.utime(path, (time, time))


@pytest.fixture
def read(folder, monkeypatch):
    """Read the sizes; return them and how many headers were opened for it."""
    opened = []
    real = photos.image_size_hw
    monkeypatch.setattr(photos, "image_size_hw", lambda path: opened.append(path) or real(path))

    def run(names=NAMES):
        opened.clear()
        found = photos.sized(folder, ["."], names, "nobody")
        return [found[name].size_hw for name in names], len(opened)

    return run


SIZES = [(2, number + 1) for number in range(6)]


def test_a_second_start_opens_no_header(read):
    assert read() == (SIZES, 6)
    assert read() == (SIZES, 0)


def test_few_photos_are_simply_read(read):
    assert read(NAMES[:2]) == (SIZES[:2], 2)
    assert read(NAMES[:2]) == (SIZES[:2], 2)


def test_a_changed_photo_is_seen(read, folder):
    read()
    save(folder / "3.png", 40, LONG_AGO + 1)
    assert read() == ([*SIZES[:3], (2, 40), *SIZES[4:]], 6)


def test_photos_that_just_changed_are_not_remembered(read, folder):
    Image.new("RGB", (9, 2)).save(folder / "0.png")
    assert read()[1] == read()[1] == 6


def test_another_order_or_choice_is_read_for_itself(read):
    read()
    assert read(NAMES[::-1])[0] == SIZES[::-1]
    assert read(NAMES[1:])[0] == SIZES[1:]


def test_what_is_no_image_is_named(read, folder):
    (folder / "4.png").write_bytes(b"no image")
    os.utime(folder / "4.png", (LONG_AGO, LONG_AGO))
    with pytest.raises(DataError, match=r"4\.png is no image that can be read"):
        read()
