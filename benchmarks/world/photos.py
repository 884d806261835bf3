"""Pictures of the sample world as file contents: the same pixels give the same bytes."""

import io

import numpy as np
from PIL import Image


def jpeg(image: np.ndarray) -> bytes:
    """Encode uint8 [H, W, 3] RGB."""
    return _encode(image, "JPEG", quality=95, subsampling=0)


def png(image: np.ndarray) -> bytes:
    """Encode uint8 [H, W, 3] RGB, uint8 [H, W] labels, or uint16 [H, W] depth without loss."""
    return _encode(image, "PNG")


def _encode(image: np.ndarray, form: str, **options: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, form, **options)
    return stream.getvalue()
