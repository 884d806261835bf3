import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from metrics.boxes import box_iou
from tasks.models import box_text
from tasks.models.coordinates import ContractError, Convention, Picture, decode, encode, step

FORMS = {
    "location_1024": ("loc_tokens",),
    "location_1000": ("location_tokens",),
    "patch_32": ("patch_tokens",),
}
TEXT_FORMS = ("list", "json", "box_tags", "box_tokens")
TEXT_SPACES = ("pixel_orig", "pixel_resized", "unit", "0-999", "0-1000")
CONVENTIONS = [
    Convention(space=space, order=order, form=form, frame=frame)
    for space in (*TEXT_SPACES, *FORMS)
    for form in FORMS.get(space, TEXT_FORMS)
    for order in (("xyxy",) if space == "patch_32" else ("xyxy", "xywh", "yxyx"))
    for frame in (("image",) if space == "pixel_resized" else ("image", "square"))
]


@st.composite
def pictures(draw):
    """Any aspect ratio up to 8 to 1, and what a model saw of it."""
    size = st.integers(64, 2048)
    height, width = draw(size), draw(size)
    assume(max(height, width) <= 8 * min(height, width))
    return Picture((height, width), (draw(size), draw(size)))


@st.composite
def boxes_in(draw, picture):
    height, width = picture.size_hw
    x1 = draw(st.floats(0, width * 0.7))
    y1 = draw(st.floats(0, height * 0.7))
    return (x1, y1, draw(st.floats(x1 + width * 0.2, width)), draw(st.floats(y1 + height * 0.2, height)))


def bound(box, convention, picture):
    """IoU that remains where every edge is off by one step of the space (two, where a width is rounded as well)."""
    most = [each * (2 if convention.order == "xywh" else 1) for each in step(convention, picture)]
    sides = (box[2] - box[0], box[3] - box[1])
    lost = [max(side - 2 * each, 0) / (side + 2 * each) for side, each in zip(sides, most, strict=True)]
    return lost[0] * lost[1]


@pytest.mark.parametrize("convention", CONVENTIONS, ids=lambda each: f"{each.form} {each.words()}")
@settings(max_examples=20)
@given(data=st.data())
def test_a_perfect_answer_scores_one_in_every_declared_space(convention, data):
    picture = data.draw(pictures())
    box = data.draw(boxes_in(picture))
    text = f"Here it is: {box_text.write(box, convention, picture, 'a cat')}"
    ((read, label),) = box_text.boxes(text, convention, picture)
    assert box_iou(read, box) >= bound(box, convention, picture) - 1e-9
    assert label in ("a cat", "", "Here it is: a cat")


@given(box=st.tuples(*[st.integers(0, 500)] * 2, *[st.integers(500, 1000)] * 2))
def test_whole_numbers_that_are_spoken_arrive_exactly(box):
    picture = Picture((1000, 1000))
    for space in ("pixel_orig", "0-1000"):
        convention = Convention(space=space)
        assert decode(encode(box, convention, picture), convention, picture) == pytest.approx(box)


PICTURE = Picture((480, 640), (476, 644))
BOX = (160.0, 120.0, 560.0, 400.0)


@pytest.mark.parametrize(
    ("declared", "spoken", "reason"),
    [
        ("unit", "pixel_orig", "160 is outside 0 to 1: boxes are declared as unit xyxy"),
        ("unit", "0-1000", "250 is outside 0 to 1"),
        ("pixel_orig", "unit", "is smaller than a pixel: boxes are declared as pixel_orig"),
        ("pixel_resized", "unit", "is smaller than a pixel: boxes are declared as pixel_resized"),
        ("0-1000", "unit", r"0\.25 is no whole number: boxes are declared as 0-1000"),
        ("0-999", "unit", "is no whole number: boxes are declared as 0-999"),
        ("pixel_orig", "0-1000", "outside 0 to 640|outside 0 to 480"),
    ],
)
def test_an_undeclared_space_is_a_contract_error_that_names_the_declared_one(declared, spoken, reason):
    text = box_text.write(BOX, Convention(space=spoken), PICTURE)
    with pytest.raises(ContractError, match=reason):
        box_text.boxes(text, Convention(space=declared), PICTURE)


def test_corners_where_width_and_height_are_declared_lead_outside():
    text = box_text.write(BOX, Convention(space="0-1000"), PICTURE)
    with pytest.raises(ContractError, match="leads outside the image: boxes are declared as 0-1000 xywh"):
        box_text.boxes(text, Convention(space="0-1000", order="xywh"), PICTURE)


def test_a_box_that_ends_before_it_begins_is_no_box():
    with pytest.raises(ContractError, match=r"\[500, 10, 20, 30\] ends before it begins"):
        decode((500, 10, 20, 30), Convention(space="0-1000"), PICTURE)


@pytest.mark.parametrize("numbers", [(float("nan"), 0, 1, 1), (-1, 0, 1, 1), (float("inf"), 0, 1, 1)])
def test_numbers_that_are_none_are_outside(numbers):
    with pytest.raises(ContractError, match="is outside"):
        decode(numbers, Convention(space="0-1000"), PICTURE)


def test_a_size_that_nobody_recorded_is_a_bug_of_the_adapter():
    with pytest.raises(ValueError, match="its adapter must record it"):
        decode((0, 0, 9, 9), Convention(space="pixel_resized"), Picture((10, 10)))


def test_the_square_is_centred_on_the_image():
    convention = Convention(space="unit", frame="square")
    assert decode((0, 0.25, 1, 0.75), convention, Picture((50, 100))) == (0, 0, 100, 50)


def test_tokens_have_one_space():
    with pytest.raises(ValidationError, match="do not go together"):
        Convention(space="unit", form="loc_tokens")
