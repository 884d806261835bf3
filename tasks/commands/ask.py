"""`refbench ask`: one question about one picture, without a benchmark."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tasks import precision
from tasks.commands import show
from tasks.parser import device, folder, names, natural

if TYPE_CHECKING:
    from benchmarks.schema import ImageRef, Region
    from tasks.one_answer import Answered, Asked, Question

EXAMPLES = """  refbench ask photo.jpg "segment the red circle left of the square" --save answer.png
  refbench ask photo.jpg "the red circle" --unit box
  refbench ask photo.jpg "what is this?" --box 12,8,60,44 --unit text
  refbench ask sample:refcoco/unc/val "large green diamond" --unit mask --save answer.png
  refbench ask sample:visual7w/pointing/test --unit box
  cat photo.jpg | refbench ask - "how many circles are there?" --json

Without --unit the reference model is sent no command and decides by itself; for other models the words decide, and
standard error says how. A sample of a benchmark has a question and visual prompts of its own, which are taken where you
give none. exit codes: 0 answered, 2 something must be changed, 3 the model failed or its answer cannot be read"""
_STDIN, _SAMPLE = "-", "sample:"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add("image", metavar="IMAGE", help="picture file, - for standard input, or sample:ID of a benchmark's")
    add("question", metavar="QUESTION", nargs="?", default="", help="what you want to know, in your own words")
    add("--model", metavar="M", default="refvlm", help="model to ask (default: refvlm)")
    add("--unit", metavar="U", help="box, mask, keypoint, depth, point or text (default: left to the model)")
    _add_prompts(parser)
    add("--categories", metavar="C[,C…]", type=names, default=(), help="names that an answer may use (default: any)")
    add("--save", metavar="FILE", type=folder, help="draw the answer over the picture, .png or .webp")
    add("--model-arg", metavar="K=V", action="append", default=[], help="of the model (`refbench models M` lists them)")
    add("--weights", metavar="PATH", type=folder, help="the model's weights (default: its own)")
    add("--include", metavar="DIR", type=folder, help="folder of further models (*.py)")
    add("--data-root", metavar="DIR", type=folder, help="files of samples (default: REFBENCH_DATA, else sample world)")
    add("--device", metavar="D", type=device, default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    add("--dtype", choices=precision.NAMES, default="float32", help="number format (default: float32)")
    add("--seed", metavar="N", type=natural, default=0, help="seed of models that sample (default: 0)")
    add("--offline", action="store_true", help="refuse models that ask a server, and any connection elsewhere")
    add("--quiet", action="store_true", help="nothing on standard error but errors")


def run(args: argparse.Namespace) -> int:
    """Ask, print, draw."""
    from contextlib import AbstractContextManager, nullcontext, redirect_stderr
    from io import StringIO
    from tempfile import TemporaryDirectory

    from tasks.network import sealed
    from tasks.offline import is_asked

    hush: AbstractContextManager[object] = redirect_stderr(StringIO()) if args.quiet else nullcontext()
    with hush, sealed(is_asked(args.offline)), TemporaryDirectory(prefix="refbench-ask-") as scratch:
        answered = _ask(args, Path(scratch))
        _keep(answered, args)
    return 0 if answered.prediction.status == "ok" else 3


def _ask(args: argparse.Namespace, scratch: Path) -> "Answered":
    from benchmarks.errors import unknown
    from tasks import device as devices
    from tasks import offline, one_answer
    from tasks.answer_picture import check_name
    from tasks.base import LoadOptions
    from tasks.model_args import read
    from tasks.progress import say

    if args.unit is not None and args.unit not in one_answer.UNITS:
        raise unknown("unit", args.unit, one_answer.UNITS)
    if args.save is not None:
        check_name(args.save)
    entry = one_answer.entry_of(args.model, args.weights, args.include)
    told = read(entry.name, entry.arguments, args.model_arg)
    offline.enforce(args.offline, entry, told)
    asked = one_answer.put(_question(args, scratch), entry, told)
    on = devices.resolve(args.device)
    model = entry.load(LoadOptions(on, precision.resolve(args.dtype, on), args.seed, args.weights, told))
    say(f"asked {entry.name}: {asked.sent}")
    answered = one_answer.answer(asked, entry, model)
    say(f"answered in {answered.seconds:.1f} s{_hint(asked, answered)}")
    return answered


def _question(args: argparse.Namespace, scratch: Path) -> "Question":
    from dataclasses import replace

    from tasks.one_answer import Question

    if args.image.startswith(_SAMPLE):
        asked = _of_sample(args)
    else:
        asked = Question(_photo(args.image, scratch), args.question, args.unit, _drawn(args.prompts))
    return replace(asked, categories=args.categories or asked.categories, seed=args.seed)


def _of_sample(args: argparse.Namespace) -> "Question":
    from benchmarks.errors import ConfigError
    from tasks import one_sample
    from tasks.data import find_data
    from tasks.one_answer import Question
    from tasks.settings import settings

    data = find_data(settings(args.data_root).data_root, not args.quiet)
    sample = one_sample.find(args.image.removeprefix(_SAMPLE), data)
    if not args.question.strip() and not sample.question:
        raise ConfigError(f"{sample.id} has no question of its own, it asks about the whole picture: write one")
    own = not args.question and not args.prompts
    regions = sample.regions if own else _drawn(args.prompts)
    return Question(sample.image, args.question or sample.question, args.unit, regions, sample_id=sample.id)


def _photo(name: str, scratch: Path) -> "ImageRef":
    from tasks import given_photo

    if name == _STDIN:
        return given_photo.take(sys.stdin.buffer.read(given_photo.MOST_BYTES + 1), scratch, "standard input")
    return given_photo.take(given_photo.read(Path(name).expanduser()), scratch, name)


def _drawn(prompts: "list[Region | Path]") -> "tuple[Region, ...]":
    """Read the files of masks among the visual prompts."""
    from benchmarks.schema import Region
    from tasks import given_photo

    return tuple(
        Region("mask", mask_rle=given_photo.take_mask(given_photo.read(each), str(each)))
        if isinstance(each, Path)
        else each
        for each in prompts
    )


def _add_prompts(parser: argparse.ArgumentParser) -> None:
    """Add the visual prompts, which keep the order they are given in, whatever their kind."""
    for flag, metavar, read, what in (
        ("--box", "X1,Y1,X2,Y2", _box, "corners of a box, in pixels"),
        ("--point", "X,Y", _point, "a point, in pixels"),
        ("--mask", "FILE", folder, "a picture of the same size, white where you mean"),
    ):
        text = f"visual prompt: {what}; repeatable"
        parser.add_argument(flag, dest="prompts", action="append", default=[], metavar=metavar, type=read, help=text)


def _box(text: str) -> "Region":
    from benchmarks.schema import Region

    x1, y1, x2, y2 = _numbers(text, 4, "a box is x1,y1,x2,y2")
    return Region("box", box_xyxy=(x1, y1, x2, y2))


def _point(text: str) -> "Region":
    from benchmarks.schema import Region

    x, y = _numbers(text, 2, "a point is x,y")
    return Region("point", points_xy=((x, y),))


def _numbers(text: str, count: int, form: str) -> list[float]:
    from math import isfinite

    try:
        values = [float(word) for word in text.split(",")]
    except ValueError:
        values = []
    if len(values) != count or not all(map(isfinite, values)):
        raise argparse.ArgumentTypeError(f"'{text}' is not understood: {form}, in pixels")
    return values


def _hint(asked: "Asked", answered: "Answered") -> str:
    """How to get another answer, where the model chose words by itself."""
    found = answered.prediction
    chose_words = asked.decided and found.status == "ok" and not found.groups and found.depth is None
    return "; it chose to answer in words, --unit asks for objects" if chose_words else ""


def _keep(answered: "Answered", args: argparse.Namespace) -> None:
    """Print the answer, and draw it where that is wanted."""
    from tasks import answer_picture, answer_text, dense, predictions
    from tasks.progress import say

    found = answered.prediction
    if args.save is not None:
        answer_picture.save(answer_picture.draw(answered.query, found), args.save)
        say(f"drew {args.save}")
    if not args.json:
        coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        print("\n".join(answer_text.lines(answered, coloured)))
        return
    if found.depth is not None and args.save is not None:
        found = dense.stow(found, args.save.parent)
    elif found.depth is not None:
        from dataclasses import replace

        say("the depth map is left out: --save FILE keeps it in the folder dense beside the picture")
        found = replace(found, depth=None)
    show.as_json(predictions.to_json(found))
