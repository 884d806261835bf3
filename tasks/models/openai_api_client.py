"""Talks to a server that speaks the chat completions protocol (vLLM, SGLang and others), by the standard library alone.

Where it is and what it may cost is read from the environment, and stays out of records, logs and error texts:

| variable | means |
|---|---|
| `OPENAI_BASE_URL` | address up to and with `/v1`; there is no default, so nothing is sent anywhere unasked |
| `OPENAI_API_KEY` | sent as bearer token where it is set |
| `REFBENCH_API_CONCURRENT` | requests under way at once (8) |
| `REFBENCH_API_PER_MINUTE` | most requests a minute, shared by all processes of this machine (no limit) |
| `REFBENCH_API_TIMEOUT` | seconds that one request may take (120) |
| `REFBENCH_API_TRIES` | how often a request is sent at most (6) |
| `REFBENCH_API_PRICES` | price of a million tokens in and out, as in `0.15,0.60`; with it the cost is recorded |
"""

import hashlib
import http.client
import json
import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from benchmarks.errors import ConfigError

ADDRESS, KEY = "OPENAI_BASE_URL", "OPENAI_API_KEY"
RETRIED = frozenset((429, 500, 502, 503, 504))
"""Status codes that another try may mend; every other one would come back."""
MOST_WAIT_S = 120.0
"""A server that wants a longer pause is not waited for."""
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 30.0
_MOST_BYTES = 64 * 2**20
_NO_MORE_MONEY = "insufficient_quota"
"""Error code of a 429 that no waiting mends."""


class Refused(Exception):
    """The server will not answer this request, however often it is asked. The text says why, without address or key.

    Attributes:
        status: status code of its answer; None where it gave none.
    """

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


class Busy(Exception):
    """The request failed in a way that another try may mend.

    Attributes:
        wait_s: pause that the server asks for; None where it names none.
    """

    def __init__(self, text: str, wait_s: float | None = None) -> None:
        super().__init__(text)
        self.wait_s = wait_s


@dataclass(frozen=True)
class Server:
    """Where the server is, and how it may be asked. Its repr shows neither address nor key."""

    address: str
    key: str = ""
    concurrent: int = 8
    per_minute: float | None = None
    timeout_s: float = 120.0
    tries: int = 6
    prices: tuple[float, float] | None = None

    def __repr__(self) -> str:
        """Nothing that a log must not hold."""
        return f"Server({self.digest[:8]})"

    @property
    def digest(self) -> str:
        """Stands for the address where two servers must be told apart, hex."""
        return hashlib.sha256(self.address.encode()).hexdigest()


def server_of(environment: Mapping[str, str]) -> Server:
    """Read the settings.

    Raises:
        ConfigError: the address is missing, or a value cannot be used.
    """
    address = environment.get(ADDRESS, "").rstrip("/")
    if not address:
        raise ConfigError(
            f"{ADDRESS} is not set: set it to the address of the server, as in http://localhost:8000/v1, and {KEY} "
            "where it wants a key"
        )
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise ConfigError(f"{ADDRESS} must be a plain http or https address, as in http://localhost:8000/v1")
    key = environment.get(KEY, "").strip()
    if any(letter < "!" or letter > "~" for letter in key):
        raise ConfigError(f"{KEY} holds a letter that no key has (a space, a line break, an accent): set it again")
    rate = environment.get("REFBENCH_API_PER_MINUTE", "")
    return Server(
        address=address,
        key=key,
        concurrent=int(_number(environment, "REFBENCH_API_CONCURRENT", 8, whole=True)),
        per_minute=_number(environment, "REFBENCH_API_PER_MINUTE", 0) if rate else None,
        timeout_s=_number(environment, "REFBENCH_API_TIMEOUT", 120),
        tries=int(_number(environment, "REFBENCH_API_TRIES", 6, whole=True)),
        prices=_prices(environment.get("REFBENCH_API_PRICES", "")),
    )


