"""An argument parser whose complaints are one line with the nearest valid word, like every other error here."""

import argparse
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, NoReturn

from tasks.allowance import Allowance

_CHOICE = re.compile(r"argument (?P<argument>\S+): invalid choice: '(?P<given>.*)' \(choose from (?P<known>.*)\)")


class Parser(argparse.ArgumentParser):
    """The parser of one command."""

    def __init__(self, command: str, summary: str, examples: str) -> None:
        self.flags: list[str] = []
        super().__init__(
            prog=f"refbench {command}",
            description=summary,
            epilog=f"examples:\n{examples}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def add_argument(self, *names: Any, **options: Any) -> argparse.Action:
        """Add an argument and remember its flags, to suggest them."""
        self.flags += [name for name in names if name.startswith("-")]
        return super().add_argument(*names, **options)

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """Parse the words after the command.

        Raises:
            UnknownName: a flag or value that does not exist.
            ConfigError: anything else that is wrong with them.
        """
        for word in words:
            flag = word.split("=")[0]
            if flag.startswith("-") and flag.strip("-") and not _is_number(flag) and flag not in self.flags:
                from benchmarks.errors import unknown

                raise unknown(f"flag of {self.prog}", flag, self.flags, f"{self.prog} --help")
        return self.parse_args(words)

    def error(self, message: str) -> NoReturn:
        """Turn argparse's complaint into our kind of error."""
        from benchmarks.errors import ConfigError, unknown

        if match := _CHOICE.fullmatch(message):
            known = [word.strip(" '") for word in match["known"].split(",")]
            raise unknown(f"value of {match['argument']}", match["given"], known)
        raise ConfigError(f"{self.prog}: {message} (`{self.prog} --help` shows what it takes)")


def of_command(name: str, summary: str) -> tuple[ModuleType, Parser]:
    """Import a command's module and make its parser, with the options that every command has."""
    module = import_module(f"tasks.commands.{name.replace(' ', '_')}")
    parser = Parser(name, summary, module.EXAMPLES)
    module.arguments(parser)
    parser.add_argument("--json", action="store_true", help="print JSON for machines instead of text")
    parser.add_argument("-v", "--verbose", action="store_true", help="log more, on standard error")
    return module, parser


def positive(text: str) -> int:
    """Read a whole number of 1 or more."""
    return _at_least(1, text)


def natural(text: str) -> int:
    """Read a whole number of 0 or more."""
    return _at_least(0, text)


def batch_size(text: str) -> int | Literal["auto"]:
    """Read a number of samples per call, or auto."""
    return "auto" if text == "auto" else positive(text)


def seconds(text: str) -> float:
    """Read a duration in seconds, above 0."""
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds") from None
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} s is no time limit: give more than 0")
    return number


def allowance(text: str) -> Allowance:
    """Read how many samples may fail: a number, or a share as in `2%`."""
    try:
        return Allowance.read(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is neither a number of samples nor a share such as 2%") from None


def share(text: str) -> float:
    """Read a part of something, as in `2%`: above 0, at most 1."""
    number, percent, rest = text.partition("%")
    try:
        part = float(number) / 100 if percent and not rest else 0.0
    except ValueError:
        part = 0.0
    if not 0 < part <= 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no share: give a percentage such as 2%")
    return part


def names(text: str) -> tuple[str, ...]:
    """Read names separated by commas; repeated ones count once."""
    found = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not found:
        raise argparse.ArgumentTypeError("at least one name is needed")
    return found


def device(text: str) -> str:
    """Read a device: auto, cpu, cuda or cuda:N."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", text):
        raise argparse.ArgumentTypeError(f"'{text}' is no device; choose auto, cpu, cuda or cuda:N")
    return text


def moment(text: str) -> datetime:
    """Read a day or a moment in ISO 8601, as 2026-11-20 or 2026-11-20T18:00+01:00; without a zone it is UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no date such as 2026-11-20") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def folder(text: str) -> Path:
    """Read a path; ~ is the home folder, also where the shell left it alone (as in `--out=~/runs`)."""
    if not text:
        raise argparse.ArgumentTypeError("a path is needed")
    return Path(text).expanduser()


def _at_least(least: int, text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number") from None
    if number < least:
        raise argparse.ArgumentTypeError(f"{number} is too small: give {least} or more")
    return number


def _is_number(word: str) -> bool:
    return re.fullmatch(r"-\d+(\.\d*)?", word) is not None
