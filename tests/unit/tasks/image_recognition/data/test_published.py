"""Downloads, from a server of the test's own."""

import gzip
import hashlib
import http.server
import socket
import threading
import time
from functools import partial

import pytest

from suite import DataError
from tasks.image_recognition.data import Cifar10, Cifar100, FashionMnist, Mnist, Svhn
from tasks.image_recognition.data import published as published_module
from tasks.image_recognition.data.published import PublishedFile, fetch


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(tmp_path):
    """Serve a folder over HTTP; give its address and the folder."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(Silent, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", folder
        running.shutdown()


def test_checksums_and_addresses_are_those_of_torchvision():
    from torchvision import datasets

    for ours, theirs in ((Mnist, datasets.MNIST), (FashionMnist, datasets.FashionMNIST)):
        names, md5 = zip(*theirs.resources, strict=True)
        assert tuple(ours.md5) == md5
        files = ours(path=None, download=True, validation=0.1).lacks(published_module.Path("gone"))
        assert tuple(file.name for file in files) == names
        assert list(ours.mirrors) == list(theirs.mirrors)
    for ours, theirs in ((Cifar10, datasets.CIFAR10), (Cifar100, datasets.CIFAR100)):
        batches = ours.batches
        assert list(batches.train.items()) == [tuple(item) for item in theirs.train_list]
        assert list(batches.test.items()) == [tuple(item) for item in theirs.test_list]
        assert batches.meta == {theirs.meta["filename"]: theirs.meta["md5"]}
        assert batches.names == theirs.meta["key"]
        assert batches.folder == theirs.base_folder
        archive = batches.archive
        assert (archive.name, archive.md5) == (theirs.filename, theirs.tgz_md5)
        assert list(archive.urls) == [theirs.url]
    source = Svhn(path=None, download=True, validation=0.1, extra=True)
    files = [(f.urls[0], f.name, f.md5) for f in source.lacks(published_module.Path("gone"))]
    assert files == [tuple(datasets.SVHN.split_list[k]) for k in ("train", "test", "extra")]


def test_a_file_arrives_from_the_first_mirror_that_has_it(server, tmp_path):
    address, folder = server
    (folder / "a.gz").write_bytes(gzip.compress(b"content"))
    md5 = hashlib.md5((folder / "a.gz").read_bytes()).hexdigest()
    mirrors = [f"{address}/gone/a.gz", f"{address}/a.gz"]
    fetch("mnist", PublishedFile("a.gz", md5, mirrors), tmp_path / "new" / "place")
    assert [path.name for path in (tmp_path / "new" / "place").iterdir()] == ["a.gz"]
    assert gzip.decompress((tmp_path / "new" / "place" / "a.gz").read_bytes()) == b"content"


def test_other_content_than_published_is_not_kept(server, tmp_path):
    address, folder = server
    (folder / "a.gz").write_bytes(b"something else")
    file = PublishedFile("a.gz", "0" * 32, [f"{address}/a.gz"])
    with pytest.raises(DataError, match=r"data=mnist: a\.gz cannot .* another MD5 than published"):
        fetch("mnist", file, tmp_path / "place")
    assert list((tmp_path / "place").iterdir()) == []


def test_no_network_is_one_line(tmp_path, monkeypatch):
    file = PublishedFile("a.gz", "0" * 32, ["http://127.0.0.1:9/a.gz"])
    with pytest.raises(DataError) as told:
        fetch("mnist", file, tmp_path)
    assert "\n" not in str(told.value)
    assert "Connection refused" in str(told.value)
    assert f"put it into {tmp_path}" in str(told.value)


def test_a_server_that_never_answers_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(published_module, "_SECONDS", 0.2)
    before = socket.getdefaulttimeout()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/a.gz"
        start = time.monotonic()
        with pytest.raises(DataError, match="timed out"):
            fetch("mnist", PublishedFile("a.gz", "0" * 32, [url]), tmp_path)
        assert time.monotonic() - start < 10
    assert socket.getdefaulttimeout() == before
