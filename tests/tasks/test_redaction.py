from tasks.provenance import redact
from tasks.redaction import scrub

ENVIRON = {"HF_TOKEN": "hf_canary1", "AWS_SECRET_ACCESS_KEY": "hf_canary1/long", "HOME": "/somewhere", "API_KEY": "x"}


def test_secret_values_go_and_the_longest_first():
    text = "401 for hf_canary1/long and hf_canary1 at /somewhere, x"
    assert scrub(text, ENVIRON) == "401 for *** and *** at /somewhere, x"


def test_a_command_that_spells_a_secret_out_is_kept_without_it(monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "canary-123")
    assert redact(["refbench", "eval", "--model", "server:canary-123"]) == ["refbench", "eval", "--model", "server:***"]
