"""Refuses the network to all that runs in this process, and notes who asked for it.

What a library opens without Python's sockets, or a process that it starts, is not seen.
"""

import ipaddress
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from suite.checking.place import called_from
from suite.task import Task


@dataclass(frozen=True)
class Attempt:
    """To reach a host. where: the line of the plugin that led to it, as far as known."""

    host: str
    where: str


@contextmanager
def refused_network(kind: type[Task], attempts: list[Attempt]) -> Iterator[None]:
    """Refuse connections and look-ups of names beyond this machine, and append them to a list."""

    def refuse(host: object) -> None:
        name = host.decode(errors="replace") if isinstance(host, bytes) else str(host)
        if _is_here(name):
            return
        attempts.append(Attempt(name, called_from(sys._getframe(2), kind)))
        raise ConnectionRefusedError(f"{name}: there is no network while a task is checked")

    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
    look_up, look_up_old = socket.getaddrinfo, socket.gethostbyname

    def connecting(self: socket.socket, address: Any) -> None:
        refuse(_host_of(self, address))
        connect(self, address)

    def connecting_ex(self: socket.socket, address: Any) -> int:
        refuse(_host_of(self, address))
        return connect_ex(self, address)

    def looking_up(host: Any, *arguments: Any, **named: Any) -> Any:
        refuse(host)
        return look_up(host, *arguments, **named)

    def looking_up_old(host: str) -> str:
        refuse(host)
        return look_up_old(host)

    changed: tuple[tuple[Any, str, Any], ...] = (
        (socket.socket, "connect", connecting),
        (socket.socket, "connect_ex", connecting_ex),
        (socket, "getaddrinfo", looking_up),
        (socket, "gethostbyname", looking_up_old),
    )
    before = [(where, name, getattr(where, name)) for where, name, _ in changed]
    try:
        for where, name, ours in changed:
            setattr(where, name, ours)
        yield
    finally:
        for where, name, theirs in before:
            setattr(where, name, theirs)


def _host_of(opened: socket.socket, address: Any) -> object:
    """Return the host that a socket is to reach; that of a socket of this machine is nobody's."""
    network = opened.family in (socket.AF_INET, socket.AF_INET6)
    return address[0] if network and isinstance(address, tuple) else "localhost"


def _is_here(host: str) -> bool:
    if host in ("", "None", "localhost", socket.gethostname()):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
