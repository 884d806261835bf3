"""Photos that are decoded while the model works, each once for all its questions.

What a model does with photos is learned from the first ones it opens: one that looks at none costs nothing, and one
with a preprocessing of its own (`ImageRef.seen`) has that done ahead, too.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar, cast

from PIL import Image

from benchmarks.schema import ImageRef, Query

_T = TypeVar("_T")
_See = Callable[[ImageRef], Any]
MOST_BYTES = 512 * 2**20
"""Memory for photos that wait, in bytes."""
_MOST_THREADS = 4


class _Shows(Protocol):
    """A query or a sample."""

    @property
    def image(self) -> ImageRef: ...
    @property
    def frames(self) -> tuple[ImageRef, ...]: ...


class Prefetcher:
    """Makes of photos ahead what the model will ask for; a model's first photo says what that is."""

    def __init__(self, threads: int | None = None, most_bytes: int = MOST_BYTES) -> None:
        """Set it up; threads start with the first photo.

        Args:
            threads: how many work; None for the cores of the machine less one, at least 1 and at most 4.
            most_bytes: memory for photos that wait.
        """
        self._threads = threads or min(max((os.cpu_count() or 1) - 1, 1), _MOST_THREADS)
        self._most_bytes = most_bytes
        self._pool: ThreadPoolExecutor | None = None
        self._made: dict[ImageRef, Future[Any]] = {}
        self._see: _See | None = None
        self._largest = 0

    def hand_over(self, queries: Sequence[Query]) -> list[Query]:
        """Return queries whose photos are taken from what was made ahead; photos of earlier ones are forgotten."""
        photos = {photo: Waiting.of(photo, self) for photo in _photos(queries)}
        for photo in [photo for photo in self._made if photo not in photos]:
            self._made.pop(photo).cancel()
        self.expect(queries)
        return [
            replace(query, image=photos[query.image], frames=tuple(photos[frame] for frame in query.frames))
            for query in queries
        ]

    def expect(self, following: Iterable[_Shows]) -> None:
        """Begin with the photos of queries or samples that come next, as far as memory allows."""
        if self._see is None:
            return
        for photo in _photos(following):
            if photo not in self._made and self._has_room_for(photo):
                self._made[photo] = self._begin(self._see, photo)

    def take(self, photo: ImageRef, see: Callable[[ImageRef], _T]) -> _T:
        """Return what `see` makes of a photo, made ahead or now, once for all its questions.

        Raises:
            Exception: whatever `see` raises.
        """
        if see != self._see:
            self._forget()
            self._see = see
        future = self._made.get(photo)
        if future is None or future.cancel():  # not begun: whoever needs it does not wait in line
            future = _now(see, photo)
            if photo in self._made or self._has_room_for(photo):
                self._made[photo] = future
        made = future.result()
        self._largest = max(self._largest, int(getattr(made, "nbytes", 0)), _decoded_bytes(photo))
        return cast(_T, made)

    def close(self) -> None:
        """Let the threads end; one that is at a photo finishes it."""
        self._forget()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def _forget(self) -> None:
        for future in self._made.values():
            future.cancel()
        self._made.clear()

    def _has_room_for(self, photo: ImageRef) -> bool:
        return (len(self._made) + 1) * max(self._largest, _decoded_bytes(photo)) <= self._most_bytes

    def _begin(self, see: _See, photo: ImageRef) -> "Future[Any]":
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="photos")
        return self._pool.submit(see, photo)


@dataclass(frozen=True, slots=True)
class Waiting(ImageRef):
    """A photo that may have been opened already. Equal to another one of the same photo."""

    photo: ImageRef = field(kw_only=True)
    ahead: Prefetcher = field(kw_only=True, compare=False, repr=False)

    def __reduce__(self) -> "tuple[Callable[[ImageRef], ImageRef], tuple[ImageRef]]":
        """Another process gets the photo itself: what waits here stays here."""
        return _itself, (self.photo,)

    @classmethod
    def of(cls, photo: ImageRef, ahead: Prefetcher) -> "Waiting":
        """Wrap a photo."""
        return cls(photo.path, photo.size_hw, photo=photo, ahead=ahead)

    def open_rgb(self) -> Image.Image:
        """Decode the photo, or copy what was decoded: the caller may change it.

        Raises:
            DataError: as the photo's own.
        """
        return self.ahead.take(self.photo, _decode).copy()

    def seen(self, see: Callable[[ImageRef], _T]) -> _T:
        """Return what a model makes of the photo; all questions about it share one, so it must not be changed."""
        return self.ahead.take(self.photo, see)


def _itself(photo: ImageRef) -> ImageRef:
    return photo


def _decode(photo: ImageRef) -> Image.Image:
    return photo.open_rgb()


def _now(see: _See, photo: ImageRef) -> "Future[Any]":
    """Do it in this thread; an error comes out where the result is asked for."""
    future: Future[Any] = Future()
    try:
        future.set_result(see(photo))
    except Exception as error:
        future.set_exception(error)
    return future


def _photos(shown: Iterable[_Shows]) -> Iterable[ImageRef]:
    """Every photo once, in order."""
    return dict.fromkeys(photo for each in shown for photo in (each.image, *each.frames))


def _decoded_bytes(photo: ImageRef) -> int:
    height, width = photo.size_hw
    return 3 * height * width
