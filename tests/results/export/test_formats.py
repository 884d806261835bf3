"""What the five formats make of a table, with hostile names in it; LaTeX is compiled where there is one."""

import csv
import io
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from results.export import latex, long, markdown, page, provenance
from results.export.build import build
from results.export.layout import lay_out
from results.export.pick import Evidence
from results.export.spec import TableSpec

HOSTILE = (
    r"\input{/etc/passwd}", r"50% & more_of #1 ${x}^2~", "<script>alert(1)</script>", "a|b`c*d_e", '=HYPERLINK("x")',
    "日本語 模型 🤖", "naïve Ünïcode", "line\nbreak \x00\x1b[31m",
    "[bracket] -- 'quote' \"double\"", "%", "\\\\", "]]>",
)  # fmt: skip
SPEC = TableSpec.model_validate(
    {
        "description": "d",
        "caption": "Accuracy (%) of A_B & C",
        "columns": [
            {"head": "RefCOCO+", "task": "toy_rec", "splits": ["val", "test"], "metrics": ["acc@0.5"], "arrow": True},
            {"head": "Avg.", "average": "all"},
            {"head": "Both", "task": "toy_rec", "splits": ["val", "test"], "metrics": ["acc@0.5"], "join": " / "},
        ],
        "rows": [
            {"models": "all", "group": "Group_1 <b>"},
            {"model": "naïve Ünïcode", "label": "Ours", "group": "Ours", "ours": True, "mark": "†", "note": "50% data",
             "delta_to": "%"},
        ],
    }
)  # fmt: skip


def hostile(make_run):
    values = [(name, 0.5 + at / 100) for at, name in enumerate(HOSTILE)]
    return [make_run(name, split=split, value=value) for name, value in values for split in ("val", "test")]


def compiled(folder):
    words = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, errors="replace", check=False, timeout=240)


@pytest.fixture
def filled(make_run):
    """A table with every kind of cell and hostile names."""
    runs = [*hostile(make_run), make_run("sampled", data="sample"), make_run("nothing", value=None)]
    return build("toy", SPEC, Evidence(runs))


def test_every_name_of_latex_is_escaped(filled):
    text = latex.draw(lay_out(filled), provenance.lines(filled))
    body = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    assert "\\input" not in body
    assert r"50\% \& more\_of \#1 \$\{x\}\textasciicircum{}2\textasciitilde{}" in body
    assert r"\multicolumn{2}{c}{RefCOCO+}" in body
    assert r"\cmidrule(lr){2-3}" in body
    assert r"\textbf{" in body
    assert "\x00" not in text
    assert "\x1b" not in text
    assert all(line.startswith("%") for line in text.split("\\end{table}")[1].strip().splitlines())


@pytest.mark.parametrize("groups", ["header", "column", "rule"])
@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_latex_compiles(make_run, tmp_path, groups, transpose):
    spec = SPEC.model_copy(update={"groups": groups, "transpose": transpose})
    found = build("toy", spec, Evidence([*hostile(make_run), make_run("sampled", data="sample")]))
    text = latex.draw(lay_out(found), provenance.lines(found))
    (tmp_path / "t.tex").write_text(latex.document(text), encoding="utf-8")
    done = compiled(tmp_path)
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_the_appendix_names_every_run_and_compiles(filled, tmp_path):
    grid, sources = lay_out(filled), provenance.lines(filled)
    text = latex.draw(grid) + latex.appendix([(grid, sources)])
    assert text.count(r"\item ") == len(sources) > 3
    (tmp_path / "t.tex").write_text(latex.document(text), encoding="utf-8")
    for _ in range(2):  # the second run knows the numbers of tables
        done = compiled(tmp_path)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "undefined" not in done.stdout


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_a_table_of_many_rows_compiles_over_pages(make_run, tmp_path):
    found = build("toy", SPEC, Evidence([*hostile(make_run), *(make_run(f"model {at}") for at in range(120))]))
    (tmp_path / "t.tex").write_text(latex.document(latex.draw(lay_out(found))), encoding="utf-8")
    done = compiled(tmp_path)
    assert done.returncode == 0, done.stdout[-2000:]
    assert re.search(r"\((\d+) pages", done.stdout)


def test_markdown_keeps_its_columns_and_shows_no_html_of_names(filled):
    text = markdown.draw(lay_out(filled), provenance.lines(filled))
    lines = [re.sub(r"\\.", "", line) for line in text.splitlines() if line.startswith("| ")]
    assert {line.count("|") for line in lines} == {6}
    assert "<script" not in text
    assert "RefCOCO+ val" in text


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.rows = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append(0)
        elif tag in ("td", "th"):
            self.rows[-1] += int(dict(attrs).get("colspan", 1))


def test_html_has_no_script_and_rows_of_one_width(filled):
    reader = _Tags()
    reader.feed(page.draw([(lay_out(filled), provenance.lines(filled))]))
    assert "script" not in reader.tags
    assert reader.rows[0] == 5
    assert set(reader.rows[2:]) == {5}


def test_csv_and_json_hold_unrounded_values_and_sources(filled):
    grid = lay_out(filled)
    text = long.to_csv([(filled, grid)])
    lines = list(csv.DictReader(io.StringIO(text)))
    [content] = json.loads(long.to_text([(filled, grid)]))["tables"]
    assert len(lines) == len(content["cells"]) == len(filled.rows) * 5
    by_row = {line["row"]: line for line in lines}
    assert '\'=HYPERLINK("x")' in by_row
    assert float(lines[0]["value"]) == 0.5
    assert {line["state"] for line in lines} == {"number", "missing", "undefined", "incomplete"}
    assert all(line["source_key"] for line in lines if line["state"] == "number")


def test_every_number_is_in_the_list_of_sources(filled):
    listed = sum(len(heads) for entry in provenance.entries(filled) for heads in entry.cells.values())
    counted = sum(len(cell.sources) for row in filled.rows for cells in row.cells for cell in cells)
    assert listed == counted > 0


def test_no_minus_zero_and_a_true_minus_sign(make_run):
    runs = [make_run("a", value=-0.00001), make_run("b", value=-0.5)]
    spec = TableSpec.model_validate(
        {"description": "d", "rows": [{"models": "all"}],
         "columns": [{"head": "H", "task": "toy_rec", "splits": ["val"], "metrics": ["acc@0.5"]}]}
    )  # fmt: skip
    grid = lay_out(build("toy", spec, Evidence(runs)))
    assert [row.cells[0].plain for row in grid.rows] == ["0.0", "−50.0"]
