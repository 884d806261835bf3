"""The architecture as a picture, drawn from a configuration: every width, layer and count in it is that of the model.

    svg = draw(read_config(json.loads(path.read_text()), path), "REF-VLM, preset tiny")

Nothing is measured but the parameters, which are counted on a model without values.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

import torch

from refvlm.config import RefVLMConfig

WIDTH, HEIGHT = 1280, 604
_SEES, _SPEAKS, _DECODES, _GIVEN = (
    ("#dbeafe", "#2563eb"),
    ("#fef3c7", "#b45309"),
    ("#dcfce7", "#15803d"),
    ("#f3f4f6", "#6b7280"),
)
_INK, _FAINT = "#111827", "#4b5563"
_SHORT = 14
"""Titles of fewer letters leave room for a number in their line."""
Point = tuple[int, int]


@dataclass(frozen=True)
class Block:
    """A part of the model: where it stands, in pixels, and what is written in it.

    Attributes:
        at: left and top.
        size: width and height.
        colours: of the inside and the frame.
        title: its name.
        lines: what is said of it.
        part: attribute of the model whose parameters are counted; none where empty.
    """

    at: Point
    size: Point
    colours: tuple[str, str]
    title: str
    lines: Sequence[str]
    part: str = ""


def draw(config: RefVLMConfig, title: str) -> str:
    """Draw a model as SVG, 1280 x 604 px, on a white ground of its own so that it is readable on a dark page."""
    sizes = _parameters(config)
    inside = [
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="12" fill="#ffffff"/>',
        _text((24, 36), f"{title}: {_count(sizes[''])} parameters", 20, weight=700),
        *(_arrow(*each) for each in _arrows(config)),
        *_joints(config),
        *(_block(each, sizes) for each in _blocks(config)),
        *_pyramid(config),
        *_answer(config),
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="Helvetica, Arial, sans-serif" role="img">'
    )
    tip = '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    tip = f'<defs>{tip}<path d="M0 0 L8 4 L0 8 z" fill="{_FAINT}"/></marker></defs>'
    return "\n".join([head, f"<title>{escape(title)}</title>", tip, *inside, "</svg>"]) + "\n"


def _parameters(config: RefVLMConfig) -> Mapping[str, int]:
    """Count the parameters of every part, by the path of its attribute; all of them under the empty path."""
    from refvlm.model import RefVLM

    with torch.device("meta"):
        model = RefVLM(config)
    return {path: sum(each.numel() for each in part.parameters()) for path, part in model.named_modules()}


def _count(number: int) -> str:
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return str(number)


def _blocks(config: RefVLMConfig) -> Iterator[Block]:
    yield from _given(config)
    yield from _seeing(config)
    llm = config.llm
    lines = [f"Llama, {llm.layers} layers", f"width {llm.width}, {llm.heads} heads", f"MLP {llm.mlp_width}"]
    lines += [f"{config.vocab_size:,} tokens", f"grammar {config.grammar}"]
    yield Block((650, 250), (156, 330), _SPEAKS, "Language model", lines, "llm")
    yield from _decoding(config)


def _given(config: RefVLMConfig) -> Iterator[Block]:
    side = config.image_size
    yield Block((24, 80), (140, 84), _GIVEN, "Picture", [f"{side} × {side} px,", "square by padding"])
    if config.regions is not None:
        yield Block((24, 396), (140, 84), _GIVEN, "Visual prompts", ["point, box,", "scribble, mask"])
    yield Block((24, 510), (140, 70), _GIVEN, "Question", ["in words"])


def _seeing(config: RefVLMConfig) -> Iterator[Block]:
    trunk, encoder, regions = config.trunk, config.encoder, config.regions
    kind = "residual" if trunk.kind == "plain" else "ConvNeXt"
    blocks = ", ".join(map(str, trunk.depths))
    yield Block((204, 56), (220, 140), _SEES, "Dense trunk", [f"{blocks} {kind} blocks"], "vision.trunk")
    cells = config.grid
    source = {"trunk": "tokens of the trunk's map", "patch": "patches", "clip": "patches, as CLIP's"}[encoder.stem]
    yield Block(
        (204, 244), (220, 104), _SEES, "Encoder",
        [f"transformer, {encoder.layers} layers", f"width {encoder.width}, {encoder.heads} heads",
         f"{cells} × {cells} {source}"],
        "vision.encoder",
    )  # fmt: skip
    widths = [f"{encoder.width} → {config.llm.width}", f"→ {config.llm.width}"]
    yield Block((464, 256), (130, 80), _SEES, "Projector", widths, "vision.projector")
    if regions is not None:
        lines = [f"{regions.grid} × {regions.grid} tokens of content", "and one of geometry a prompt"]
        lines = lines if regions.design == "grid" else [f"{regions.grid**2} bands of raster lines", "and one token"]
        yield Block((204, 396), (220, 94), _SEES, "Visual prompt encoder", lines, "region_encoder")


def _decoding(config: RefVLMConfig) -> Iterator[Block]:
    decoder, side = config.decoder, _pixel_side(config)
    lines = [f"{decoder.pixel_width} channels a pixel,", f"{side} × {side} pixels"]
    yield Block((850, 80), (180, 84), _DECODES, "Pixel decoder", lines, "pixel_decoder")
    lines = [f"{decoder.layers} layers, width {decoder.width}", f"looks at stride {decoder.key_stride}"]
    if decoder.reference_points:
        lines.append("a point for every <REF>")
    if config.adapter is not None:
        lines.append(f"adapter before it, width {config.adapter.width}")
    yield Block((850, 256), (180, 118), _DECODES, "Query trunk", lines, "query_trunk")
    yield from (Block((1088, top), (168, height), _DECODES, *head) for top, height, head in _placed(config))


def _placed(config: RefVLMConfig) -> Iterator[tuple[int, int, tuple[str, Sequence[str], str]]]:
    """Top, height and content of every part that answers, above the answer."""
    heads = list(_heads(config, _pixel_side(config)))
    step = min(72, 380 // len(heads))
    yield from ((56 + step * row, step - 10, head) for row, head in enumerate(heads))


def _pixel_side(config: RefVLMConfig) -> int:
    """Side of the square of pixel embeddings: that of the trunk's finest map."""
    return config.image_size // (2 if config.trunk.kind == "plain" else 4)


