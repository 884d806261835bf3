"""What is asked again and what is not, pauses, and what never appears in a text."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from benchmarks.errors import ConfigError
from tasks.models.openai_api_client import MOST_WAIT_S, Client, Refused, Server, server_of

KEY = "sk-secret-123"


def status(code, message="", error_code=None, **headers):
    return ("status", code, {name.replace("_", "-"): value for name, value in headers.items()}, message, error_code)


@pytest.fixture
def ask(chat):
    """Send one request by a client that notes its pauses instead of waiting."""

    def send(*moods, tries=3, timeout_s=20.0):
        chat.moods = list(moods)
        server = Server(chat.address, KEY, timeout_s=timeout_s, tries=tries)
        return Client(server, lambda: 0.0, ask.pauses.append).post("/chat/completions", b"{}")

    ask = send
    ask.pauses = []
    return ask


@pytest.mark.parametrize(
    "mood",
    [*(status(code) for code in (429, 500, 502, 503, 504)), ("reset",), ("break off", 20), ("break off", 0),
     ("nonsense", "{")],
    ids=str,
)  # fmt: skip
def test_what_another_try_may_mend_is_asked_again(ask, chat, mood):
    answer, tries = ask(mood, mood)
    assert answer["choices"][0]["message"]["content"] == "yes"
    assert (tries, len(chat.asked), len(ask.pauses)) == (3, 3, 2)
    assert 0.25 <= ask.pauses[0] <= 0.5 <= ask.pauses[1] <= 1.0


@pytest.mark.parametrize("code", [400, 401, 403, 404, 413, 422, 501])
def test_what_would_come_back_is_asked_once(ask, chat, code):
    with pytest.raises(Refused, match=f"the server answered {code} no such model") as refused:
        ask(status(code, "no such model"))
    assert (refused.value.status, len(chat.asked), ask.pauses) == (code, 1, [])


def test_money_that_is_spent_does_not_come_back_by_waiting(ask, chat):
    with pytest.raises(Refused, match="pay first"):
        ask(status(429, "pay first", "insufficient_quota"))
    assert len(chat.asked) == 1


def test_tries_end(ask, chat):
    with pytest.raises(Refused, match="the server answered 503 busy; asked 3 times"):
        ask(*[status(503, "busy")] * 5)
    assert (len(chat.asked), len(ask.pauses)) == (3, 2)


def test_a_server_that_stalls_is_left_after_the_time_limit_and_asked_again(ask, chat):
    assert ask(("stall",), timeout_s=0.2)[1] == 2
    with pytest.raises(Refused, match=r"no answer within 0\.2 s; asked 1 times"):
        ask(("stall",), timeout_s=0.2, tries=1)


def test_the_pause_is_the_one_that_the_server_names(ask):
    ask(status(429, Retry_After="7"), status(503, Retry_After="0"))
    assert ask.pauses == [7.0, 0.0]


def test_the_pause_may_be_a_date(ask):
    ask(status(429, Retry_After=format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)))
    assert 30 < ask.pauses[0] <= 60  # a minute, less what the test took


def test_a_pause_that_is_neither_is_chosen_by_the_client(ask):
    ask(status(429, Retry_After="soon"))
    assert 0.25 <= ask.pauses[0] <= 0.5


def test_a_pause_without_end_is_refused(ask):
    with pytest.raises(Refused, match="a pause of 9999 s, which is too long"):
        ask(status(429, Retry_After="9999"))
    assert MOST_WAIT_S < 9999


def test_key_and_address_never_appear(ask, chat):
    with pytest.raises(Refused) as refused:
        ask(status(401, f"Incorrect API key {KEY} for {chat.address}"))
    assert str(refused.value) == "the server answered 401 Incorrect API key … for …"
    server = Server(chat.address, KEY)
    assert KEY not in repr(server) and "127.0.0.1" not in repr(server)


def test_no_redirect_is_followed(ask, chat):
    with pytest.raises(Refused, match="the server answered 302"):
        ask(("redirect", f"{chat.address}/elsewhere"))
    assert len(chat.asked) == 1


def test_nobody_at_the_address_is_told_at_once(chat):
    server = Server("http://127.0.0.1:9/v1")
    with pytest.raises(Refused, match=r"the server of OPENAI_BASE_URL cannot be reached"):
        Client(server, lambda: 0.0, pytest.fail).post("/chat/completions", b"{}")


def test_the_pace_is_kept_before_every_request(chat):
    pauses = []
    waits = iter([0.0, 2.5])
    chat.moods = [status(500)]
    Client(Server(chat.address, tries=2), lambda: next(waits), pauses.append).post("/chat/completions", b"{}")
    assert pauses[1:] == [2.5]


def test_settings_are_read_from_the_environment():
    read = server_of(
        {"OPENAI_BASE_URL": "http://here:8000/v1/", "OPENAI_API_KEY": f" {KEY}\n", "REFBENCH_API_CONCURRENT": "3",
         "REFBENCH_API_PER_MINUTE": "90", "REFBENCH_API_TIMEOUT": "1.5", "REFBENCH_API_TRIES": "2",
         "REFBENCH_API_PRICES": "0.15,0.6"}
    )  # fmt: skip
    assert read == Server("http://here:8000/v1", KEY, 3, 90.0, 1.5, 2, (0.15, 0.6))
    assert server_of({"OPENAI_BASE_URL": "http://here/v1"}) == Server("http://here/v1")


@pytest.mark.parametrize(
    ("name", "value"),
    [("OPENAI_BASE_URL", ""), ("OPENAI_BASE_URL", "here:8000"), ("OPENAI_BASE_URL", "http://me:pw@here/v1"),
     ("OPENAI_API_KEY", "two words"), ("REFBENCH_API_TRIES", "0"), ("REFBENCH_API_TRIES", "1.5"),
     ("REFBENCH_API_CONCURRENT", "many"), ("REFBENCH_API_PER_MINUTE", "-1"), ("REFBENCH_API_TIMEOUT", "inf"),
     ("REFBENCH_API_PRICES", "1")],
)  # fmt: skip
def test_a_setting_that_cannot_be_used_is_named(name, value):
    with pytest.raises(ConfigError, match=name) as error:
        server_of({"OPENAI_BASE_URL": "http://here/v1", name: value})
    assert "pw" not in str(error.value)
