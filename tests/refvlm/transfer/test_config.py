import pytest

from benchmarks.errors import ConfigError
from refvlm.training.config import load_config


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("{projector: converted, generator: a}", "needs llm"),
        ("{projector: converted, llm: a}", "as generator a model with a language model of its own"),
        ("{read_words: true, llm: a}", "read_words makes a fresh language model"),
        ("{word_order: 3, llm: a}", "word_order is for a fresh language model"),
        ("{projecter: fresh}", "did you mean projector"),
    ],
)
def test_sections_that_contradict_themselves_are_refused(tmp_path, section, said):
    path = tmp_path / "run.yaml"
    path.write_text(f"optim: {{steps: 1}}\ntransfer: {section}\n")
    with pytest.raises(ConfigError, match=said):
        load_config(path)