class Client:
    """Sends requests, again where that may help, and reads the answers. May be used by several threads."""

    def __init__(
        self, server: Server, pace: Callable[[], float], sleep: Callable[[float], object] = time.sleep
    ) -> None:
        """Set it up; nothing is sent.

        Args:
            server: whom to ask.
            pace: called before every request: seconds to wait before it may be sent.
            sleep: waits for some seconds.
        """
        self._server, self._pace, self._sleep = server, pace, sleep
        self._opener = urllib.request.build_opener(_NoRedirect)
        self._drawn = random.Random()

    def post(self, path: str, body: bytes) -> tuple[dict[str, Any], int]:
        """Send a request until it is answered: (answer, how often it was sent).

        Raises:
            Refused: it was not answered.
        """
        for number in range(1, self._server.tries + 1):
            try:
                return self.once(path, body), number
            except Busy as busy:
                reason, wait = str(busy), self._wait_s(number, busy.wait_s)
            if number == self._server.tries:
                break
            if wait > MOST_WAIT_S:
                raise Refused(f"{reason}; the server asks for a pause of {wait:.0f} s, which is too long")
            self._sleep(wait)
        raise Refused(f"{reason}; asked {self._server.tries} times")

    def once(self, path: str, body: bytes | None = None) -> dict[str, Any]:
        """Send one request, POST where it has a body, and read the JSON object that answers it.

        Raises:
            Busy: it may be answered another time.
            Refused: it will not be.
        """
        if (wait := self._pace()) > 0:
            self._sleep(wait)
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._server.key:
            headers["Authorization"] = f"Bearer {self._server.key}"
        request = urllib.request.Request(self._server.address + path, body, headers)
        try:
            with self._opener.open(request, timeout=self._server.timeout_s) as response:
                data = self._whole(response)
        except urllib.error.HTTPError as error:
            with error:
                raise self._of_status(error) from None
        except (TimeoutError, ConnectionResetError, BrokenPipeError, http.client.IncompleteRead) as error:
            raise Busy(_in_words(error, self._server.timeout_s)) from None
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError | ConnectionResetError | BrokenPipeError):
                raise Busy(_in_words(error.reason, self._server.timeout_s)) from None
            raise Refused(f"the server of {ADDRESS} cannot be reached ({self._safe(error.reason)})") from None
        except (OSError, http.client.HTTPException) as error:
            raise Refused(f"the answer is no HTTP ({self._safe(error)})") from None
        return self._object(data)

    def _whole(self, response: http.client.HTTPResponse) -> bytes:
        """Read an answer to its end, in the time that a request has."""
        end, data = time.monotonic() + self._server.timeout_s, bytearray()
        while chunk := response.read1(2**16):
            data += chunk
            if time.monotonic() > end:
                raise TimeoutError
            if len(data) > _MOST_BYTES:
                raise http.client.HTTPException(f"more than {_MOST_BYTES} bytes")
        if response.length:
            raise http.client.IncompleteRead(bytes(data), response.length)
        return bytes(data)

    def _object(self, data: bytes) -> dict[str, Any]:
        try:
            content = json.loads(data)
        except (ValueError, RecursionError):
            raise Busy("the answer is broken off or no JSON") from None
        if not isinstance(content, dict):
            raise Refused("the answer is no JSON object")
        return content

    def _of_status(self, error: urllib.error.HTTPError) -> Exception:
        """Judge an error by its status code; what the server says of it is kept in short."""
        try:
            content = json.loads(error.read(2**16))
            told = content.get("error", content)
            told = told if isinstance(told, dict) else {"message": told}
            message, code = str(told.get("message", "")), told.get("code")
        except (OSError, ValueError, AttributeError, RecursionError, http.client.HTTPException):
            message, code = "", None
        text = " ".join(f"the server answered {error.code} {self._safe(message)}".split())
        if error.code in RETRIED and code != _NO_MORE_MONEY:
            return Busy(text, _asked_pause(error.headers.get("Retry-After")))
        return Refused(text, error.code)

    def _wait_s(self, number: int, asked: float | None) -> float:
        """The pause after a try: as the server asks, else twice as long each time, with up to half of it left out."""
        longest = min(_FIRST_WAIT_S * 2 ** (number - 1), _LONGEST_WAIT_S)
        return longest * self._drawn.uniform(0.5, 1) if asked is None else asked

    def _safe(self, said: object) -> str:
        """What somebody said, without address and key, in one short line."""
        text = str(said)
        for secret in (self._server.key, self._server.address, urlsplit(self._server.address).hostname or ""):
            text = text.replace(secret, "…") if secret else text
        return text[:200]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Never follows: the key and the photos are for one server."""

    def redirect_request(self, *_: object) -> None:
        """Leave the answer as an error with its status code."""


def _in_words(error: Exception, timeout_s: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout_s:g} s"
    return "the answer broke off" if isinstance(error, http.client.IncompleteRead) else "the connection was reset"


def _asked_pause(header: str | None) -> float | None:
    """Read Retry-After, seconds or a date; None where it says neither."""
    if header is None:
        return None
    try:
        return max(float(header), 0.0)
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max((moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds(), 0.0)


def _number(environment: Mapping[str, str], name: str, default: float, whole: bool = False) -> float:
    text = environment.get(name, "") or str(default)
    try:
        value = float(int(text) if whole else float(text))
    except ValueError:
        value = 0.0
    if text != str(default) and not 0 < value < float("inf"):
        raise ConfigError(f"{name} is {text!r}: it must be a {'whole ' if whole else ''}number above 0")
    return value


def _prices(text: str) -> tuple[float, float] | None:
    if not text:
        return None
    try:
        into, out = (float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(
            f"REFBENCH_API_PRICES is {text!r}: give two prices of a million tokens, as in 0.15,0.60"
        ) from None
    return into, out
