"""Names that would format, link, or move the cursor."""

import pytest
from markupsafe import Markup

from results.harmless import markdown, plain


def test_plain_text_is_one_line_without_control_characters():
    assert plain("a\n\tb\x00\x1b[31m\ud800 c") == "a b[31m c"
    assert plain("名前 é") == "名前 é"


@pytest.mark.parametrize(
    "text", ["<script>", "a|b", "**x**", "[a](b)", "![a](b)", "`x`", "$x$", "# h", "a\nb", "~~x~~"]
)
def test_markdown_shows_the_text_and_nothing_else(text):
    """What a reader of Markdown sees: escapes and entities undone."""
    written = markdown(text)
    assert "<" not in written and "\n" not in written
    active = set("`*_[]|~$") & set(text)
    assert all(f"\\{letter}" in written for letter in active)
    assert Markup(written).unescape().replace("\\", "") == plain(text)