def _heads(config: RefVLMConfig, side: int) -> Iterator[tuple[str, Sequence[str], str]]:
    """Name, words and path of every part that answers."""
    yield "Box", ["two looks" if config.decoder.refine else "one look"], "box_decoder"
    yield "Mask", [f"{side} × {side} logits"], "mask_decoder"
    if config.keypoint is not None:
        cells, sets = config.keypoint.cells, ", ".join(config.keypoint.sets)
        yield "Keypoints", [f"{cells} × {cells} maps; {sets}"], "keypoint_decoder"
    if config.depth is not None:
        yield (
            "Depth",
            [f"{config.depth.bins} bins, {config.depth.near_m:g} to {config.depth.far_m:g} m"],
            "depth_decoder",
        )
    for name in config.decoders:
        yield name, ["plug-in"], f"{name}_decoder"
    if config.decoder.quality:
        yield "Quality", ["foretells the IoU"], "quality"


def _arrows(config: RefVLMConfig) -> Iterator[tuple[Sequence[Point], str]]:
    """Corners of every arrow, and words above its first stretch."""
    yield [(164, 122), (204, 122)], ""
    yield [(314, 196), (314, 244)] if config.encoder.stem == "trunk" else [(94, 164), (94, 296), (204, 296)], ""
    yield [(424, 122), (850, 122)], "all levels, and the encoder's map"
    yield [(424, 296), (464, 296)], ""
    yield [(594, 296), (650, 296)], "tokens"
    if config.regions is not None:
        yield [(440, 122), (440, 416), (424, 416)], ""
        yield [(164, 438), (204, 438)], ""
        yield [(424, 446), (650, 446)], "tokens where words mention them"
    yield [(164, 545), (650, 545)], "embedded words"
    yield [(440, 220), (900, 220), (900, 256)], ""
    yield [(806, 514), (830, 514)], ""
    for top, height, _ in _placed(config):
        yield [(1058, top + height // 2), (1088, top + height // 2)], ""


def _joints(config: RefVLMConfig) -> Iterator[str]:
    """Draw the lines that several arrows share, and dots where lines meet."""
    middles = [top + height // 2 for top, height, _ in _placed(config)]
    bus = [] if config.regions is not None else [((440, 122), (440, 270))]
    lines = [*bus, ((424, 270), (440, 270)), ((1030, 122), (1058, 122)), ((1030, 315), (1058, 315))]
    for (x1, y1), (x2, y2) in [*lines, ((1058, middles[0]), (1058, max(middles[-1], 315)))]:
        yield f'<path d="M{x1} {y1} L{x2} {y2}" stroke="{_FAINT}" stroke-width="1.6"/>'
    for x, y in [(440, 122), (440, 220), (440, 270), (1058, 122), (1058, 315)]:
        yield f'<circle cx="{x}" cy="{y}" r="3" fill="{_FAINT}"/>'


def _pyramid(config: RefVLMConfig) -> Iterator[str]:
    """Draw the maps of the trunk in its block: shrinking squares with stride and channels."""
    trunk = config.trunk
    widths = [trunk.stem_width, *trunk.widths] if trunk.kind == "plain" else list(trunk.widths)
    strides = [2 << place for place in range(5)][-len(widths) :]
    step = 204 // len(widths)
    for place, (stride, width) in enumerate(zip(strides, widths, strict=True)):
        middle, side = 212 + place * step + step // 2, 30 - 5 * place
        yield (
            f'<rect x="{middle - side // 2}" y="{136 - side // 2}" width="{side}" height="{side}" fill="#93c5fd" '
            f'stroke="{_SEES[1]}"/>'
        )
        yield _text((middle, 170), str(width), 12, anchor="middle")
        yield _text((middle, 186), f"/{stride}", 11, _FAINT, anchor="middle")


def _answer(config: RefVLMConfig) -> Iterator[str]:
    """Draw an answer, and the way of its <REF> tokens to the query trunk."""
    yield f'<rect x="830" y="446" width="426" height="134" rx="8" fill="{_SPEAKS[0]}" stroke="{_SPEAKS[1]}"/>'
    yield _text((844, 470), "Answer", 15, weight=700)
    said = ["<Task> … - Name: two stars Unit: mask Num: 2 … </Task>", "<Phrase>two stars</Phrase>"]
    for row, line in enumerate([*said, "(<Unit>mask</Unit>[0]<REF>[1]<REF>) beside …"]):
        written = _text((844, 498 + 23 * row), line, 12, family="Menlo, Consolas, monospace")
        yield written.replace("&lt;REF&gt;", f'<tspan fill="{_DECODES[1]}" font-weight="700">&lt;REF&gt;</tspan>')
    yield _text((844, 570), "The plan, then a triplet for each phrase; a <REF> for each instance.", 12, _FAINT)
    yield _arrow([(960, 446), (960, 374)], "")
    said = (
        ["state of each", "<REF>, and its", "phrase's words"]
        if config.decoder.phrase_skip
        else ["state of each", "<REF>"]
    )
    for row, line in enumerate(said):
        yield _text((972, 402 + 16 * row), line, 12, _FAINT)


def _block(block: Block, sizes: Mapping[str, int]) -> str:
    (x, y), (width, height), (inside, frame) = block.at, block.size, block.colours
    lines = [
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="8" fill="{inside}" stroke="{frame}"/>',
        _text((x + 12, y + 24), block.title, 15, weight=700),
        *(_text((x + 12, y + 44 + 18 * row), line, 12.5) for row, line in enumerate(block.lines)),
    ]
    if block.part:
        at = (x + width - 10, y + 24 if len(block.title) < _SHORT else y + height - 10)
        lines.append(_text(at, _count(sizes[block.part]), 12, _FAINT, anchor="end"))
    return "\n".join(lines)


def _arrow(corners: Sequence[Point], words: str) -> str:
    path = f'<polyline points="{" ".join(f"{x},{y}" for x, y in corners)}" fill="none" stroke="{_FAINT}" '
    line = path + 'stroke-width="1.6" marker-end="url(#tip)"/>'
    (start, level), (end, _) = next(pairwise(corners))
    return line + (_text(((start + end) // 2, level - 7), words, 12, _FAINT, anchor="middle") if words else "")


def _text(at: Point, words: str, size: float, colour: str = _INK, **style: object) -> str:
    """Write words; style: `anchor`, `weight` and `family` as in SVG."""
    names = {"anchor": "text-anchor", "weight": "font-weight", "family": "font-family"}
    styled = "".join(f' {names[key]}="{value}"' for key, value in style.items())
    return f'<text x="{at[0]}" y="{at[1]}" font-size="{size:g}" fill="{colour}"{styled}>{escape(words)}</text>'
