"""Keeps a process off the network: a connection to another machine is an error while it is sealed.

An audit hook of the interpreter sees every Python socket, whatever library opens it; addresses of this machine
(loopback) and sockets in files stay free. Code in C that opens sockets by itself is not seen, nor are other programs.
"""

import ipaddress
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.errors import ModelError

_ADDRESSED = frozenset({"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"})
_NAMED = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})


class NetworkRefused(ModelError, OSError):
    """Something wanted to reach another machine."""


class _Seal:
    """Whether this process is sealed: how often, by whoever is not done yet."""

    count = 0
    is_hooked = False


def seal() -> None:
    """Seal this process as long as it lives."""
    if not _Seal.is_hooked:  # a hook can never be taken away
        _Seal.is_hooked = True
        sys.addaudithook(_watch)
    _Seal.count += 1


@contextmanager
def sealed(asked: bool) -> Iterator[None]:
    """Seal this process for a while, where that is asked for."""
    if not asked:
        yield
        return
    seal()
    try:
        yield
    finally:
        _Seal.count -= 1


def _watch(event: str, args: tuple[Any, ...]) -> None:
    if not _Seal.count or not event.startswith("socket."):
        return
    if event in _NAMED and not (is_here(args[0]) or _is_number(args[0])):
        raise _refused(f"a look-up of {args[0]}")
    if event in _ADDRESSED:
        family, address = args[0].family, args[1]
        if family not in (socket.AF_INET, socket.AF_INET6):
            return
        if address is not None and not is_here(address[0]):
            raise _refused(f"a connection to {address[0]} port {address[1]}")


def is_here(host: object) -> bool:
    """Whether a host is this machine, by name or number; None stands for it."""
    if host is None or _text(host) == "localhost":
        return True
    return _is_number(host) and ipaddress.ip_address(_text(host)).is_loopback


def _is_number(host: object) -> bool:
    """Whether it is an address, which nobody needs to be asked for."""
    try:
        ipaddress.ip_address(_text(host))
    except ValueError:
        return False
    return True


def _text(host: object) -> str:
    name = host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host)
    return name.partition("%")[0]


def _refused(what: str) -> NetworkRefused:
    return NetworkRefused(
        f"--offline forbids {what}: fetch what is needed beforehand, or leave out --offline (and REFBENCH_OFFLINE)"
    )
