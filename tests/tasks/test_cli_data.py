"""`refbench data prepare` and `verify` through the command line, with a mirror of RefCOCOg on loopback."""

import io
import json
import shutil
import zipfile

import pytest
import yaml

from tasks.catalogue import read
from tasks.prepare import FOLDER


def zipped(root, *names):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            for path in sorted((root / name).rglob("*")):
                archive.write(path, path.relative_to(root))
    return stream.getvalue()


@pytest.fixture
def mirror(site, unmarked_world, tmp_path):
    """A catalogue whose two files the local server has; returns its path and the words of the command."""
    photos = unmarked_world / "images"
    site.files = {"/refcocog.zip": zipped(unmarked_world, "refcocog"), "/train2014.zip": zipped(photos, "train2014")}
    site.etags = {name: f'"{name}"' for name in site.files}
    files = {
        "refcocog": {"url": site.url("/refcocog.zip"), "into": "", "holds": "refcocog"},
        "coco_train2014": {"url": site.url("/train2014.zip"), "into": "images", "holds": "images/train2014"},
    }
    content = {"files": files, "benchmarks": {"refcocog/umd": ["refcocog", "coco_train2014"]}}
    (path := tmp_path / "mirror.yaml").write_text(yaml.safe_dump(content))
    return path


@pytest.fixture
def prepare(refbench, mirror, tmp_path):
    def run(*words, name="refcocog_res"):
        where = ("--data-root", tmp_path / "data", "--catalogue", mirror, "--timeout", "1", "--retries", "0", "--quiet")
        return refbench("data", "prepare", name, *where, *words)

    return run


def states(outcome):
    return [entry["state"] for entry in outcome.json]


def test_prepared_files_run_a_task_and_a_second_call_fetches_nothing(prepare, refbench, site, tmp_path):
    assert states(prepare("--json")) == ["fetched", "fetched"]
    done = refbench("eval", "--task", "refcocog_res", "--model", "oracle", "--data-root", tmp_path / "data", "--json")
    assert {row["data"] for row in done.json["rows"]} == {"official"}
    asked = len(site.asked)
    assert states(prepare("--json")) == ["here", "here"]
    assert len(site.asked) == asked
    assert not list((tmp_path / "data" / FOLDER).rglob("*.zip"))


def test_a_dry_run_shows_and_touches_nothing(prepare, site, tmp_path):
    done = prepare("--dry-run")
    assert (done.code, site.asked) == (0, [])
    assert "to fetch" in done.out
    assert "refcocog.zip" in done.out
    assert not (tmp_path / "data").exists()


def test_an_interrupted_download_is_named_and_goes_on(prepare, site, tmp_path):
    site.moods["/train2014.zip"] = [("truncate", 5000), ("status", 503)]
    stopped = prepare()
    assert stopped.code == 2
    assert "5000 bytes are kept" in stopped.err
    assert "Traceback" not in stopped.err
    assert states(prepare("--json")) == ["here", "fetched"]
    assert site.asked[-1] == ("/train2014.zip", "bytes=5000-")


