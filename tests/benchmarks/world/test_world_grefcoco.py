"""The gRefCOCO files of the sample world: every expression means exactly what the scene says."""

import json
import re
from collections import Counter

import numpy as np
import pytest

from benchmarks.registry import benchmark
from benchmarks.world.expressions import all_expressions
from benchmarks.world.grefcoco import expressions, write_grefs
from benchmarks.world.scenes import COLOURS, HELD_OUT, SHAPES, generate
from benchmarks.world.write import write_world

SEED = 5
SCENES = {"train": 4, "val": 20, "test": 60, "shifted": 20}
ALL = re.compile(rf"all ?(small|large)? ?({'|'.join(COLOURS)})? ?(object|{'|'.join(SHAPES)})e?s")
NOUN = re.compile(rf"(?:all )?(?:(small|large) )?(?:({'|'.join(COLOURS)}) )?(object|{'|'.join(SHAPES)})(?:e?s)?")


def parts(text):
    """Size, colour and shape that a noun phrase names."""
    size, colour, noun = NOUN.fullmatch(text).groups()
    named = {"size": size, "colour": colour, "shape": None if noun == "object" else noun}
    return {key: value for key, value in named.items() if value}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    out = tmp_path_factory.mktemp("world") / "root"
    write_world(out, seed=SEED, scenes=SCENES)
    return out


@pytest.fixture(scope="module")
def asked(root):
    """Every ref with its scene and the rows of the objects that it means."""
    annotations = json.loads((root / "grefcoco" / "instances.json").read_text())["annotations"]
    numbered = [(split, index) for split, count in SCENES.items() for index in range(count)]
    scenes = {n: generate(SEED, *place) for n, place in enumerate(numbered, start=1)}
    owners = {n: [a["id"] for a in annotations if a["image_id"] == n] for n in scenes}
    refs = json.loads((root / "grefcoco" / "grefs(unc).json").read_text())
    return [
        (ref, scenes[number].things, [owners[number].index(each) for each in ref["ann_id"] if each > 0])
        for ref in refs
        for number in [ref["image_id"]]
    ]


def test_what_fits_nothing_fits_no_object_and_names_what_is_in_the_scene_apart(asked):
    absent = [(ref, things) for ref, things, meant in asked if not meant]
    assert len(absent) == sum(SCENES.values())
    near = 0
    for ref, things in absent:
        named = parts(ref["sentences"][0]["sent"])
        rows = [{row for row, thing in enumerate(things) if getattr(thing, key) == named[key]} for key in named]
        assert not set.intersection(*rows)
        assert ref["split"] == "shifted" or (named.get("colour"), named.get("shape")) not in HELD_OUT
        assert (ref["ann_id"], ref["category_id"], ref["no_target"]) == ([-1], [-1], True)
        near += all(rows)
    assert near > 0.6 * len(absent)


def test_the_form_of_a_phrase_does_not_tell_whether_it_fits_anything():
    counts = Counter()
    for index in range(600):
        things = generate(SEED, "test", index).things
        for text, meant in expressions(things, "test", np.random.default_rng(index), index % 2 == 0):
            if NOUN.fullmatch(text):
                counts[text.startswith("all "), tuple(sorted(parts(text))), bool(meant)] += 1
    forms = {(plural, named) for plural, named, _ in counts}
    shares = [counts[*form, False] / (counts[*form, False] + counts[*form, True]) for form in forms if form[1]]
    told = sum(abs(counts[*form, False] - counts[*form, True]) for form in forms)
    assert len(shares) >= 8
    # One in seven expressions is no noun phrase and fits, so the rest lean to fitting nothing; chance adds its part.
    assert told < 0.3 * sum(counts.values())


def test_all_of_a_kind_are_all_of_that_kind_and_no_others(asked):
    several = [(ref, things, meant) for ref, things, meant in asked if len(meant) > 1]
    assert len(several) >= sum(SCENES.values()) // 2
    for ref, things, meant in several:
        size, colour, noun = ALL.fullmatch(ref["sentences"][0]["sent"]).groups()
        wanted = {"size": size, "colour": colour, "shape": None if noun == "object" else noun}
        fits = [
            row
            for row, thing in enumerate(things)
            if all(value in (None, getattr(thing, name)) for name, value in wanted.items())
        ]
        assert meant == fits


def test_what_means_one_object_is_an_expression_of_refcoco(asked):
    single = [(ref, things, meant) for ref, things, meant in asked if len(meant) == 1]
    assert single
    for ref, things, [row] in single:
        found = [each for kind in all_expressions(things, False).values() for each in kind]
        assert (ref["sentences"][0]["sent"], row) in {(each.text, each.target) for each in found}


def test_the_reader_opens_every_split_and_counts_what_was_written(root):
    entry = benchmark("grefcoco/unc")
    counts = entry.found(root)
    assert set(counts) == {"train", "val", "testA", "testB", "shifted"}
    assert (counts["val"], counts["testA"] + counts["testB"], counts["shifted"]) == (40, 120, 40)
    for split, count in counts.items():
        opened = entry.open(root, split, "sample")
        assert len(opened.samples) == count
        assert [sample.tags["targets"] for sample in opened.samples].count("none") * 2 == count
        assert opened.samples[0].image.open_rgb().size == (128, 128)


def test_the_default_world_has_expressions_of_every_number_in_both_test_splits(tmp_path):
    scenes = {"val": 0, "test": 250}
    images = [generate_annotations(index) for index in range(250)]
    instances = {"annotations": [each for image in images for each in image]}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_grefs(tmp_path / name, 0, scenes, instances)
    paths = [tmp_path / name / "grefcoco" / "grefs(unc).json" for name in ("one", "two")]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    refs = json.loads(paths[0].read_text())
    for split in ("testA", "testB"):
        numbers = [min(2, len(ref["ann_id"])) if not ref["no_target"] else 0 for ref in refs if ref["split"] == split]
        assert len(numbers) > 150
        assert all(numbers.count(number) > 30 for number in (0, 1, 2))


def generate_annotations(index):
    """As many annotations as the scene has objects."""
    things = generate(0, "test", index).things
    return [{"id": 10 * index + row + 1, "image_id": index + 1, "category_id": 1} for row in range(len(things))]
