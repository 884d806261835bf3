"""The words that the sample world, its questions and their answers use."""

import re
from pathlib import Path

from benchmarks.errors import ConfigError
from benchmarks.world.captions import COUNTS
from benchmarks.world.dense import STUFF, TEXTURES, THINGS
from benchmarks.world.expressions import VOCABULARY
from benchmarks.world.reasonseg import LONG, SHORT
from benchmarks.world.scenes import COLOURS, SHAPES
from benchmarks.world.vizwiz import BEYOND
from refvlm.fingerprint import TOKENIZER
from refvlm.grammars import TRP, VD_COT, WORDS
from refvlm.prompting import PROMPT_WORDS
from refvlm.tokenizer import Tokenizer, WordTokenizer, load_tokenizer
from refvlm.training.cells import KINDS
from refvlm.training.wording import KEYS, wordings

_ANSWERS = (
    "yes no nothing whole scene a an and there are is in with other around it at the top bottom from to image color "
    "how many which what shapes shape crosses circles squares triangles stars diamonds objects all largest person "
    "beings people closest viewer farthest away one grey background is "
    "shirt on salient or unanswerable these this many left right near behind letter first second third fourth number "
    "does have which one two three four five six seven eight nine ten zero object candidate pointed points marked"
)
"""Words of answers and questions that no list of the world holds."""


def build_tokenizer(grammar: str = TRP) -> WordTokenizer:
    """Make the tokenizer of the tiny preset."""
    spoken = WORDS if grammar == VD_COT else ()
    texts = [*(text for key in KEYS for text in wordings(key)), *LONG, *SHORT, *BEYOND]
    asked = {word for text in texts for word in re.findall(r"[A-Za-z]+", text)}
    world = {*VOCABULARY, *COLOURS, *SHAPES, *THINGS, *STUFF, *TEXTURES, *COUNTS.values()}
    return WordTokenizer.build({*asked, *world, *PROMPT_WORDS, *_ANSWERS.split(), *spoken})


def find_tokenizer(folder: str, grammar: str = TRP) -> Tokenizer:
    """Read the tokenizer of a checkpoint of ours or of a language model; that of the sample world where none is named.

    Raises:
        ModelError: the folder holds none.
    """
    if not folder:
        return build_tokenizer(grammar)
    if (own := Path(folder) / TOKENIZER).is_file() and not (Path(folder) / "tokenizer_config.json").is_file():
        return load_tokenizer(own)
    from refvlm.subwords import SubwordTokenizer

    return SubwordTokenizer.from_pretrained(Path(folder))


def cell_words(tokenizer: Tokenizer) -> tuple[tuple[int, ...], ...]:
    """Ids of the words for what covers a cell, map by map, see `refvlm.training.cells`.

    Raises:
        ConfigError: the tokenizer has no single token for one of them.
    """
    for word in (word for words in KINDS for word in words):
        if word not in tokenizer.ids:
            raise ConfigError(f"loss.words needs a token for {word!r}, which the tokenizer lacks: set it to 0")
    return tuple(tuple(tokenizer.ids[word] for word in words) for words in KINDS)
