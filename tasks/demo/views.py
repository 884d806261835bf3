"""An answer as HTML: its picture, its words with triplets in their colours, objects, score, and how it came about.

Everything that a model or a person wrote is escaped here; nothing else puts text into the page.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape

from PIL import Image

from benchmarks.schema import Prediction
from refvlm.answers import INEXACT, Answer, Text, Triplet
from results.report.palette import Colour, ink_on
from results.report.sheet import Panel
from tasks import overlays
from tasks.demo.answering import Progress
from tasks.demo.scoring import Score

STAGES = {
    "waiting": "waiting", "loading": "loading the model", "answering": "answering", "done": "done",
    "stopped": "stopped", "refused": "not asked", "stored": "stored answer",
}  # fmt: skip
_QUALITY = 88
_SHOWN = 12
"""Objects that the table lists."""
_NO_INK: Colour = (128, 128, 128)


def card(progress: Progress, panels: Sequence[Panel] = (), score: Score | None = None) -> str:
    """Build the card of one model.

    Args:
        progress: how far it is.
        panels: its answer as pictures, when it is done.
        score: against the truth, where there is one.
    """
    parts = [_head(progress)]
    if progress.reason:
        parts.append(f'<p class="rb-refusal" role="alert">{escape(progress.reason)}</p>')
    if progress.answered is None:
        if progress.raw:
            parts.append(f'<pre class="rb-raw rb-live" aria-live="polite">{escape(progress.raw)}</pre>')
        elif not progress.is_over:
            parts.append('<div class="rb-wait" aria-label="the model works"></div>')
        return _framed(progress, parts)
    prediction = progress.answered.prediction
    if prediction.status != "ok" and progress.stage == "done":
        what = "the answer cannot be read" if prediction.status == "parse_error" else "the model failed"
        parts.append(f'<p class="rb-refusal" role="alert">{what}: {escape(prediction.error)}</p>')
    parts += [_figures(panels), _words(progress), _score(score), _objects(progress), _how(progress)]
    return _framed(progress, parts)


def address(picture: Image.Image, sharp: bool = False) -> str:
    """Turn a picture into a data address: WebP, or PNG where letters must stay sharp."""
    stream = io.BytesIO()
    if sharp:
        picture.save(stream, "PNG")
    else:
        picture.save(stream, "WEBP", quality=_QUALITY, method=2)
    kind = "png" if sharp else "webp"
    return f"data:image/{kind};base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


def note(text: str, is_trouble: bool = False) -> str:
    """A line of words about the picture or the question."""
    kind = ' class="rb-refusal" role="alert"' if is_trouble else ' class="rb-note"'
    return f"<p{kind}>{escape(text)}</p>" if text else ""


def _framed(progress: Progress, parts: Sequence[str]) -> str:
    return f'<article class="rb-card" data-stage="{progress.stage}">{"".join(parts)}</article>'


def _head(progress: Progress) -> str:
    told = f" · {progress.seconds:.2f} s" if progress.seconds else ""
    stage = STAGES[progress.stage]
    return (
        f'<header><h3>{escape(progress.model)}</h3><span class="rb-stage rb-{progress.stage}">{stage}{told}</span>'
        "</header>"
    )


def _figures(panels: Sequence[Panel]) -> str:
    figures = []
    for panel in panels:
        title = f"<h4>{escape(panel.title)}</h4>" if panel.title and len(panels) > 1 else ""
        size = f'width="{panel.picture.width}" height="{panel.picture.height}"'
        name = escape(panel.title or "answer", quote=True)
        picture = f'<img class="rb-picture" src="{address(panel.picture)}" {size} alt="{name} over the picture">'
        key = f'<img class="rb-key" src="{address(panel.key, sharp=True)}" alt="scale or legend">' if panel.key else ""
        lines = "".join(f"<figcaption>{escape(line.text)}</figcaption>" for line in panel.lines)
        figures.append(f"<figure>{title}{picture}{key}{lines}</figure>")
    several = " rb-several" if len(figures) > 1 else ""
    return f'<div class="rb-figures{several}">{"".join(figures)}</div>' if figures else ""


def _words(progress: Progress) -> str:
    answered, reading = progress.answered, progress.reading
    assert answered is not None
    if reading is None:
        text = escape(answered.words or answered.prediction.text)
    else:
        inks = colours(answered.prediction, progress)
        text = "".join(_part(part, inks) for part in reading.body)
    return f'<p class="rb-answer">{text or "<em>no words</em>"}</p>'


def colours(prediction: Prediction, progress: Progress) -> dict[str, Colour]:
    """Phrase -> the colour that its surest object has in the picture."""
    inks: dict[str, Colour] = {}
    for each in overlays.objects(prediction, _categories(progress)):
        inks.setdefault(each.phrase, each.colour)
    return inks


def _categories(progress: Progress) -> tuple[str, ...]:
    query = progress.query
    return () if query is None or query.wants == "keypoint" else query.categories


def _part(part: Text | Triplet, inks: Mapping[str, Colour]) -> str:
    if isinstance(part, Text):
        return escape(part.text)
    inner = "".join(_part(each, inks) for each in part.parts) or escape(part.phrase)
    ink = inks.get(part.phrase.strip(), _NO_INK)
    count = f" × {part.count}" if part.count > 1 else ""
    return f'<mark style="{_ink(ink)}">{inner}<small>{escape(part.unit)}{count}</small></mark>'


def _ink(colour: Colour) -> str:
    return "background:rgb({},{},{});color:rgb({},{},{})".format(*colour, *ink_on(colour))


def _score(score: Score | None) -> str:
    if score is None:
        return ""
    numbers = "".join(f"<div><dt>{escape(key)}</dt><dd>{escape(value)}</dd></div>" for key, value in score.numbers)
    truth = f'<p class="rb-note">truth: {escape(score.truth)}</p>' if score.truth else ""
    remark = note(score.remark)
    return f'<section class="rb-score"><h4>Score of this sample</h4><dl>{numbers}</dl>{truth}{remark}</section>'


def _objects(progress: Progress) -> str:
    assert progress.answered is not None
    found = overlays.objects(progress.answered.prediction, _categories(progress))
    if not found:
        return ""
    rows = "".join(_object(each) for each in found[:_SHOWN])
    more = note(f"and {len(found) - _SHOWN} more, in the JSON file") if len(found) > _SHOWN else ""
    return (
        '<section><h4>Objects</h4><table class="rb-objects"><thead><tr><th>what</th><th>confidence</th><th>where</th>'
        f"</tr></thead><tbody>{rows}</tbody></table>{more}</section>"
    )


def _object(shown: overlays.Shown) -> str:
    each = shown.instance
    if each.score is None:
        sure = "not told"
    else:
        share = max(0.0, min(1.0, each.score))
        sure = f'<meter min="0" max="1" value="{share:.3f}"></meter> {each.score:.2f}'
    where = []
    if each.box_xyxy is not None:
        where.append("box " + ", ".join(f"{value:.0f}" for value in each.box_xyxy))
    if each.mask_rle is not None:
        where.append(f"mask of {overlays.area_px(each.mask_rle):,} px")
    if each.keypoints is not None:
        there = sum(joint[2] > 0 for joint in each.keypoints)
        where.append(f"{there} of {len(each.keypoints)} joints")
    swatch = f'<i style="{_ink(shown.colour)}"></i>'
    return f"<tr><td>{swatch}{escape(shown.phrase) or '–'}</td><td>{sure}</td><td>{'; '.join(where) or '–'}</td></tr>"


def _how(progress: Progress) -> str:
    rows: list[tuple[str, str]] = []
    if progress.query is not None:
        rows += [("prompt", _pre(progress.query.prompt)), ("asked", escape(progress.sent))]
    rows += _grammar(progress.reading)
    rows.append(("raw answer", _pre(progress.raw)))
    loading = f"; loading took {progress.load_s:.2f} s" if progress.load_s >= 0.01 else ""
    rows.append(("timing", f"answered in {progress.seconds:.2f} s{loading}"))
    body = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in rows)
    return f'<details class="rb-how"><summary>Raw answer, plan and timing</summary><dl>{body}</dl></details>'


def _grammar(reading: Answer | None) -> list[tuple[str, str]]:
    if reading is None:
        return [("plan", "none: the answer is plain text")]
    plan = "".join(f"<li>{escape(item.phrase)}: {item.count} × {escape(item.unit)}</li>" for item in reading.plan)
    broken = [each for each in reading.diagnostics if each.code != INEXACT]
    faults = "".join(f"<li>{escape(each.message)} (character {each.offset})</li>" for each in broken)
    agrees = "the answer keeps to the plan" if reading.plan_agrees else "the answer does not keep to the plan"
    return [
        ("plan", f"<ul>{plan}</ul>" if plan else "nothing to be located"),
        ("grammar", f"<ul>{faults}</ul>" if faults else f"no fault; {agrees}"),
    ]


def _pre(text: str) -> str:
    return f'<pre class="rb-raw">{escape(text)}</pre>' if text else "<em>empty</em>"
