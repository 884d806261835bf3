"""A program: the demo on loopback in a process where any other address is refused and written down."""

import sys

from tasks.cli import main

HERE = ("127.0.0.1", "::1", "localhost", "None", "0.0.0.0")


def watch(event: str, args: tuple[object, ...]) -> None:
    """Refuse what would leave this machine."""
    host = None
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = args[0]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg") and isinstance(args[1], tuple):
        host = args[1][0]
    text = host.decode() if isinstance(host, bytes) else str(host)
    if text not in HERE:
        with open(sys.argv[1], "a", encoding="utf-8") as log:
            log.write(f"{event} {text}\n")
        raise OSError(f"{text} is not this machine")


if __name__ == "__main__":
    sys.addaudithook(watch)
    sys.exit(main(sys.argv[2:]))
