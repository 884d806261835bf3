"""What `refbench data prepare` can fetch: `configs/downloads.yaml`, or a file of the user's own in the same form."""

from pathlib import Path, PurePosixPath
from typing import Self
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from benchmarks.errors import unknown
from tasks import strict_yaml

BUILT_IN = Path(__file__).parents[1] / "configs" / "downloads.yaml"


class Download(BaseModel):
    """One published file.

    Attributes:
        url: its address; None where it must be fetched by hand.
        by_hand: what to do instead of a download.
        into: folder below the data root that it goes into, or that the names in the archive start from.
        members: patterns of the files to take out of an archive; none for all.
        inner: archives below the data root that come out of this one; they are unpacked where they lie, then deleted.
        holds: file or folder below the data root whose presence shows that this was done.
        bytes: size of the download.
        sha256: published digest.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    url: str | None = None
    by_hand: str = ""
    into: str = ""
    members: tuple[str, ...] = Field(default=(), strict=False)
    inner: tuple[str, ...] = Field(default=(), strict=False)
    holds: str
    bytes: int | None = Field(default=None, ge=0)
    sha256: str = Field(default="", pattern="^([0-9a-fA-F]{64})?$")

    @field_validator("url")
    @classmethod
    def _web(cls, url: str | None) -> str | None:
        if url is not None and urlsplit(url).scheme not in ("http", "https"):
            raise ValueError("must be an http or https address")
        return url

    @field_validator("into", "holds")
    @classmethod
    def _below(cls, path: str) -> str:
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
            raise ValueError("must be a path below the data root")
        return path

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.url is None) == (not self.by_hand):
            raise ValueError("needs url or by_hand, one of both")
        return self

    @property
    def file_name(self) -> str:
        """The last part of the address."""
        return PurePosixPath(unquote(urlsplit(self.url or "").path)).name or "download"


class Catalogue(BaseModel):
    """The file: every download by name, and which of them each benchmark needs, in order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: dict[str, Download]
    benchmarks: dict[str, list[str]]

    @model_validator(mode="after")
    def _known(self) -> Self:
        for benchmark, names in self.benchmarks.items():
            for name in names:
                if name not in self.files:
                    raise ValueError(f"benchmark {benchmark} needs '{name}', which is not among the files")
        return self

    def needed(self, names: list[str]) -> dict[str, Download]:
        """Downloads of benchmarks, each once, in order.

        Args:
            names: full names (`refcocog/umd`).

        Raises:
            UnknownName: a benchmark that the catalogue does not have.
        """
        for name in names:
            if name not in self.benchmarks:
                raise unknown("benchmark with downloads", name, self.benchmarks)
        return {each: self.files[each] for name in names for each in self.benchmarks[name]}


def read(path: Path | None = None) -> Catalogue:
    """Read a catalogue, by default ours.

    Raises:
        ConfigError: the file cannot be used.
    """
    return strict_yaml.read(path or BUILT_IN, Catalogue)


def chosen(name: str, include: Path | None = None) -> list[str]:
    """Turn what a user typed into benchmarks: a task, a full benchmark name, or its part before the slash.

    Raises:
        UnknownName: it is none of them.
        ConfigError: a task file cannot be used.
    """
    from benchmarks.registry import benchmarks
    from tasks.registry import task_files

    known = [each.name for each in benchmarks()]
    files = task_files(include)
    if name in files:
        return [files[name].benchmark]
    found = [each for each in known if name in (each, each.split("/")[0])]
    if not found:
        names = sorted({*known, *(each.split("/")[0] for each in known), *files})
        raise unknown("benchmark or task", name, names, "refbench data status")
    return found
