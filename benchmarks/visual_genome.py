"""Photos of Visual Genome, which its two archives spread over two folders; their names are ids.

<root>/visual_genome/VG_100K/<image id>.jpg     <root>/visual_genome/VG_100K_2/<image id>.jpg
(or vg/, or images/ under either)
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.photos import sized_among
from benchmarks.schema import ImageRef

FOLDERS = tuple(f"{top}/{part}" for top in ("visual_genome", "vg") for part in ("VG_100K", "VG_100K_2", "images"))


def photos(root: Path, names: Iterable[str]) -> Mapping[str, ImageRef]:
    """Find photos by name and read their sizes.

    Raises:
        DataError: a photo is in none of the folders, or is no image.
    """
    return sized_among(root, FOLDERS, names, "Visual Genome")
