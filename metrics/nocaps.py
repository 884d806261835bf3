"""Captions of NoCaps: the measures of captions, and CIDEr-D of each domain by itself.

Protocol nocaps/1. CIDEr-D weighs words by how rare they are in the references of the evaluated images, and NoCaps is
reported for four sets of images, evaluated one by one: in-domain, near-domain, out-domain, entire. So an image has two
values: one among all images, for the entire set, and one among those of its domain.
"""

import math
from collections.abc import Sequence

from metrics import captions
from metrics.base import Card, Metric, Row

DOMAINS = ("in", "near", "out")


def measure_all(candidates: Sequence[str], references: Sequence[Sequence[str]], domains: Sequence[str]) -> list[Row]:
    """Measure the captions of a whole set of images.

    Args:
        candidates: one caption per image; "" where there is none.
        references: the references of each image, at least one.
        domains: of each image: in, near or out.

    Returns:
        Rows of `captions.measure_all`, and for every domain `cider_<domain>`, 0 for images of others, and
        `of_<domain>`, 1 for its own images.

    Raises:
        ValueError: a domain is another.
    """
    rows = captions.measure_all(candidates, references)
    if strange := set(domains) - set(DOMAINS):
        raise ValueError(f"domains are {', '.join(DOMAINS)}, got {min(strange)!r}")
    for domain in DOMAINS:
        chosen = [place for place, own in enumerate(domains) if own == domain]
        own_rows = captions.measure_all(
            [candidates[place] for place in chosen], [references[place] for place in chosen], with_meteor=False
        )
        values = dict(zip(chosen, own_rows, strict=True))
        for place, row in enumerate(rows):
            row[f"of_{domain}"] = int(place in values)
            row[f"cider_{domain}"] = values[place]["cider"] if place in values else 0.0
    return rows


def aggregate(rows: Sequence[Row]) -> dict[str, float]:
    """Turn rows into scores; NaN for a domain without images.

    Raises:
        ValueError: there are no rows.
    """
    scores = captions.aggregate(rows)
    for domain in DOMAINS:
        count = sum(row[f"of_{domain}"] for row in rows)
        scores[f"cider_{domain}"] = sum(row[f"cider_{domain}"] for row in rows) / count if count else math.nan
    return scores


_KEYS = {f"cider_{domain}": f"CIDEr-D of the {domain}-domain images, evaluated by themselves" for domain in DOMAINS}
CARD = Card(
    definition=f"{captions.CARD.definition}; CIDEr-D also of each domain by itself",
    source=f"{captions.CARD.source}; nocaps.org (Agrawal et al. 2019) reports three domains and the entire set",
    edge_rules=(
        *captions.CARD.edge_rules,
        "domains: document frequencies are those of the domain's own references, as when each domain is evaluated as a "
        "set of its own; a domain without images has no score",
    ),
    keys={**captions.CARD.keys, **_KEYS},
    range=captions.CARD.range,
    unit=captions.CARD.unit,
    bounds={**captions.CARD.bounds, **dict.fromkeys(_KEYS, (0.0, None))},
)
NOCAPS = Metric(name="nocaps", kind="caption", protocol="nocaps/1", aggregate=aggregate, headline="cider", card=CARD)
METRICS = [NOCAPS]
