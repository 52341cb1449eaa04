"""Names of files that data brings along stay in the data's folder."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.errors import DataError
from suite.trust.paths import inside, plain_name, safe_member


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    (root / "deep").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "up").symlink_to("..")
    (root / "deep" / "back").symlink_to("../deep/file")
    (root / "deep" / "file").write_text("inside")
    return root


REFUSED = {
    "../secret": "lies outside of",
    "deep/../../secret": "lies outside of",
    "/etc/passwd": "lies outside of",
    "out": "is a link that leads out of",
    "up/secret": "is a link that leads out of",
    "": "is no name",
    " ": "is no name",
    "a\0b": "has a NUL byte",
    "x" * 256: "is too long",
    "x/" * 3000: "is too long",
}


@pytest.mark.parametrize("name", REFUSED, ids=lambda name: repr(name)[:20])
def test_names_that_lead_out_are_refused(root: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"^list: line 7: '.*; mend it$") as raised:
        inside(root, name, "list: line 7", "mend it")
    assert REFUSED[name] in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 500


def test_names_that_stay_are_fine(root: Path) -> None:
    for name in ("deep/file", "deep/back", "deep/../deep/file", "none.wav", "ümlaut \u202e.wav"):
        assert inside(root, name, "list") == root / name
    assert inside(root, str(root / "deep" / "file"), "list") == root / "deep" / "file"


def test_a_root_may_be_a_link_itself(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    assert inside(tmp_path / "link", "deep/back", "list").read_text() == "inside"


def test_the_hubs_cache_links_to_its_files(tmp_path: Path) -> None:
    kept = tmp_path / "datasets--some--set"
    (kept / "snapshots" / "abc").mkdir(parents=True)
    (kept / "blobs").mkdir()
    (kept / "blobs" / "0").write_text("sound")
    (kept / "snapshots" / "abc" / "a.wav").symlink_to("../../blobs/0")
    assert inside(kept / "snapshots" / "abc", "a.wav", "list").read_text() == "sound"


@given(st.text(max_size=30))
def test_whatever_the_name_it_stays_or_is_refused(name: str) -> None:
    import os

    root = Path("/data/set")
    try:
        path = inside(root, name, "list")
    except DataError:
        return
    assert Path(os.path.normpath(path)).is_relative_to(root)


def test_a_name_is_no_path() -> None:
    assert plain_name("20260101-digits-mlp-0-abc123")
    for name in ("", ".", "..", "a/b", "/a", ".hidden", "a\0", "x" * 256):
        assert not plain_name(name)


@pytest.mark.parametrize("name", ["../a", "a/../../b", "/a", "C:\\a", "c:a", "a\\..\\b", "a\0", ""])
def test_members_that_lead_out(name: str) -> None:
    assert safe_member(name)
    assert not safe_member("a/b.txt")
