"""What is answered in words about scenes of shapes, which stand as photos of COCO val2014: POPE, captions and VQA."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.world.captions import CaptionWriter
from benchmarks.world.photos import jpeg
from benchmarks.world.pope import PopeWriter
from benchmarks.world.questions import QuestionWriter
from benchmarks.world.scenes import SplitName, generate


def write_val2014(folder: Path, seed: int, scenes: Mapping[SplitName, int]) -> None:
    """Write photos and annotations of the scenes of val and test, under the numbers they have as referring scenes."""
    objects, captions, questions = PopeWriter(seed), CaptionWriter(seed), QuestionWriter(seed)
    (photos := folder / "images" / "val2014").mkdir()
    numbered = [(split, index) for split, count in scenes.items() for index in range(count)]
    for image_id, (split, index) in enumerate(numbered, start=1):
        if split not in ("val", "test"):
            continue
        scene, name = generate(seed, split, index), f"COCO_val2014_{image_id:012d}.jpg"
        (photos / name).write_bytes(jpeg(scene.image))
        captions.add(scene, split, name, image_id)
        if split == "test":
            objects.add(scene, name)
            questions.add(scene, image_id)
    for writer in (objects, captions, questions):
        writer.write(folder)


PARTS = [write_val2014]
