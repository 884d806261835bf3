"""Every tensor of the whole path is where the model is: shown without a second device, and on a GPU where there is one.

Without one, tensors of the model only say that they are elsewhere: they hold their values in memory, and refuse to meet
a tensor that says it is not, as a GPU would.
"""

from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from refvlm.config import DepthConfig, KeypointConfig, RegionConfig
from refvlm.generation import Prompt, generate
from refvlm.model import RefVLM
from refvlm.processor import Letterbox
from refvlm.reading import decoded
from refvlm.tokenizer import EOS, REGION
from refvlm.trp import Triplet, answer_for, render

ELSEWHERE = torch.device("meta")
"""The only other kind of device that torch needs nothing for; no value is lost here, as all stay in memory."""
ANSWERS = (
    answer_for((Triplet("the circle", "mask", 2), Triplet("the large blue square", "box", 2))),
    answer_for((Triplet("the whole scene", "depth", 1), Triplet("person", "keypoint", 1))),
)
QUESTIONS = ("Find the circle", "How far is the person?")
PICTURE = Letterbox((48, 64), 64)


class Away(Tensor):
    """A tensor in memory that says it is elsewhere."""

    held: Tensor
    may_meet: ClassVar = {"_to_copy", "to", "copy_", "index", "index_put", "index_put_", "_index_put_impl_"}
    """Operations that take tensors of two devices: copies, and places, which may be in memory."""

    @staticmethod
    def __new__(cls, held: Tensor) -> "Away":
        out = Tensor._make_wrapper_subclass(
            cls, held.shape, strides=held.stride(), storage_offset=held.storage_offset(), dtype=held.dtype,
            device=ELSEWHERE,
        )  # fmt: skip
        out.held = held
        return out

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return run(func, args, kwargs or {})


class Telling(TorchFunctionMode):
    """Lets `torch.tensor` create elsewhere, and `tolist` read from there: what they do reaches no dispatch."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = dict(kwargs or {})
        if func is Tensor.tolist and isinstance(args[0], Away):
            return args[0].held.tolist()
        if func is not torch.tensor or given.get("device") != ELSEWHERE:
            return func(*args, **given)
        return Away(func(*args, **given | {"device": "cpu"}))


class Creating(TorchDispatchMode):
    """Lets tensors be created elsewhere."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return run(func, args, kwargs or {})


def run(func: Any, args: Any, kwargs: Any) -> Any:
    """Run an operation in memory; what comes out is where its arguments are, or where it is told to be."""
    leaves = tree_leaves((args, kwargs))
    met = [each for each in leaves if isinstance(each, Tensor)]
    told = [each for each in leaves if isinstance(each, torch.device)]
    away = [each for each in met if isinstance(each, Away)]
    name = func._schema.name.split("::")[1]
    strangers = [each for each in met if not isinstance(each, Away) and each.dim()]
    assert not (away and strangers) or name in Away.may_meet, f"{name} meets tensors of two devices"
    there = told[0] == ELSEWHERE if told else bool(away)
    out = func(*tree_map(near, args), **tree_map(near, kwargs))
    if name.endswith("_") and not name.startswith("_"):
        return args[0]
    return tree_map(lambda each: Away(each) if there and isinstance(each, Tensor) else each, out)


def near(value: Any) -> Any:
    """What an operation in memory gets in place of an argument."""
    if isinstance(value, torch.device):
        return torch.device("cpu")
    return value.held if isinstance(value, Away) else value


@pytest.fixture
def model(nano_config) -> RefVLM:
    torch.manual_seed(0)
    decoder = nano_config.decoder.model_copy(update={"quality": True})
    extra = {"keypoint": KeypointConfig(cells=8, width=8), "depth": DepthConfig(bins=4), "regions": RegionConfig()}
    return RefVLM(nano_config.model_copy(update={**extra, "decoder": decoder})).eval()


def asked(model: RefVLM, tokenizer: Any, script: Any, pixels: Tensor) -> list[Prompt]:
    """Prompts whose answers are forced, and one with two visual prompts, whose answer comes as it may."""
    assert model.config.regions is not None
    ids = [tuple(tokenizer.encode(text)) for text in QUESTIONS]
    answers = [[*tokenizer.encode(render(answer)), tokenizer.ids[EOS]] for answer in ANSWERS]
    model.llm.lm_head = script.teach(model, pixels, ids, answers)
    masks = tuple(torch.rand(2, 64, 64, generator=torch.Generator().manual_seed(5)))
    places = (tokenizer.ids[REGION],) * model.config.regions.tokens
    return [Prompt(0, ids[0]), Prompt(1, ids[1]), Prompt(1, (*places, *ids[0], *places), masks, (0, 3))]


def said(model: RefVLM, tokenizer: Any, pixels: Tensor, prompts: list[Prompt]) -> Any:
    batch = generate(model, tokenizer, pixels, prompts)
    read = [decoded(model, tokenizer, batch, answer, PICTURE) for answer in batch.answers]
    return [answer.text for answer in batch.answers], read


def move(model: RefVLM) -> None:
    """Let all weights of a model, its script too, be elsewhere."""
    for module in model.modules():
        for name, value in module._parameters.items():
            if value is not None:
                module._parameters[name] = nn.Parameter(Away(value.detach()), requires_grad=False)
        for name, value in module._buffers.items():
            if value is not None:
                module._buffers[name] = Away(value)
    head: Any = model.llm.lm_head
    head.states, head.following = Away(head.states), Away(head.following)


@pytest.fixture
def pixels() -> Tensor:
    return torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def test_no_tensor_stays_behind(model, tokenizer, pixels, script):
    prompts = asked(model, tokenizer, script, pixels)
    here = said(model, tokenizer, pixels, prompts)
    with torch.inference_mode():  # as the path itself runs: views of weights must not ask for more
        move(model)
    with Telling(), Creating():
        there = said(model, tokenizer, pixels, prompts)
    assert {group.unit for groups, _ in here[1] for group in groups} >= {"mask", "box", "depth", "keypoint"}
    assert there[0] == here[0]
    assert [groups for groups, _ in there[1]] == [groups for groups, _ in here[1]]


def test_a_tensor_that_stays_behind_is_found():
    there = Away(torch.ones(3))
    with Creating(), pytest.raises(AssertionError, match="two devices"):
        there + torch.arange(3)
    with Creating():
        assert torch.equal((there + torch.arange(3, device=there.device)).cpu(), torch.tensor([1.0, 2.0, 3.0]))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_answers_as_the_processor_does(model, tokenizer, pixels, script):
    prompts = asked(model, tokenizer, script, pixels)
    here, where = said(model, tokenizer, pixels, prompts)
    model.cuda()
    head: Any = model.llm.lm_head
    head.states, head.following = head.states.cuda(), head.following.cuda()
    there, found = said(model, tokenizer, pixels, prompts)
    assert there == here
    for (groups, depth), (others, further) in zip(where, found, strict=True):
        for group, other in zip(groups, others, strict=True):
            for one, two in zip(group.instances, other.instances, strict=True):
                # float32 in another order, rounded to 1 / 64 pixel, through two layers of each part
                assert two.score == pytest.approx(one.score, abs=1e-3)
                assert (two.box_xyxy is None) == (one.box_xyxy is None)
                if one.box_xyxy is not None:
                    assert two.box_xyxy == pytest.approx(one.box_xyxy, abs=0.05)
        if depth is not None:
            torch.testing.assert_close(
                torch.from_numpy(depth.values), torch.from_numpy(further.values), atol=1e-3, rtol=1e-3
            )
