"""What a checkpoint can do is read off its configuration, and what it cannot is said before anything runs."""

import json

import pytest

from benchmarks.errors import ModelError
from tasks.models.refvlm import ENTRY, of_weights


def checkpoint(folder, **sections):
    (folder / "config.json").write_text(json.dumps(sections))
    return folder


def test_parts_of_a_checkpoint_make_its_abilities(tmp_path):
    plain = of_weights(checkpoint(tmp_path, keypoint=None))
    assert (plain.units, plain.regions) == (("box", "mask"), False)
    whole = of_weights(checkpoint(tmp_path, keypoint={"joints": 17}, depth={"bins": 32}, regions={"grid": 2}))
    assert (whole.units, whole.regions) == (("box", "mask", "keypoint", "depth", "text"), True)
    plugged = of_weights(checkpoint(tmp_path, decoders={"slots": {}}, depth={"bins": 32}))
    assert plugged.units == ("box", "mask", "depth", "keypoint")
    bundled = of_weights(None)
    assert (bundled.name, bundled.load) == (ENTRY.name, ENTRY.load)
    assert (bundled.units, bundled.regions) == (ENTRY.units, ENTRY.regions)  # what lists and tables show of it


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_a_folder_without_configuration_is_told(tmp_path, content):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(ModelError, match="name the folder of a checkpoint"):
        of_weights(tmp_path)


def test_a_task_with_visual_prompts_is_refused_before_it_runs_and_left_out_of_a_suite(refbench, small_world, tmp_path):
    words = (
        "--model",
        "refvlm",
        "--weights",
        checkpoint(tmp_path),
        "--data-root",
        small_world,
        "--limit",
        "1",
        "--json",
    )
    alone = refbench("eval", "--task", "coco_interactive", *words)
    assert alone.code == 2
    assert "coco_interactive asks with visual prompts, which model refvlm with these weights does not take" in alone.err
    suite = refbench("eval", "--suite", "prompts", *words)
    assert suite.code == 2
    assert "nothing of the suite can be run" in suite.err
