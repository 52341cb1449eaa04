"""No connection beyond this machine is made, and who asked is told."""

import socket

import pytest

from suite.checking.refusing import refused_network
from suite.task import Task


class Asking(Task):
    def fetch(self):
        return socket.create_connection(("192.0.2.1", 80), timeout=1)


def test_others_are_refused_and_named():
    attempts = []
    with refused_network(Asking, attempts):
        with pytest.raises(OSError, match=r"192\.0\.2\.1: there is no network"):
            Asking(None, None).fetch()
        with pytest.raises(OSError, match=r"example\.org"):
            socket.gethostbyname("example.org")
        with socket.socket() as opened:
            with pytest.raises(OSError, match="there is no network"):
                opened.connect_ex(("192.0.2.2", 80))
    assert [one.host for one in attempts] == ["192.0.2.1", "example.org", "192.0.2.2"]
    assert attempts[0].where.startswith("Asking.fetch (")


def test_this_machine_is_not_and_all_is_as_before_afterwards():
    before = socket.getaddrinfo, socket.socket.connect
    attempts = []
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        with refused_network(Task, attempts):
            socket.create_connection(listening.getsockname(), timeout=5).close()
    assert not attempts
    assert (socket.getaddrinfo, socket.socket.connect) == before
