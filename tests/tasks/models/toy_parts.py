"""What tests of several families share: photos of noise, and random networks saved with what belongs to them."""

import numpy as np
import torch
from PIL import Image

from benchmarks.schema import ImageRef


def noise(folder, sizes_wh):
    """Photos of noise, each from a seed of its own: references to them, in order."""
    refs = []
    for number, (width, height) in enumerate(sizes_wh):
        pixels = np.random.default_rng(number).integers(0, 255, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path := folder / f"{number}.png")
        refs.append(ImageRef(path, (height, width)))
    return refs


def save(folder, build, seed=0):
    """Save what a function builds, a network and its processors, into one folder; the weights follow the seed."""
    torch.manual_seed(seed)
    model, *parts = build()
    for each in (model.eval(), *parts):
        each.save_pretrained(folder)
    return folder
