"""`refbench export`: paper tables from runs, and a finished paper held against them."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tasks.commands import show
from tasks.parser import folder, names

if TYPE_CHECKING:
    from results.export.cells import Table
    from results.export.pick import Evidence
    from results.export.spec import TableSpec
    from results.run import Run

EXAMPLES = """  refbench export --list
  refbench export --table rec --format latex --output rec.tex
  refbench export --table refvlm_paper --model refvlm --no-published --format latex --standalone --output tables.tex
  refbench export --table refvlm_paper --format latex --appendix --output tables.tex
  refbench export --table my_tables/ablation.yaml --format html --output ablation.html
  refbench export --table rec --format csv
  refbench export --check paper.tex
  refbench export --check paper.tex --table my_tables/ablation.yaml --json

--check finds the tables of a paper by the line `% refbench table=NAME` before each, which the LaTeX format writes, and
reports numbers that are wrong, stale (an older run gave them), untraceable or wrongly bold, with file and line
exit codes: 0 done, or every number is right; 1 --check found others; 2 something must be changed"""
FORMATS = ("latex", "markdown", "csv", "html", "json")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add(
        "--table", metavar="T[,T…]", type=names, default=(), help="tables or sets of tables, or files (*.yaml) of yours"
    )
    add("--list", action="store_true", help="list the tables")
    add("--check", metavar="TEX", type=folder, help="hold the numbers of a paper against the runs")
    add("--format", choices=FORMATS, default="markdown", help="(default: markdown; --json is --format json)")
    add("--output", metavar="FILE", type=folder, help="write into a file (default: standard output)")
    add("--runs", metavar="DIR", type=folder, help="folder of all runs (default: REFBENCH_RUNS, else runs)")
    add("--model", metavar="M[,M…]", type=names, default=(), help="only these measured models")
    add("--verify", action="store_true", help="check the files of every run first, and leave out edited ones")
    add("--no-published", action="store_true", help="leave out numbers that publications print")
    add("--no-sources", action="store_true", help="leave out the list of what every number comes from")
    add("--appendix", action="store_true", help="LaTeX: set that list behind the tables, instead of in comments")
    add("--standalone", action="store_true", help="LaTeX: a document that compiles alone")
    add("--include", metavar="DIR", type=folder, help="folder of further tasks and models, with tables in DIR/tables")


def run(args: argparse.Namespace) -> int:
    """List, check, or draw tables."""
    from benchmarks.errors import ConfigError

    if args.list:
        return _list(args)
    if args.check is not None:
        return _check(args)
    if args.appendix and (args.json or args.format != "latex" or args.no_sources):
        raise ConfigError("--appendix is for LaTeX with sources: give --format latex, and not --no-sources")
    if not args.table:
        raise ConfigError("nothing to export: name a table with --table (`refbench export --list` shows all)")
    tables = _tables(args, _specs(args))
    text = _drawn(args, tables)
    if args.output is None:
        print(text, end="")
        return 0
    if not args.output.parent.is_dir():
        raise ConfigError(f"{args.output.parent} is no folder: name a file in one that exists with --output")
    args.output.write_text(text, encoding="utf-8")
    print(f"wrote {args.output}")
    return 0


def _list(args: argparse.Namespace) -> int:
    from tasks import tables

    found = tables.find(tables.paths(args.include), args.include)
    rows = [(name, spec.shape, spec.description) for name, spec in found.items()]
    rows += [(name, "set", each.description) for name, each in tables.sets(args.include).items()]
    if args.json:
        show.as_json([{"name": name, "kind": shape, "description": text} for name, shape, text in rows])
    else:
        show.table(["name", "shape", "description"], rows)
    return 0


def _specs(args: argparse.Namespace) -> "dict[str, TableSpec]":
    from tasks import tables

    found = tables.find(args.table, args.include)
    if not args.model and not args.no_published:
        return found
    return {name: tables.only(spec, args.model, not args.no_published) for name, spec in found.items()}


def _runs(args: argparse.Namespace) -> "list[Run]":
    """All finished runs; a folder that is not there is as good as an empty one, since numbers may be printed ones."""
    from results.store import Store
    from tasks import intact
    from tasks.settings import settings

    root = settings(runs=args.runs).runs
    if args.runs is None and not root.is_dir():
        return []
    runs = Store(root).runs()
    return intact.only(runs, args.include) if args.verify else runs


def _tables(args: argparse.Namespace, specs: "dict[str, TableSpec]") -> "list[Table]":
    from results.export.build import build
    from tasks import tables

    runs = _runs(args)
    for name, spec in specs.items():
        tables.verify(name, spec, runs, args.include)
    evidence = tables.evidence(specs.values(), runs, args.include)
    return [build(name, spec, evidence) for name, spec in specs.items()]


def _drawn(args: argparse.Namespace, found: "Sequence[Table]") -> str:
    from results.export import latex, long, markdown, page, provenance
    from results.export.layout import lay_out

    form = "json" if args.json else args.format
    grids = [lay_out(table) for table in found]
    sources = [[] if args.no_sources else provenance.lines(table) for table in found]
    if form == "csv":
        return long.to_csv(list(zip(found, grids, strict=True)))
    if form == "json":
        return long.to_text(list(zip(found, grids, strict=True)))
    if form == "html":
        return page.draw(list(zip(grids, sources, strict=True)))
    if form == "markdown":
        return "\n".join(markdown.draw(grid, each) for grid, each in zip(grids, sources, strict=True))
    commented = [[] if args.appendix else each for each in sources]
    text = "\n".join(
        latex.draw(grid, each, _marker(args, grid.name)) for grid, each in zip(grids, commented, strict=True)
    )
    text += "\n" + latex.appendix(list(zip(grids, sources, strict=True))) if args.appendix else ""
    return latex.document(text) if args.standalone else text


def _marker(args: argparse.Namespace, name: str) -> str:
    """What `--check` needs to build the same table again."""
    chosen = f" models={','.join(args.model)}" if args.model else ""
    return f"{name}{chosen}{' published=no' if args.no_published else ''}"


def _check(args: argparse.Namespace) -> int:
    from results.export import check, tex

    runs, papers = _runs(args), tex.read(args.check)
    builder = _Builder(args, runs)
    evidence = builder.evidence([paper.marker for paper in papers])
    findings = check.check(papers, builder, evidence)
    bad = [finding for finding in findings if finding.verdict != "ok"]
    skipped = sum(paper.marker == "skip" for paper in papers)
    if args.json:
        show.as_json(
            {
                "tables": len(papers),
                "skipped": skipped,
                "numbers": len(findings),
                "ok": len(findings) - len(bad),
                "findings": [finding.to_json() for finding in bad],
            }
        )
    else:
        for finding in bad:
            print(finding.line())
        words = f"{len(papers)} tables ({skipped} skipped), {len(findings)} numbers"
        print(f"{words}: {len(findings) - len(bad)} right, {len(bad)} not")
    return 1 if bad else 0


class _Builder:
    """Builds the table that a marker in a paper names, once each."""

    def __init__(self, args: argparse.Namespace, runs: "Sequence[Run]") -> None:
        from tasks import tables

        self._args, self._runs = args, runs
        self._specs = tables.find([*tables.paths(args.include), *args.table], args.include)
        self._evidence: Evidence | None = None

    def evidence(self, markers: Sequence[str]) -> "Evidence":
        """Gather what the numbers of all these tables may come from."""
        from tasks import tables

        chosen = [self._specs[name] for name in {marker.split(" ")[0] for marker in markers} if name in self._specs]
        self._evidence = tables.evidence(chosen, self._runs, self._args.include)
        return self._evidence

    def __call__(self, marker: str) -> "Table | None":
        """Build the table of a marker such as `rec models=refvlm`; None where there is none of that name."""
        from results.export.build import build
        from tasks import tables

        name, *words = marker.split() or [""]
        if name not in self._specs or self._evidence is None:
            return None
        options = dict(word.split("=", 1) for word in words if "=" in word)
        models = options.get("models", "").split(",") if options.get("models") else []
        spec = tables.only(self._specs[name], models, options.get("published") != "no")
        tables.verify(name, spec, self._runs, self._args.include)
        return build(name, spec, self._evidence)
