"""Macros of authors, as papers define them."""

import pytest

from results.export.macros import Macro, definitions, expand


@pytest.mark.parametrize(
    ("text", "known"),
    [
        (r"\newcommand{\ours}{72.3}", {"ours": Macro("72.3")}),
        (r"\newcommand\ours{72.3}", {"ours": Macro("72.3")}),
        (r"\newcommand*{ \ours } {\textbf{72.3}}", {"ours": Macro(r"\textbf{72.3}")}),
        (r"\def\ours{a{b}c} d", {"ours": Macro("a{b}c")}),
        (r"\newcommand{\best}[1]{\textbf{#1}}", {"best": Macro(r"\textbf{#1}", 1)}),
        (r"\newcommand{\x}{1}\renewcommand{\x}{2}", {"x": Macro("2")}),
        (r"\newcommand{\x}{1}\providecommand{\x}{2}\providecommand{\y}{3}", {"x": Macro("1"), "y": Macro("3")}),
        (r"\newcommand{\x}[1][0]{#1}\def\y#1{#1}", {}),
    ],
)
def test_definitions_are_read_as_authors_write_them(text, known):
    assert definitions(text) == known


KNOWN = {
    "ours": Macro("72.3"),
    "b": Macro(r"\textbf{#1}", 1),
    "pair": Macro(r"\b{#1} / #2", 2),
    "name": Macro(r"\ours x"),
}


@pytest.mark.parametrize(
    ("raw", "written"),
    [
        (r"\ours", "{72.3}"),
        (r"\ours{}", "{72.3}{}"),
        (r"\oursbetter \our", r"\oursbetter \our"),
        (r"\b{\ours}", r"{\textbf{{72.3}}}"),
        (r"\b 7", r"{\textbf{7}}"),
        (r"\pair{1}{2}", r"{{\textbf{1}} / 2}"),
        (r"\name & \b", r"{{72.3} x} & {\textbf{}}"),
    ],
)
def test_macros_are_written_out_within_each_other(raw, written):
    assert expand(raw, KNOWN) == written


@pytest.mark.parametrize("body", [r"\x", r"\x\x", "a" * 30000])
def test_macros_without_an_end_stay_as_they_are(body):
    assert expand(r"1 \x 2", {"x": Macro(body)}) == r"1 \x 2"
