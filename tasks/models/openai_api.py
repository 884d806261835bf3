"""Any server of the chat completions protocol, as a model: `--model openai-api:NAME`, NAME as the server calls it.

It answers in words. A model that speaks boxes needs a preset that declares how: one in `configs/models/openai-api`, by
its name or the model's, or a file of your own, `--model openai-api:FILE.yaml` (`tasks.models.openai_api_preset`).

A query becomes one request: the photo at its own size as a data URL, the prompt, temperature 0, the seed of the sample
and a limit of tokens. The requests of a batch are under way together. Replies are kept in the cache folder under the
hash of the whole request, so that a run that is resumed or repeated asks, and pays, only for what is new. A reply that
was cut off at the limit is kept as it is, and counted (`finish_reasons` in `run.json`).
"""

import os
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.errors import ConfigError, ModelError, unknown
from tasks.base import LoadOptions, ModelEntry
from tasks.model_args import ModelArgs, ModelArgument
from tasks.models.openai_api_preset import FAMILY, of

if TYPE_CHECKING:  # listing models must not wait for what talks to a network
    from tasks.models.openai_api_client import Client
    from tasks.models.openai_api_server import ServerModel

ARGUMENTS = (
    ModelArgument("image", ("png", "jpeg"), "how photos are sent: without loss, or as JPEG of quality 95"),
    ModelArgument("limit", ("max_tokens", "max_completion_tokens"), "what the server calls the limit of tokens"),
    ModelArgument("sampling", ("greedy", "server"), "temperature 0, or the server's default where it takes none"),
    ModelArgument("cache", ("on", "off", "only"), "use replies that are kept; ask anew; or never ask the server"),
)


def load(name: str, options: LoadOptions) -> "ServerModel":
    """Reach the server, and check that it has the model, unless it is never to be asked.

    Raises:
        ConfigError: an environment variable is missing or cannot be used.
        ModelError: the server cannot be reached, wants another key, or has no such model.
    """
    from benchmarks.index_cache import cache_folder
    from tasks.models.openai_api_client import Client, server_of
    from tasks.models.openai_api_server import ServerModel
    from tasks.models.openai_api_store import Replies, pace

    preset, server, args = of(name)[1], server_of(os.environ), _with_defaults(options.args)
    folder = cache_folder() / "openai-api"
    client = Client(server, pace(folder / f"pace-{server.digest[:16]}", server.per_minute))
    if args["cache"] != "only":
        _check(client, preset.model)
    return ServerModel(preset, server, args, client, Replies(folder, server.digest))


def fingerprint(name: str, options: LoadOptions) -> str:
    """What the loaded model says, without asking the server.

    Raises:
        ConfigError: an environment variable is missing or cannot be used.
    """
    from tasks.models import openai_api_server
    from tasks.models.openai_api_client import server_of

    return openai_api_server.fingerprint(of(name)[1], server_of(os.environ), _with_defaults(options.args))


def of_reference(name: str) -> ModelEntry:
    """Make the entry of one model.

    Raises:
        ConfigError: a preset file cannot be used.
    """
    called, preset = of(name)
    return replace(
        _ENTRY,
        name=f"{FAMILY}:{called}",
        load=partial(load, name),
        fingerprint=partial(fingerprint, name),
        units=preset.units(),
        regions=preset.takes_regions(),
        refuse=preset.refuse,
        licence=preset.licence,
        description=preset.description or _ENTRY.description,
        note="; ".join(filter(None, (preset.note, _ENTRY.note))),
    )


def _check(client: "Client", name: str) -> None:
    """Ask which models there are. A server that has no such list says so by 404 or 405 and is taken at its word."""
    from tasks.models.openai_api_client import ADDRESS, KEY, Busy, Refused

    try:
        content = client.once("/models")
    except (Busy, Refused) as error:
        if isinstance(error, Refused) and error.status in (404, 405):
            return
        raise ModelError(f"{error}: mend {ADDRESS} or {KEY}, or start the server") from None
    listed = content.get("data")
    known = [str(each.get("id")) for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    if known and name not in known:
        raise ModelError(str(unknown("model of the server", name, known)))


def _with_defaults(args: ModelArgs) -> dict[str, str]:
    return {argument.name: argument.values[0] for argument in ARGUMENTS} | dict(args)


def _no_member(options: LoadOptions) -> "ServerModel":
    raise ConfigError(f"name a model of the server, as in --model {FAMILY}:MODEL")


_ENTRY = ModelEntry(
    name=FAMILY,
    kind="server",
    units=("text", "box"),
    load=_no_member,
    description="any server of the chat completions protocol (vLLM, SGLang, …); OPENAI_BASE_URL says where",
    weights="the server's",
    licence="the server's",
    arguments=ARGUMENTS,
    network=True,
    note="what a server runs behind a name can change: `answered_by` in usage.jsonl is what it says of itself",
)
MODELS = [replace(_ENTRY, of_reference=of_reference, example="Qwen/Qwen2.5-VL-7B-Instruct")]
