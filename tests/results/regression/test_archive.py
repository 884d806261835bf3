import io
import stat
import tarfile
import zipfile

import pytest

from metrics.errors import DataError
from results.regression.archive import is_archive, unpack


def zipped(path, files):
    """A zip file of (name, content), in that order."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files:
            archive.writestr(name, content)
    return path


def tarred(path, members, mode="w:gz"):
    """A tar file of (TarInfo, content)."""
    with tarfile.open(path, mode) as bundle:
        for info, content in members:
            info.size = len(content)
            bundle.addfile(info, io.BytesIO(content))
    return path


def regular(name, content=b"{}"):
    return tarfile.TarInfo(name), content


def found(folder):
    """Every file below a folder, relative to it."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def inner(tmp_path):
    """An empty folder to unpack into, with a folder above it that must stay empty."""
    (folder := tmp_path / "above" / "inner").mkdir(parents=True)
    return folder


RUN = ["m/t/test-1/result.json", "m/t/test-1/run.json", "m/t/test-1/rows.npz", "m/t/test-1/timings.jsonl"]


def test_only_the_files_of_runs_come_out_of_a_zip(tmp_path, inner):
    path = zipped(
        tmp_path / "a.zip", [*((name, "{}") for name in RUN), ("m/t/test-1/predictions.jsonl", "x"), (".x", "")]
    )
    unpack(path, inner)
    assert found(inner) == sorted(RUN)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
def test_tar_files_of_every_compression_are_read(tmp_path, inner, mode):
    path = tarred(tmp_path / "a.bin", [regular(f"./{RUN[0]}", b'{"a": 1}')], mode)
    assert is_archive(path)
    unpack(path, inner)
    assert (inner / RUN[0]).read_bytes() == b'{"a": 1}'


OUTSIDE = ["../result.json", "/tmp/x/result.json", "a/../../result.json", "a\\..\\..\\result.json", "C:\\result.json",
           "..", "../.bashrc"]  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_name_that_leads_outside_is_refused_and_nothing_is_written_there(tmp_path, inner, kind, name):
    path = tmp_path / "evil"
    zipped(path, [(name, "{}")]) if kind == "zip" else tarred(path, [regular(name)])
    with pytest.raises(DataError, match="leads outside it"):
        unpack(path, inner)
    assert found(tmp_path / "above") == []


@pytest.mark.parametrize("sort", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_a_link_in_place_of_a_record_is_refused(tmp_path, inner, sort):
    info = tarfile.TarInfo("run/result.json")
    info.type, info.linkname = sort, "/etc/passwd"
    with pytest.raises(DataError, match="link or a folder"):
        unpack(tarred(tmp_path / "a.tar", [(info, b"")]), inner)
    assert found(inner) == []


def test_a_link_in_a_zip_is_refused(tmp_path, inner):
    info = zipfile.ZipInfo("run/result.json")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(DataError, match="link or a folder"):
        unpack(zipped(tmp_path / "a.zip", [(info, "/etc/passwd")]), inner)


def test_a_linked_folder_cannot_redirect_later_files(tmp_path, inner):
    link = tarfile.TarInfo("run")
    link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
    unpack(tarred(tmp_path / "a.tar", [(link, b""), regular("run/result.json")]), inner)
    assert not (inner / "run").is_symlink()
    assert found(inner) == ["run/result.json"]
    assert not (tmp_path / "result.json").exists()


def test_a_bomb_is_stopped_at_the_limit_whatever_size_it_states(tmp_path, inner):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("run/result.json", bytes(1 << 20))
    with pytest.raises(DataError, match="unpacks to more than allowed"):
        unpack(tmp_path / "a.zip", inner, most_bytes=1 << 16)


def test_a_file_that_stands_there_twice_is_refused(tmp_path, inner):
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = zipped(tmp_path / "a.zip", [("run/result.json", "{}"), ("run/result.json", "[]")])
    with pytest.raises(DataError, match="twice"):
        unpack(path, inner)


def test_a_file_below_a_file_is_an_error_of_the_archive(tmp_path, inner):
    path = zipped(tmp_path / "a.zip", [("result.json", "{}"), ("result.json/result.json", "{}")])
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack(path, inner)


@pytest.mark.parametrize("keep", [40, 200, -30])
def test_a_torn_archive_is_an_error_of_the_archive(tmp_path, inner, keep):
    whole = tarred(tmp_path / "a.tgz", [regular(name, bytes(range(256)) * 40) for name in RUN]).read_bytes()
    (tmp_path / "torn.tgz").write_bytes(whole[:keep])
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack(tmp_path / "torn.tgz", inner)


def test_a_text_file_is_no_archive(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    assert not is_archive(tmp_path / "a.json")
