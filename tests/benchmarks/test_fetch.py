"""Downloads against a server that misbehaves: nothing is fetched twice, nothing half-fetched is used."""

import hashlib
import json

import pytest

from benchmarks.errors import DataError
from benchmarks.fetch import Policy, check_disk, fetch

BODY = bytes(range(256)) * 40
DIGEST = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def waits():
    return []


@pytest.fixture
def policy(waits):
    """Half a second counts as stalled; pauses are written down, not waited for."""
    return Policy(timeout_s=0.5, retries=2, pause=waits.append)


@pytest.fixture
def file(site):
    site.files["/f.zip"], site.etags["/f.zip"] = BODY, '"v1"'
    return site.url("/f.zip")


def test_a_file_is_fetched_whole_with_progress(file, tmp_path, policy):
    steps = []
    assert fetch(file, tmp_path / "f.zip", DIGEST, policy, lambda *step: steps.append(step)) == DIGEST
    assert (tmp_path / "f.zip").read_bytes() == BODY
    assert steps[-1] == (len(BODY), len(BODY))
    assert [path.name for path in tmp_path.iterdir()] == ["f.zip"]


@pytest.mark.parametrize("mood", ["truncate", "stall"])
def test_a_connection_that_breaks_off_or_stalls_is_taken_up_again(site, file, tmp_path, policy, mood):
    site.moods["/f.zip"] = [(mood, 3000), (mood, 2000)]
    assert fetch(file, tmp_path / "f.zip", policy=policy) == DIGEST
    assert [span for _, span in site.asked] == ["", "bytes=3000-", "bytes=5000-"]


def test_another_process_goes_on_where_one_was_stopped(site, file, tmp_path, policy):
    site.moods["/f.zip"] = [("truncate", 4000), *[("status", 503)] * 3]
    with pytest.raises(DataError, match=r"answers 503 .* 3 times in a row; 4000 bytes are kept"):
        fetch(file, tmp_path / "f.zip", policy=policy)
    assert (tmp_path / "f.zip.part").read_bytes() == BODY[:4000]
    assert fetch(file, tmp_path / "f.zip", policy=policy) == DIGEST
    assert site.asked[-1] == ("/f.zip", "bytes=4000-")


def test_a_server_that_never_gets_on_is_given_up_with_growing_pauses(site, file, tmp_path, policy, waits):
    site.moods["/f.zip"] = [("truncate", 0)] * 5
    with pytest.raises(DataError, match="3 times in a row"):
        fetch(file, tmp_path / "f.zip", policy=policy)
    assert waits == [2.0, 4.0]


def test_a_file_that_changed_meanwhile_is_fetched_from_the_start(site, file, tmp_path, policy):
    site.moods["/f.zip"] = [("truncate", 3000)]
    new = BODY[::-1]

    def change(seconds):
        site.files["/f.zip"], site.etags["/f.zip"] = new, '"v2"'

    fetch(file, tmp_path / "f.zip", policy=Policy(0.5, 2, change))
    assert (tmp_path / "f.zip").read_bytes() == new


@pytest.mark.parametrize("etag", ["", '"v1"'])
def test_without_proof_or_without_ranges_nothing_is_joined(site, file, tmp_path, policy, etag):
    site.etags["/f.zip"] = etag
    site.moods["/f.zip"] = [("truncate", 3000), ("ignore range", 0)]
    assert fetch(file, tmp_path / "f.zip", policy=policy) == DIGEST
    assert site.asked[1][1] == ("bytes=3000-" if etag else "")


def test_a_whole_part_is_used_without_asking_again(site, file, tmp_path, policy):
    (tmp_path / "f.zip.part").write_bytes(BODY)
    note = {"url": file, "validator": '"v1"', "total": len(BODY)}
    (tmp_path / "f.zip.part.json").write_text(json.dumps(note))
    assert fetch(file, tmp_path / "f.zip", policy=policy) == DIGEST
    assert site.asked == []


def test_a_part_that_is_too_long_is_dropped(site, file, tmp_path, policy):
    (tmp_path / "f.zip.part").write_bytes(BODY + b"more")
    note = {"url": file, "validator": '"v1"', "total": None}
    (tmp_path / "f.zip.part.json").write_text(json.dumps(note))
    assert fetch(file, tmp_path / "f.zip", policy=policy) == DIGEST


def test_another_digest_than_the_published_one_is_told_and_the_file_dropped(file, tmp_path, policy):
    with pytest.raises(DataError, match=f"SHA-256 is {DIGEST} but 0{{64}} is published"):
        fetch(file, tmp_path / "f.zip", "0" * 64, policy)
    assert list(tmp_path.iterdir()) == []


def test_redirects_are_followed_over_the_web_only(site, file, tmp_path, policy):
    site.moods["/moved"] = [("redirect", file)]
    assert fetch(site.url("/moved"), tmp_path / "f.zip", policy=policy) == DIGEST
    (secret := tmp_path / "secret").write_text("mine")
    for target in (secret.as_uri(), "ftp://127.0.0.1/x"):
        site.moods["/moved"] = [("redirect", target)]
        with pytest.raises(DataError, match="which is not followed"):
            fetch(site.url("/moved"), tmp_path / "g.zip", policy=policy)


@pytest.mark.parametrize("code", [401, 403, 404])
def test_a_refusal_is_final_and_told(site, file, tmp_path, policy, code):
    site.moods["/f.zip"] = [("status", code)]
    with pytest.raises(DataError, match=rf"f\.zip: the server answers {code} .*by hand"):
        fetch(file, tmp_path / "f.zip", policy=policy)
    assert len(site.asked) == 1


def test_nobody_there_is_told(tmp_path, policy):
    with pytest.raises(DataError, match=r"no connection .*run the same command again"):
        fetch("http://127.0.0.1:9/f.zip", tmp_path / "f.zip", policy=policy)


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/f"])
def test_only_the_web_is_read(tmp_path, policy, url):
    with pytest.raises(DataError):
        fetch(url, tmp_path / "f.zip", policy=policy)
    assert not (tmp_path / "f.zip").exists()


def test_a_small_disk_is_told_before_anything_comes(tmp_path):
    with pytest.raises(DataError, match=r"needs 1000000\.00 GB but .* free some space"):
        check_disk(tmp_path, 10**15, "it")
