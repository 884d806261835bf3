"""Flickr30k Entities: which phrases are asked, with which boxes, and what is refused."""

import pytest
from PIL import Image

from benchmarks.entities_files import read_boxes, read_sentences
from benchmarks.errors import DataError, UnknownName
from benchmarks.registry import benchmark

TEXT = (
    "[/EN#1/people Two men] in [/EN#2/clothing/other red \u201chats\u201d] look at [/EN#0/notvisual each other] .\n"
    "\n"
    "[/EN#3/scene Outside] , [/EN#1/people they] [ wait ] .\n"
)


def item(chains, content):
    names = "".join(f"<name>{chain}</name>" for chain in chains)
    return f"<object>{names}{content}</object>"


def bndbox(*corners):
    tags = zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True)
    return "<bndbox>" + "".join(f"<{name}>{value}</{name}>" for name, value in tags) + "</bndbox>"


OBJECTS = (
    item([1], bndbox(1, 1, 11, 21)),
    item([1, 2], bndbox(21, 1, 31, 21)),
    item([3], "<scene>1</scene><nobndbox>0</nobndbox>"),
)


def xml(*objects, width=40, height=30):
    size = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
    return f"<annotation><filename>7.jpg</filename>{size}{''.join(objects)}</annotation>"


@pytest.fixture
def write(tmp_path):
    """Write the files of one photo in val; return the data root."""

    def run(text=TEXT, annotation=None, listing="7\n", folder="flickr30k_entities/flickr30k-images"):
        home = tmp_path / "flickr30k_entities"
        for each in (home / "Sentences", home / "Annotations", tmp_path / folder):
            each.mkdir(parents=True, exist_ok=True)
        (home / "Sentences/7.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
        (home / "Annotations/7.xml").write_text(xml(*OBJECTS) if annotation is None else annotation)
        (home / "val.txt").write_text(listing)
        Image.new("RGB", (40, 30)).save(tmp_path / folder / "7.jpg")
        return tmp_path

    return run


def opened(root):
    return benchmark("flickr30k_entities").open(root, "val", "official")


def test_phrases_whose_chain_has_a_box_are_asked_with_their_sentence(write):
    split = opened(write())
    first, second, third = split.samples
    assert [sample.id.removeprefix("flickr30k_entities/val/") for sample in split.samples] == [
        "7/sent-0/phrase-0", "7/sent-0/phrase-1", "7/sent-1/phrase-1",
    ]  # fmt: skip
    assert first.question == '"Two men" in "Two men in red \u201chats\u201d look at each other ."'
    assert third.question == '"they" in "Outside , they [ wait ] ."'
    assert (first.tags, second.tags) == ({"type": "people"}, {"type": "clothing+other"})
    assert (split.expected, split.complete, first.image_id) == (14_433, False, "7")


def test_corners_count_from_one_and_every_name_of_an_object_has_its_box(write):
    first, second, third = opened(write()).samples
    left, right = (0.0, 0.0, 10.0, 20.0), (20.0, 0.0, 30.0, 20.0)
    assert (first.target.phrase, first.target.boxes) == ("Two men", (left, right))
    assert second.target.boxes == (right,)
    assert third.target.boxes == first.target.boxes


def test_a_box_without_area_is_kept(write):
    root = write(annotation=xml(item([1], bndbox(5, 5, 5, 9))))
    assert opened(root).samples[0].target.boxes == ((4.0, 4.0, 4.0, 8.0),)


def test_other_boxes_give_another_fingerprint(write):
    first = opened(write())
    assert opened(write()).fingerprint == first.fingerprint
    assert opened(write(annotation=xml(OBJECTS[0]))).fingerprint != first.fingerprint


def test_photos_beside_the_captions_of_flickr30k_are_found(write):
    root = write(folder="flickr30k/flickr30k-images")
    assert opened(root).samples[0].image.path == root / "flickr30k/flickr30k-images/7.jpg"
    assert benchmark("flickr30k_entities").found(root) == {"val": 3}
    assert benchmark("flickr30k_entities").files(root)[-1] == root / "flickr30k/flickr30k-images"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[/EN#1/people Two men", r"7\.txt:1: the phrase of chain 1 is not closed"),
        ("ok\n[/EN#1 Two men]", r"7\.txt:2: phrase 'Two men' needs a chain, a type and words"),
        ("[/EN#/people Two men]", "needs a chain"),
        ("[/EN#1/people ]", "needs a chain, a type and words"),
        (b"[/EN#1/people \xff]", "byte 14 is not UTF-8 text"),
    ],
)
def test_broken_sentences_are_one_clear_error(write, text, words):
    with pytest.raises(DataError, match=words):
        opened(write(text=text))


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        ("<annotation/>", "size: width must be a number, got None"),
        (xml(width="wide"), "size: width must be a number, got 'wide'"),
        (xml(item([], bndbox(1, 1, 2, 2))), "object 0 names no chain"),
        (xml(OBJECTS[0], item([2], "<bndbox><xmin>1</xmin></bndbox>")), "object 1: bndbox: ymin must be a number"),
        (xml(item([1], bndbox(1, 1, "inf", 2))), "xmax must be a number, got 'inf'"),
        (xml(item([1], bndbox(9, 1, 2, 2))), "box 9 1 2 2 ends before it begins"),
        ("<!DOCTYPE a>" + xml(*OBJECTS), "declares a document type"),
        (xml(*OBJECTS, width=41), r"7\.jpg is 40x30 but its annotations say 41x30"),
    ],
)
def test_broken_annotations_are_one_clear_error(write, annotation, words):
    with pytest.raises(DataError, match=words):
        opened(write(annotation=annotation))


@pytest.mark.parametrize(
    ("listing", "words"),
    [
        ("", "lists no photo"),
        ("7\n7\n", "photo 7 is listed twice"),
        ("7\n8\n", r"8\.xml is missing"),
        ("../7\n", "must be a plain name without folders"),
        ("7\u00e9\n", "is no part of a photo number"),
    ],
)
def test_broken_lists_are_one_clear_error(write, listing, words):
    with pytest.raises(DataError, match=words):
        opened(write(listing=listing))


def test_missing_files_are_told(write, tmp_path):
    with pytest.raises(DataError, match=r"holds neither val\.txt nor test\.txt"):
        benchmark("flickr30k_entities").found(tmp_path)
    root = write()
    with pytest.raises(DataError, match=r"test\.txt is missing"):
        benchmark("flickr30k_entities").open(root, "test", "official")
    with pytest.raises(UnknownName, match="did you mean test"):
        benchmark("flickr30k_entities").open(root, "tests", "official")
    (root / "flickr30k_entities/flickr30k-images/7.jpg").unlink()
    with pytest.raises(DataError, match=r"1 of 1 photos are missing \(7\.jpg\)"):
        opened(root)
    (root / "flickr30k_entities/Sentences/7.txt").unlink()
    with pytest.raises(DataError, match=r"7\.txt is missing"):
        opened(root)


def test_the_files_of_a_photo_can_be_read_alone(write):
    home = write() / "flickr30k_entities"
    phrases = read_sentences(home / "Sentences/7.txt")[0].phrases
    assert [(phrase.words, phrase.chain, phrase.types) for phrase in phrases][2] == ("each other", "0", ("notvisual",))
    boxes = read_boxes(home / "Annotations/7.xml")
    assert (boxes.size_hw, sorted(boxes.of_chain)) == ((30, 40), ["1", "2"])