def test_a_process_that_died_while_it_unpacked_goes_on_without_fetching_again(prepare, site, tmp_path, monkeypatch):
    def die(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("benchmarks.unpack._place", die)
        assert prepare().code == 130
    asked = len(site.asked)
    assert states(prepare("--json")) == ["fetched", "fetched"]
    assert [path for path, _ in site.asked[asked:]] == ["/train2014.zip"]


def test_a_zip_that_tries_to_escape_is_refused(prepare, site, tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("refcocog/refs(umd).p", b"")
        archive.writestr("../../evil", b"evil")
    site.files["/refcocog.zip"] = stream.getvalue()
    done = prepare()
    assert done.code == 2
    assert "holds '../../evil', which would leave the folder: nothing was unpacked" in done.err
    assert not list(tmp_path.rglob("evil"))
    assert not (tmp_path / "data" / "refcocog").exists()


def test_an_archive_that_holds_something_else_is_told(prepare, site):
    site.files["/refcocog.zip"] = site.files["/train2014.zip"]
    assert "does not hold refcocog: its publisher changed it" in prepare().err


def test_what_needs_a_login_is_explained_and_not_called_done(refbench, tmp_path):
    (photos := tmp_path / "data" / "images" / "train2014").mkdir(parents=True)
    done = refbench("data", "prepare", "grefcoco", "--data-root", tmp_path / "data")
    assert (done.code, photos.exists()) == (1, True)
    assert "by hand" in done.out
    assert "github.com/henghuiding/gRefCOCO" in done.out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"files": {"a": {"holds": "a"}}, "benchmarks": {}}, "needs url or by_hand"),
        ({"files": {"a": {"url": "file:///etc/passwd", "holds": "a"}}, "benchmarks": {}}, "http or https"),
        ({"files": {"a": {"url": "http://a", "holds": "../a"}}, "benchmarks": {}}, "below the data root"),
        ({"files": {}, "benchmarks": {"refcocog/umd": ["b"]}}, "needs 'b', which is not among the files"),
        ({"files": {}, "benchmarks": {}, "mirrors": 1}, "no key is called 'mirrors'"),
        ({"files": {}, "benchmarks": {}}, "no benchmark with downloads is called 'refcocog/umd'"),
    ],
)
def test_a_wrong_catalogue_is_told(prepare, mirror, change, said):
    mirror.write_text(yaml.safe_dump(change))
    done = prepare()
    assert done.code == 2
    assert said in done.err


def test_a_wrong_name_and_no_root_are_told(prepare, refbench):
    assert "did you mean refcocog" in prepare(name="refcocogg").err
    done = refbench("data", "prepare", "refcocog")
    assert (done.code, "--data-root DIR or REFBENCH_DATA" in done.err) == (2, True)


def test_every_benchmark_of_ours_can_be_prepared():
    from benchmarks.registry import benchmarks

    assert {each.name for each in benchmarks()} == set(read().benchmarks)
    assert {name for names in read().benchmarks.values() for name in names} == set(read().files)


def test_verify_counts_every_split_against_the_published_number(refbench, unmarked_world):
    done = refbench("data", "verify", "refcocog_res,pope", "--data-root", unmarked_world, "--json")
    assert done.code == 1
    rows = {(row["benchmark"], row["split"]): row for row in done.json}
    assert rows["refcocog/umd", "test"]["published"] == 9602
    assert 0 < rows["refcocog/umd", "test"]["found"] < 9602
    assert not any(row["whole"] for row in done.json if row["published"])


def test_verify_finds_the_sample_world_whole_and_a_damaged_photo(refbench, small_world, tmp_path):
    shutil.copytree(small_world, tmp_path / "world")
    words = ("data", "verify", "refcoco", "--data-root", tmp_path / "world", "--photos", "--quiet")
    done = refbench(*words)
    # a world of val and test scenes has no scene of train
    whole = [line.split()[1] for line in done.out.splitlines() if "whole," in line]
    assert whole == ["val", "testA", "testB", "shifted"]
    photo = next((tmp_path / "world" / "images" / "train2014").iterdir())
    photo.write_bytes(photo.read_bytes()[:200])
    done = refbench(*words)
    assert done.code == 1
    assert f"{photo} cannot be decoded" in done.out


def test_verify_names_every_missing_file(refbench, unmarked_world):
    shutil.rmtree(unmarked_world / "images" / "train2014")
    (unmarked_world / "refcocog" / "instances.json").unlink()
    done = refbench("data", "verify", "refcocog/umd", "--data-root", unmarked_world, "--json")
    problems = json.dumps([row["problems"] for row in done.json])
    assert "instances.json is missing" in problems
    assert "train2014 is missing" in problems
