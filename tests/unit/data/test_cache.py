import os
from pathlib import Path

import pytest

from suite.data.cache import atomic_path, cache_folder, sweep_up


def test_file_appears_whole(tmp_path):
    path = tmp_path / "new" / "set.npz"
    with atomic_path(path) as temporary:
        temporary.write_text("half")
        assert temporary.parent == path.parent  # the same disk, or the move would be a copy
        assert not path.exists()
        temporary.write_text("whole")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_failure_leaves_nothing_or_what_was_there(tmp_path):
    path = tmp_path / "set.npz"

    def fail():
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(tmp_path.iterdir()) == []
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_file_is_as_open_as_the_umask_allows(tmp_path):
    umask = os.umask(0o022)
    try:
        with atomic_path(tmp_path / "x") as temporary:
            temporary.write_text("x")
    finally:
        os.umask(umask)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o644


def test_folder_is_the_configured_one_else_the_environments_else_the_users(monkeypatch):
    monkeypatch.setenv("TRIATHLON_CACHE", "/environment")
    assert cache_folder("/configured") == Path("/configured")
    assert cache_folder(None) == Path("/environment")
    monkeypatch.delenv("TRIATHLON_CACHE")
    monkeypatch.setenv("HOME", "/home/someone")
    assert cache_folder(None) == Path("/home/someone/.cache/triathlon")
    assert cache_folder("~/c") == Path("/home/someone/c")


def test_what_a_killed_process_had_begun_to_write_is_swept_up(tmp_path):
    kept = [".hidden", "a.json", ".tracking.json.lock", ".tracking.json.abcdefgh"]
    for name in [*kept, ".a.json.x1_3abcd", ".tmpV7qgxf", "figures/.curves.png.abcd1234"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    sweep_up(tmp_path, spare="tracking.json")
    left = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    assert left == sorted(kept)
