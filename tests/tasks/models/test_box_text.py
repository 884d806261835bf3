import pytest

from tasks.models import box_text
from tasks.models.coordinates import ContractError, Convention, Picture

PICTURE = Picture((1000, 1000))
LIST = Convention(space="0-1000")
JSON = Convention(space="0-1000", form="json")
TAGS = Convention(space="0-1000", form="box_tags")
TOKENS = Convention(space="0-1000", form="box_tokens")
LOC = Convention(space="location_1024", order="yxyx", form="loc_tokens")
LOCATION = Convention(space="location_1000", form="location_tokens")
PATCH = Convention(space="patch_32", form="patch_tokens")


@pytest.mark.parametrize(
    ("text", "convention", "expected"),
    [
        ("It is at [10, 20, 30, 40], see [1].5.", LIST, None),
        ("The 2 cats sit at [10, 20, 30, 40] and [1,2,3,4].", LIST, [((10, 20, 30, 40), ""), ((1, 2, 3, 4), "")]),
        ('```json\n[\n\t{"bbox_2d": [10, 20, 30, 40], "label": "cat"}\n]\n```', JSON, [((10, 20, 30, 40), "cat")]),
        ('Sure: {"bbox_2d": [10, 20, 30, 40]} done', JSON, [((10, 20, 30, 40), "")]),
        ("[]", JSON, []),
        ("<ref>cat</ref><box>[[1, 2, 3, 4], [5, 6, 7, 8]]</box>", TAGS, [((1, 2, 3, 4), "cat"), ((5, 6, 7, 8), "cat")]),
        ("<ref>cat</ref><box>(1,2),(3,4)</box>", TAGS, [((1, 2, 3, 4), "cat")]),
        (
            "<|object_ref_start|>cat<|object_ref_end|><|box_start|>(1,2),(3,4)<|box_end|><|im_end|>",
            TOKENS,
            [((1, 2, 3, 4), "cat")],
        ),
    ],
)
def test_numbers_and_names_as_models_write_them(text, convention, expected):
    if expected is None:
        with pytest.raises(ContractError, match="four numbers, got 1"):
            box_text.boxes(text, convention, PICTURE)
    else:
        assert box_text.boxes(text, convention, PICTURE) == expected


@pytest.mark.parametrize(
    ("text", "convention", "expected"),
    [
        ("<loc0256><loc0128><loc0512><loc0768> cat ; <loc0000><loc0000><loc1023><loc1023> dog", LOC,
         [((128, 256, 768, 512), "cat"), ((0, 0, 1023, 1023), "dog")]),
        ("</s><s>cat<loc_10><loc_20><loc_30><loc_40>dog<loc_0><loc_0><loc_999><loc_999></s>", LOCATION,
         [((10.5, 20.5, 30.5, 40.5), "cat"), ((0.5, 0.5, 999.5, 999.5), "dog")]),
    ],
)  # fmt: skip
def test_location_tokens(text, convention, expected):
    side = 1024 if convention is LOC else 1000
    found = box_text.boxes(text, convention, Picture((side, side)))
    assert [label for _, label in found] == [label for _, label in expected]
    assert [box for box, _ in found] == [pytest.approx(box) for box, _ in expected]


@pytest.mark.parametrize(
    ("text", "convention", "reason"),
    [
        ("I do not see it.", LIST, "no box in the answer: boxes are declared as list, 0-1000 xyxy"),
        ("[1, 2, 3]", LIST, "four numbers, got 3"),
        ("(1, 2, 3, 4)", LIST, "no box in the answer"),
        ("[1, 2, 3, 4]", JSON, "has no list of numbers under the declared key bbox_2d"),
        ('[{"bbox_2d": [1, 2, 3', JSON, "is no JSON"),
        ('[{"bbox": [1, 2, 3, 4]}]', JSON, "declared key bbox_2d"),
        ('[{"bbox_2d": ["1", 2, 3, 4]}]', JSON, "declared key bbox_2d"),
        ('[{"bbox_2d": [1, 2, 3]}]', JSON, "four numbers, got 3"),
        ("<box>(1,2),(3,", TAGS, "no box in the answer"),
        ("<box>(1,2),(3,4)</box> <box>(1,", TAGS, "is not closed"),
        ("<box>left</box>", TAGS, "holds more than numbers"),
        ("<box>(1,2),(3)</box>", TAGS, "four numbers, got 3"),
        ("[1, 2, 3, 4]", TOKENS, "no box in the answer"),
        ("<loc0001><loc0002><loc0003> cat", LOC, "four numbers, got 3"),
        ("<loc_1><loc_2><loc_3>", LOCATION, "four numbers, got 3"),
        ("<object><patch_index_0001></object>", PATCH, "no pair of patches"),
        ("<object><patch_index_0001><patch_index_1024></object>", PATCH, "32 is outside 0 to 31"),
        ("<phrase>a cat</phrase>", PATCH, "no box in the answer"),
    ],
)
def test_what_is_not_in_the_declared_form_is_no_box(text, convention, reason):
    with pytest.raises(ContractError, match=reason):
        box_text.boxes(text, convention, PICTURE)


TWO = (
    "<grounding> An image of<phrase> a snowman</phrase><object><patch_index_0044><patch_index_0863></object> by"
    "<phrase> a fire</phrase><object><patch_index_0005><patch_index_0911></delimiter_of_multi_objects/>"
    "<patch_index_0037><patch_index_0037></object>."
)


def test_patches_mean_what_the_official_reader_says():
    from transformers.models.kosmos2.processing_kosmos2 import clean_text_and_extract_entities_with_bboxes

    _, entities = clean_text_and_extract_entities_with_bboxes(TWO)
    official = [(box, name) for name, _, found in entities for box in found]
    ours = box_text.boxes(TWO, PATCH, Picture((1, 1)))
    assert [(pytest.approx(box), name) for box, name in ours] == official


def test_location_tokens_mean_what_the_official_reader_says():
    import torch
    from transformers.models.florence2.processing_florence2 import Florence2PostProcessor

    numbers = torch.tensor([[10, 20, 300, 999]])
    official = Florence2PostProcessor.dequantize(_Bins(), numbers, (640, 480))[0].tolist()
    ((box, _),) = box_text.boxes("<loc_10><loc_20><loc_300><loc_999>", LOCATION, Picture((480, 640)))
    assert [int(edge) for edge in box] == official  # theirs cuts decimals off


class _Bins:
    quantize_bins = (1000, 1000)
