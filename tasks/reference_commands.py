"""The reference of the command line as a Markdown page, made from the parsers themselves."""

import re
from argparse import SUPPRESS, Action, _HelpAction
from collections.abc import Iterator

from tasks.cli import COMMANDS
from tasks.parser import Parser, of_command

SHARED = ("--json", "--verbose")
"""Options of every command; they are told once."""
_HEAD = """# Command line

<!-- written by `python -m tasks.reference` from the parsers: edit those -->

`refbench COMMAND --help` prints the same. Results go to standard output, progress and complaints to standard error.
Every command takes `--json` (print JSON for machines instead of text) and `-v`, `--verbose` (log more, on standard
error). What a flag leaves open is looked up in the environment, then in the user's file, `refbench/config.yaml` in
`XDG_CONFIG_HOME` or `~/.config`, with the keys `data_root` and `runs`.

| exit code | means |
|---|---|
| 0 | done |
| 1 | done, and the verdict is no: something got worse, differs or is broken |
| 2 | the user must change something; one line says what |
| 3 | done, but more samples failed than allowed |
| 130, 143 | stopped by Ctrl-C or by SIGTERM; the same command goes on from there |
| 141 | the reader of standard output has gone, as in `refbench tasks \\| head -1` |

| environment variable | means |
|---|---|
"""
VARIABLES = {
    "REFBENCH_DATA": "folder of the official files, as `--data-root`",
    "REFBENCH_RUNS": "root of all run directories, as `--out` of `eval` and `--runs` elsewhere",
    "REFBENCH_CACHE": "where the sample world and indices of annotation files lie (default: the user's cache folder)",
    "REFBENCH_OFFLINE": "1: as `--offline`",
    "REFBENCH_DEMO_PASSWORD": "what people must know to use the page of `demo`; nothing is asked where it is not set",
    "REFBENCH_LAUNCH": "a name that all processes of one launch share; torchrun and Slurm give one by themselves",
    "REFBENCH_API_CONCURRENT": "questions to a server at once, for `openai-api`",
    "REFBENCH_API_PER_MINUTE": "questions to a server in a minute, likewise",
    "REFBENCH_API_TIMEOUT": "seconds that a server may take for an answer, likewise",
    "REFBENCH_API_TRIES": "how often a question is put before it counts as failed, likewise",
    "REFBENCH_API_PRICES": "prices per million tokens, in and out, for the costs that a run records, likewise",
}
"""Environment variable -> what it is for."""


def page() -> str:
    """Write the page, as Markdown."""
    variables = "".join(f"| `{name}` | {text} |\n" for name, text in VARIABLES.items())
    return _HEAD + variables + "".join(_section(name) for name in COMMANDS)


def _section(name: str) -> str:
    module, parser = of_command(name, COMMANDS[name])
    summary = COMMANDS[name][0].upper() + COMMANDS[name][1:]
    arguments = "".join(f"- {line}\n" for line in _arguments(parser))
    return f"\n## refbench {name}\n\n{summary}.\n\n{arguments}\n{_examples(module.EXAMPLES)}"


def _arguments(parser: Parser) -> Iterator[str]:
    for action in parser._actions:
        if (
            not isinstance(action, _HelpAction)
            and action.help != SUPPRESS
            and not set(SHARED) & {*action.option_strings}
        ):
            yield f"{_spelling(action)}: {_text(action, parser)}"


def _spelling(action: Action) -> str:
    """Write how an argument is typed: `--limit N`, `NAME` or `[NAME]` where it may be left out."""
    name = action.metavar or ("{" + ",".join(map(str, action.choices)) + "}" if action.choices else action.dest.upper())
    if not action.option_strings:
        forms = {"+": f"{name} …", "?": f"[{name}]", "*": f"[{name} …]"}
        return f"`{forms.get(str(action.nargs), name)}`"
    value = "" if action.nargs == 0 else f" {name}"
    return ", ".join(f"`{flag}{value}`" for flag in action.option_strings)


def _text(action: Action, parser: Parser) -> str:
    said = (action.help or "") % {**vars(action), "prog": parser.prog}
    needed = " (must be given)" if action.option_strings and action.required else ""
    return escaped(said) + needed


def _examples(text: str) -> str:
    """Turn the examples of a help text into a block of commands and the words below them."""
    lines = text.splitlines()
    commands = [re.sub(r"\s{2,}\((.*)\)$", r"  # \1", line[2:]) for line in lines if line.startswith("  ")]
    words = "\n".join(line for line in lines if not line.startswith("  ")).strip()
    words = re.sub(r"(?m)^exit codes:", "\nExit codes:", words).replace("\n\n\n", "\n\n").strip()
    block = "\n".join(commands)
    return f"<!-- needs: files of yours -->\n```console\n{block}\n```\n" + (f"\n{escaped(words)}\n" if words else "")


def escaped(text: str) -> str:
    """Keep Markdown from reading what stands outside of backticks as markup."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([*<\[\]|])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)
