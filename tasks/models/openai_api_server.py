"""The model behind a server: one request for every query, those of a batch under way together."""

import base64
import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from PIL.Image import Resampling

from benchmarks.schema import ImageRef, Prediction, Query
from tasks.models.coordinates import Picture
from tasks.models.openai_api_client import Client, Refused, Server
from tasks.models.openai_api_preset import ServerPreset
from tasks.models.openai_api_store import Replies, Reply, read_reply

VERSION = "openai-api/2"
MAX_TOKENS = 512
"""Limit on a reply where the task has none."""
JPEG_QUALITY = 95


class ServerModel:
    """A model behind a server."""

    def __init__(
        self, preset: ServerPreset, server: Server, args: Mapping[str, str], client: Client, replies: Replies
    ) -> None:
        """Set it up; nothing is sent.

        Args:
            preset: the model, as the server calls it, and how it is asked and understood.
            server: whom to ask.
            args: every argument of the model with its value.
            client: sends requests.
            replies: those of earlier runs.
        """
        self._preset, self._server, self._client, self._replies = preset, server, client, replies
        self._args = args
        self.convention = preset.convention
        self._pool = ThreadPoolExecutor(server.concurrent, thread_name_prefix="requests")

    def picture(self, image: ImageRef) -> Picture:
        """Sizes of a photo: its own, and that at which it is sent."""
        return Picture(image.size_hw, self._preset.sent_hw(image.size_hw))

    def see(self, image: ImageRef) -> str:
        """Encode a photo, at the size at which it is sent, as a data URL. A run may do it ahead.

        Raises:
            DataError: it cannot be decoded.
        """
        return _SEEN[self._args["image"]](image, self._preset.sent_hw(image.size_hw))

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Answer every query, in order; one that the server refuses is `failed` with its reason.

        Raises:
            DataError: a photo cannot be decoded.
            ModelError: the preset has no words for a query.
        """
        futures = []
        try:
            for query in queries:
                prompt = self._preset.said(query, self.picture(query.image))
                futures.append(self._pool.submit(self._answer, query, prompt, self._request(query, prompt)))
            return [future.result() for future in futures]
        finally:
            for future in futures:  # time is up, or a photo cannot be read: what has not begun must not cost
                future.cancel()

    def fingerprint(self) -> str:
        """Hash over the server, the name of the model and all settings of a request."""
        return fingerprint(self._preset, self._server, self._args)

    def _request(self, query: Query, prompt: str) -> bytes:
        photos = [photo.seen(self.see) for photo in query.frames or (query.image,)]
        content: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": photo}} for photo in photos]
        body: dict[str, Any] = {
            "model": self._preset.model,
            "messages": [{"role": "user", "content": [*content, {"type": "text", "text": prompt}]}],
            "seed": query.seed,
            self._args["limit"]: (query.max_new_tokens if query.wants == "text" else None) or MAX_TOKENS,
        }
        if self._args["sampling"] == "greedy":
            body["temperature"] = 0
        return json.dumps(body, sort_keys=True).encode()

    def _answer(self, query: Query, prompt: str, body: bytes) -> Prediction:
        kept = None if self._args["cache"] == "off" else self._replies.get(body)
        if kept is not None:
            return self._prediction(query, prompt, kept, 0)
        if self._args["cache"] == "only":
            return Prediction(query.sample_id, "failed", prompt=prompt, error="no reply to this request is kept")
        try:
            content, tries = self._client.post("/chat/completions", body)
        except Refused as refused:
            return Prediction(query.sample_id, "failed", prompt=prompt, error=str(refused))
        if (reply := read_reply(content)) is None:
            error = "the answer holds no choices[0].message"
            return Prediction(query.sample_id, "failed", prompt=prompt, error=error)
        if self._args["cache"] != "off":
            self._replies.put(body, reply)
        return self._prediction(query, prompt, reply, tries)

    def _prediction(self, query: Query, prompt: str, reply: Reply, tries: int) -> Prediction:
        usage = _usage(reply, tries, self._server.prices)
        if reply.text is None:
            error = f"the reply holds no text (finish_reason {reply.finish_reason or 'none'})"
            return Prediction(query.sample_id, "parse_error", prompt=prompt, error=error, usage=usage)
        return replace(self._preset.heard(query, self.picture(query.image), prompt, reply.text), usage=usage)


def as_png(photo: ImageRef, size_hw: tuple[int, int]) -> str:
    """Encode a photo at a size, without loss, as a data URL.

    Raises:
        DataError: it cannot be decoded.
    """
    return _data_url(photo, size_hw, "png", compress_level=1)


def as_jpeg(photo: ImageRef, size_hw: tuple[int, int]) -> str:
    """Encode a photo at a size as a JPEG data URL, colours not subsampled.

    Raises:
        DataError: it cannot be decoded.
    """
    return _data_url(photo, size_hw, "jpeg", quality=JPEG_QUALITY, subsampling=0)


def _data_url(photo: ImageRef, size_hw: tuple[int, int], form: str, **settings: int) -> str:
    image = photo.open_rgb()
    if size_hw != photo.size_hw:
        image = image.resize(size_hw[::-1], Resampling.BICUBIC)
    image.save(stream := io.BytesIO(), form, **settings)
    return f"data:image/{form};base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


_SEEN: Mapping[str, Callable[[ImageRef, tuple[int, int]], str]] = {"png": as_png, "jpeg": as_jpeg}


def _usage(reply: Reply, tries: int, prices: tuple[float, float] | None) -> dict[str, Any]:
    """What an answer cost; one that was kept costs nothing now."""
    counts = {"prompt_tokens": reply.prompt_tokens, "completion_tokens": reply.completion_tokens}
    found: dict[str, Any] = {key: value for key, value in counts.items() if value is not None}
    found |= {"finish_reason": reply.finish_reason, "answered_by": reply.answered_by, "requests": tries}
    if prices is not None and len(found) == 5:
        spent = (found["prompt_tokens"] * prices[0] + found["completion_tokens"] * prices[1]) / 1e6
        found["cost"] = spent if tries else 0.0
    return found


def fingerprint(preset: ServerPreset, server: Server, args: Mapping[str, str]) -> str:
    """Hash over the server, the name of the model and all settings of a request."""
    settings = {key: value for key, value in args.items() if key != "cache"}
    told = json.dumps([VERSION, preset.settings(), server.digest, MAX_TOKENS, settings], sort_keys=True)
    return f"{VERSION}/{hashlib.sha256(told.encode()).hexdigest()[:32]}"
