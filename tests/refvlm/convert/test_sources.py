"""Only tensors are read, and what cannot be read says what to do."""

import json
import pickle

import pytest
import torch
from safetensors.torch import save_file

from benchmarks.errors import ModelError
from refvlm.convert.sources import open_weights

WEIGHTS = {"projector.model.0.weight": torch.arange(6.0).reshape(2, 3).half(), "logit_scale": torch.tensor(1.0)}


class Trap:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('code ran')",))


def same(found, wanted) -> bool:
    return found.keys() == wanted.keys() and all(
        torch.equal(found[name].read(), value) and found[name].shape == tuple(value.shape)
        and found[name].bytes == value.numel() * value.element_size()
        for name, value in wanted.items()
    )  # fmt: skip


@pytest.mark.parametrize("name", ["iter_10.pth", "pytorch_model.bin", "part.pt"])
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("key", ["state_dict", None])
def test_pytorch_files_with_a_flat_dict(tmp_path, name, zipped, key):
    content = WEIGHTS if key is None else {key: WEIGHTS, "meta": {"epoch": 1}}
    torch.save(content, tmp_path / name, _use_new_zipfile_serialization=zipped)
    assert same(open_weights(tmp_path / name), WEIGHTS)


def test_a_safetensors_file(tmp_path):
    save_file(WEIGHTS | {"small": torch.zeros(3, dtype=torch.bfloat16)}, tmp_path / "a.safetensors")
    assert same(open_weights(tmp_path / "a.safetensors"), WEIGHTS | {"small": torch.zeros(3, dtype=torch.bfloat16)})


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_with_anything_else_is_refused_and_not_run(tmp_path, zipped):
    torch.save({"state_dict": WEIGHTS, "hub": Trap()}, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(ModelError, match=r"other Python objects.*state_dict alone"):
        open_weights(tmp_path / "a.pth")
    (tmp_path / "b.pth").write_bytes(pickle.dumps(Trap(), protocol=2))
    with pytest.raises(ModelError, match=r"b\.pth"):
        open_weights(tmp_path / "b.pth")


@pytest.mark.parametrize(
    ("content", "words"),
    [({}, "holds no weights"), ([1], "holds no weights"), ({"state_dict": {"a": 1}}, "a is no tensor"),
     ({"llm": {"a": torch.zeros(1)}}, "flat dict")],
)  # fmt: skip
def test_a_file_without_a_flat_dict_of_tensors_says_so(tmp_path, content, words):
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(ModelError, match=words):
        open_weights(tmp_path / "a.pth")


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors", "a.bin"])
def test_a_damaged_file_is_one_clear_error(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x00garbage")
    with pytest.raises(ModelError, match=name):
        open_weights(tmp_path / name)


@pytest.mark.parametrize("name", ["a.onnx", "nowhere.pth"])
def test_another_file_is_refused(tmp_path, name):
    (tmp_path / "a.onnx").write_bytes(b"")
    with pytest.raises(ModelError, match=name):
        open_weights(tmp_path / name)


@pytest.mark.parametrize("mark", ["zero_to_fp32.py", "latest", "global_step8000/", "mp_rank_00_model_states.pt"])
def test_a_deepspeed_folder_is_refused_with_the_way_out(tmp_path, mark):
    folder = tmp_path / "iter_8000.pth"
    folder.mkdir()
    (folder / mark).mkdir() if mark.endswith("/") else (folder / mark).touch()
    with pytest.raises(ModelError, match=r"DeepSpeed.*zero_to_fp32\.py.*iter_8000\.pth JOINED"):
        open_weights(folder)


def test_shards_are_read_by_their_index(tmp_path):
    first, second = ({name: value} for name, value in WEIGHTS.items())
    save_file(first, tmp_path / "model-1.safetensors")
    save_file(second, tmp_path / "model-2.safetensors")
    save_file({"old": torch.zeros(1)}, tmp_path / "left-over.safetensors")
    places = {name: f"model-{i}.safetensors" for i, part in ((1, first), (2, second)) for name in part}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    assert same(open_weights(tmp_path), WEIGHTS)
    (tmp_path / "model-2.safetensors").unlink()
    with pytest.raises(ModelError, match=r"names model-2\.safetensors, which is not beside it"):
        open_weights(tmp_path)


@pytest.mark.parametrize("index", ["{", "[]", '{"weight_map": 3}', '{"weight_map": {"a": "../a.safetensors"}}'])
def test_a_broken_index_is_one_clear_error(tmp_path, index):
    save_file(WEIGHTS, tmp_path / "a.safetensors")
    (folder := tmp_path / "model").mkdir()
    (folder / "model.safetensors.index.json").write_text(index)
    with pytest.raises(ModelError, match="index"):
        open_weights(folder)


def test_an_export_gets_the_names_of_a_training_checkpoint(tmp_path):
    for folder, name in [
        ("", "model.norm.weight"),
        ("projector", "model.0.weight"),
        ("box_decoder", "in_proj_queries.bias"),
    ]:
        (tmp_path / folder).mkdir(exist_ok=True)
        save_file({name: torch.zeros(1)}, tmp_path / folder / "model.safetensors")
    assert set(open_weights(tmp_path)) == {
        "model.norm.weight", "projector.model.0.weight", "visual_decoder.box.in_proj_queries.bias",
    }  # fmt: skip


def test_where_both_formats_lie_safetensors_is_read(tmp_path):
    save_file(WEIGHTS, tmp_path / "model.safetensors")
    (tmp_path / "pytorch_model.bin").write_bytes(b"never read")
    assert same(open_weights(tmp_path), WEIGHTS)


def test_a_tensor_in_two_files_is_refused(tmp_path):
    for name in ("a", "b"):
        save_file({"x": torch.zeros(1)}, tmp_path / f"{name}.safetensors")
    places = {"x": "a.safetensors", "y": "b.safetensors"}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    with pytest.raises(ModelError, match=r"x is in .*a\.safetensors and in .*b\.safetensors"):
        open_weights(tmp_path)


def test_a_folder_without_weights_says_what_was_expected(tmp_path):
    (tmp_path / "training_args.bin").touch()
    with pytest.raises(ModelError, match=r"holds no weights: expected model\.safetensors"):
        open_weights(tmp_path)
