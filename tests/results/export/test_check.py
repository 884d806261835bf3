"""A finished paper against the runs: right, wrong, stale, untraceable and wrongly bold numbers."""

import pytest

from metrics.errors import DataError
from results.export import latex, tex
from results.export.build import build
from results.export.check import check
from results.export.layout import lay_out
from results.export.pick import Evidence
from results.export.spec import TableSpec

SPEC = TableSpec.model_validate(
    {
        "description": "d",
        "columns": [
            {"head": "RefCOCO", "task": "toy_rec", "splits": ["val", "test"], "metrics": ["acc@0.5"]},
            {"head": "Avg.", "average": "all"},
        ],
        "rows": [{"models": ["alpha", "beta_2"], "group": "Ours"}, {"model": "gamma", "delta_to": "alpha"}],
        "decimals": 2,
    }
)


@pytest.fixture
def evidence(make_run):
    """Three models; alpha was measured twice."""
    numbers = {"alpha": (0.91234, 0.8), "beta_2": (0.5, 0.25), "gamma": (0.95, 0.7)}
    runs = [
        make_run(name, split=split, value=value, ended="2026-02-01")
        for name, values in numbers.items()
        for split, value in zip(("val", "test"), values, strict=True)
    ]
    old = make_run("alpha", value=0.8888, ended="2026-01-01", weights="alpha-weights", run="alpha/toy_rec/val-old")
    return Evidence([old, *runs])


@pytest.fixture
def paper(evidence):
    """The LaTeX of the table."""
    return latex.draw(lay_out(build("toy", SPEC, evidence)))


@pytest.fixture
def verdicts(evidence, tmp_path):
    """Check a text and return its findings."""

    def judge(text):
        (tmp_path / "paper.tex").write_text(text, encoding="utf-8")
        table = build("toy", SPEC, evidence)
        return check(tex.read(tmp_path / "paper.tex"), lambda name: table if name == "toy" else None, evidence)

    return judge


def bad(findings):
    return [(each.place, each.printed, each.verdict) for each in findings if each.verdict != "ok"]


def line_of(text, part):
    return next(at for at, line in enumerate(text.splitlines(), start=1) if part in line)


def test_what_export_writes_is_right(paper, verdicts):
    findings = verdicts(paper)
    assert bad(findings) == []
    assert len(findings) == 9 + 3  # nine numbers, and the differences of one row


def test_a_wrong_number_is_named_with_its_line(paper, verdicts):
    text = paper.replace("25.00", "52.00")
    assert bad(verdicts(text)) == [(f"paper.tex:{line_of(text, '52.00')}", "52.00", "wrong")]


def test_macros_of_the_author_are_read_wherever_they_are_defined(paper, verdicts, tmp_path):
    (tmp_path / "numbers.tex").write_text(r"\def\half{25.00}" + "\n", encoding="utf-8")
    start = "\\newcommand{\\ours}[1]{\\textbf{#1}}\n% \\newcommand{\\half}{24.00}\n\\input{numbers}\n"
    text = start + paper.replace("25.00", r"\half{}").replace("91.23", r"\ours{91.23}")
    assert text.count(r"\half") == 2 and text.count(r"\ours") == 2
    findings = verdicts(text)
    assert bad(findings) == [(f"paper.tex:{line_of(text, 'ours{91.23}')}", "91.23", "emphasis")]
    (tmp_path / "numbers.tex").write_text(r"\def\half{52.00}" + "\n", encoding="utf-8")
    assert (f"paper.tex:{line_of(text, 'half{}')}", "52.00", "wrong") in bad(verdicts(text))


def test_a_number_of_an_older_run_is_stale_and_says_which(paper, verdicts):
    [finding] = [each for each in verdicts(paper.replace("91.23", "88.88")) if each.verdict != "ok"]
    assert finding.verdict == "stale"
    assert "alpha/toy_rec/val-old of 2026-01-01" in finding.reason


def test_fewer_digits_are_right_and_wrongly_rounded_ones_are_not(paper, verdicts):
    assert bad(verdicts(paper.replace("91.23", "91.2"))) == []
    assert [verdict for *_, verdict in bad(verdicts(paper.replace("91.23", "91.24")))] == ["wrong"]


def test_a_wrong_difference_is_found(paper, verdicts):
    assert "(+3.77)" in paper
    assert [verdict for *_, verdict in bad(verdicts(paper.replace("+3.77", "+4.77")))] == ["wrong"]


def test_unknown_rows_columns_and_tables_are_untraceable(paper, verdicts):
    assert {verdict for *_, verdict in bad(verdicts(paper.replace("gamma", "delta")))} == {"untraceable"}
    assert {verdict for *_, verdict in bad(verdicts(paper.replace("Avg.", "Sum")))} == {"untraceable"}
    assert {verdict for *_, verdict in bad(verdicts(paper.replace("table=toy", "table=yot")))} == {"untraceable"}
    unmarked = verdicts(paper.replace("% refbench table=toy", ""))
    assert "refbench skip" in unmarked[0].reason


def test_bold_that_is_not_the_best_is_reported(paper, verdicts):
    text = paper.replace("25.00", r"\textbf{25.00}")
    text = text.replace(r"\underline{\textbf{25.00}}", r"\textbf{25.00}")
    assert [verdict for *_, verdict in bad(verdicts(text))] == ["emphasis"]


def test_a_table_with_skip_and_comments_is_left_alone(verdicts):
    text = "% refbench skip\n\\begin{tabular}{lc}\\hline a & 1 \\\\ b & 2 \\\\\\end{tabular}\n"
    assert verdicts(text) == []
    assert verdicts("% \\begin{tabular}{lc} a & 1 \\\\ \\end{tabular}\n") == []


def test_a_table_written_by_hand_is_read(verdicts):
    text = r"""
Text with 5\% of numbers.
% refbench table=toy
\begin{tabular*}{\linewidth}{@{}lccc@{}} \hline
\multirow{2}{*}{Model} & \multicolumn{2}{c}{\bf RefCOCO$\uparrow$} & Avg. \\ \cline{2-3}
 & val & test & \\ \hline
alpha~\cite{b2020}\textsuperscript{*} & {\bf 91.2} & 80.0
  & $85.6$ \\[2pt]
\rowcolor{gray!10} beta\_2 & \textcolor{red}{50.0} & 25.01 & 37.5 \\ \hline
\end{tabular*}
"""
    gamma_is_better = ("paper.tex:7", "91.2", "emphasis")
    assert bad(verdicts(text)) == [gamma_is_better, ("paper.tex:9", "25.01", "wrong")]


def test_included_files_are_read_and_missing_ones_refused(paper, verdicts, tmp_path):
    (tmp_path / "tables.tex").write_text(paper.replace("25.00", "52.00"), encoding="utf-8")
    [finding] = [each for each in verdicts("\\input{tables}\n") if each.verdict != "ok"]
    assert finding.place.startswith("tables.tex:")
    with pytest.raises(DataError, match="nowhere"):
        verdicts("\\input{nowhere}\n")
