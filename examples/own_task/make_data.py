"""From a folder of pictures with questions in a CSV file to data that a task reads: `python make_data.py shop data`.

`shop/labels.csv` has the columns `file`, `question` and `answer`; `|` stands between answers that are all accepted.
What is written is the layout of VQA v2, whose reader and metric `shop_questions.yaml` names. Pictures are copied as
they are, under names that end in .jpg because VQA v2's do, whatever they are inside.
"""

import csv
import json
import shutil
import sys
from pathlib import Path
from typing import Any

ANNOTATORS = 10
"""VQA v2 asked ten people; an answer counts in full when at least four of them gave it."""


def make_data(shop: Path, data: Path) -> int:
    """Write the files.

    Args:
        shop: folder with `labels.csv` and the pictures that it names.
        data: data root, made if need be.

    Returns:
        How many questions there are.
    """
    photos, files = data / "images" / "val2014", data / "vqav2"
    for folder in (photos, files):
        folder.mkdir(parents=True, exist_ok=True)
    numbers: dict[str, int] = {}
    questions: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    with (shop / "labels.csv").open(newline="", encoding="utf-8") as lines:
        for place, line in enumerate(csv.DictReader(lines), start=1):
            image = numbers.setdefault(line["file"], len(numbers) + 1)
            shutil.copyfile(shop / line["file"], photos / f"COCO_val2014_{image:012d}.jpg")
            question = {"question_id": place, "image_id": image}
            answers = [{"answer": each.strip()} for each in line["answer"].split("|") for _ in range(ANNOTATORS)]
            questions.append({**question, "question": line["question"]})
            annotations.append({**question, "answers": answers})
    (files / "v2_OpenEnded_mscoco_val2014_questions.json").write_text(json.dumps({"questions": questions}))
    (files / "v2_mscoco_val2014_annotations.json").write_text(json.dumps({"annotations": annotations}))
    return len(questions)


if __name__ == "__main__":
    shop, data = map(Path, sys.argv[1:])
    sys.stderr.write(f"{make_data(shop, data)} questions in {data}\n")
