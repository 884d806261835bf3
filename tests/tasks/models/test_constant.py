import pytest
from pycocotools import mask as coco_mask

from tasks.models.constant import centre_box, centre_mask


@pytest.mark.parametrize("size_hw", [(8, 12), (128, 128), (5, 7), (480, 640)])
def test_the_mask_is_the_box_with_rounded_edges(size_hw):
    x1, y1, x2, y2 = (round(edge) for edge in centre_box(size_hw))
    mask = centre_mask(size_hw)
    assert mask["size"] == list(size_hw)
    assert coco_mask.area(mask) == (x2 - x1) * (y2 - y1)
    assert coco_mask.toBbox(mask).tolist() == [x1, y1, x2 - x1, y2 - y1]


def test_the_box_is_central_and_half_as_long_on_each_side():
    assert centre_box((8, 12)) == (3.0, 2.0, 9.0, 6.0)
