"""Archives: nothing leaves the folder, nothing half-done is left, and what is inside comes out exactly."""

import io
import stat
import tarfile
import zipfile

import pytest

from benchmarks.errors import DataError
from benchmarks.unpack import unpack

FILES = {"a/one.txt": b"1" * 5000, "a/b/two.bin": bytes(range(256)), "three": b""}
ESCAPES = ["../evil", "/etc/evil", "a/../../evil", "a\\..\\evil", "C:/evil", "\\\\host\\evil"]


def make_zip(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo("x")
            info.filename = name  # the constructor would tidy it
            archive.writestr(info, content)
    return path


def make_tar(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture(params=[make_zip, make_tar], ids=["zip", "tar.gz"])
def make(request, tmp_path):
    return lambda files: request.param(tmp_path / "archive", files)


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_everything_comes_out_with_progress(make, tmp_path):
    steps = []
    found = unpack(make(FILES), tmp_path / "out", progress=lambda *step: steps.append(step))
    assert contents(tmp_path / "out") == FILES
    assert [str(path.relative_to(tmp_path / "out")) for path in found] == list(FILES)
    assert steps[-1] == (5256, 5256)


def test_only_wanted_files_come_out_and_others_there_stay(make, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_bytes(b"keep")
    unpack(make(FILES), tmp_path / "out", ["a/*.bin", "a/b/*"])
    assert contents(tmp_path / "out") == {"a/b/two.bin": FILES["a/b/two.bin"], "mine": b"keep"}


@pytest.mark.parametrize("name", ESCAPES)
def test_a_name_that_would_leave_the_folder_stops_everything(make, tmp_path, name):
    with pytest.raises(DataError, match="would leave the folder: nothing was unpacked"):
        unpack(make({**FILES, name: b"evil"}), tmp_path / "out")
    assert contents(tmp_path / "out") == {}
    assert not list(tmp_path.rglob("evil"))


def test_links_and_devices_stop_everything(tmp_path):
    with tarfile.open(tmp_path / "t.tar", "w") as archive:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        entry = zipfile.ZipInfo("link")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    for name in ("t.tar", "z.zip"):
        with pytest.raises(DataError, match="'link', which is a link or device"):
            unpack(tmp_path / name, tmp_path / "out")
    assert contents(tmp_path / "out") == {}


@pytest.mark.parametrize("cut", [10, 200])
def test_a_broken_archive_is_told_and_leaves_nothing(make, tmp_path, cut):
    archive = make({"big": bytes(range(256)) * 50, **FILES})
    archive.write_bytes(archive.read_bytes()[:-cut])
    with pytest.raises(DataError, match=r"cannot be unpacked .*fetch it again"):
        unpack(archive, tmp_path / "out")
    assert contents(tmp_path / "out") == {}


def test_a_damaged_byte_is_found(tmp_path):
    archive = make_zip(tmp_path / "archive", {"a": b"x" * 100})
    content = bytearray(archive.read_bytes())
    content[32] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack(archive, tmp_path / "out")


def test_an_archive_without_the_wanted_files_is_told(make, tmp_path):
    with pytest.raises(DataError, match=r"holds none of nothing\.json"):
        unpack(make(FILES), tmp_path / "out", ["nothing.json"])


def test_what_would_not_fit_on_the_disk_is_told_first(tmp_path, monkeypatch):
    archive = make_zip(tmp_path / "archive", FILES)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 1000})())
    with pytest.raises(DataError, match="unpacking archive needs"):
        unpack(archive, tmp_path / "out")
