import json

from tasks.heartbeat import LEASE_S, Heart, Listener


def test_what_a_rank_says_is_heard_and_the_last_word_stays(tmp_path):
    listener = Listener(tmp_path)
    with Heart(tmp_path, 3) as heart:
        heart.say(state="ready")
        (status,) = listener.statuses()
        assert (status["rank"], status["nonce"], status["state"]) == (3, heart.nonce, "ready")
        heart.say(left=True)
    assert [status["left"] for status in listener.statuses()] == [True]


def test_a_rank_is_alive_as_long_as_its_counter_moves_on_the_listeners_own_clock(tmp_path):
    now = [0.0]
    listener = Listener(tmp_path, lambda: now[0])
    heart = Heart(tmp_path, 0)
    for _ in range(3):
        heart.say()
        listener.statuses()
        now[0] += LEASE_S - 1
        listener.statuses()
        assert listener.lives(heart.nonce)
    now[0] += 2
    listener.statuses()
    assert not listener.lives(heart.nonce)
    assert LEASE_S < 60  # a dead rank is named within a minute


def test_two_processes_with_one_rank_are_told_apart_and_torn_files_are_left_out(tmp_path):
    for heart in (Heart(tmp_path, 1), Heart(tmp_path, 1)):
        heart.say()
    (tmp_path / "rank-2-x.json").write_text('{"rank": 2')
    (tmp_path / "rank-4-x.json").write_text(json.dumps({"rank": 4}))
    statuses = Listener(tmp_path).statuses()
    assert [status["rank"] for status in statuses] == [1, 1]
    assert len({status["nonce"] for status in statuses}) == 2
