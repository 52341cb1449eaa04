"""Spoiled files of every format: samples that are sound, or one line that says what is not.

`TRIATHLON_FUZZ=2000 pytest tests/fuzz/test_readers.py` spoils as many files, other ones each time.
"""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suite import OnError

from .readers import FORMATS, SELF_CONTAINED, try_reading

_ASKED = int(os.environ.get("TRIATHLON_FUZZ", "0"))
_EXAMPLES = max((_ASKED or 330) // len(FORMATS), 1)
_TOKENS = [
    b"\0", b"\n", b"\r", b'"', b",", b"\t", b"{", b"}", b"[" * 9, b"null", b"NaN", b"-1", b"1e999",
    b'"\\ud800"', b"\xff", b"\xef\xbb\xbf", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\xff" * 8,
    b"\x80\0\0\0", b"0" * 30, b"../", b"/", b" ", b"\xe2\x80\xa8", b"RIFF", b"data",
]  # fmt: skip
"""What has a meaning to some reader."""

at = st.integers(0, 2**16)
changes = st.one_of(
    st.tuples(st.just("flip"), at, st.integers(0, 7)),
    st.tuples(st.just("cut"), at),
    st.tuples(st.just("insert"), at, st.one_of(st.sampled_from(_TOKENS), st.binary(max_size=9))),
    st.tuples(st.just("overwrite"), at, st.one_of(st.sampled_from(_TOKENS), st.binary(max_size=9))),
    st.tuples(st.just("remove"), at, st.integers(1, 64)),
    st.tuples(st.just("copy"), at, at, st.integers(1, 64)),
)


def spoil(content, change):
    """Return the content with one change; places count from the start, again and again."""
    kind, place, *rest = change
    place %= len(content) + 1
    head, tail = content[:place], content[place:]
    if kind == "flip":
        return head + bytes([tail[0] ^ 1 << rest[0]]) + tail[1:] if tail else content
    if kind == "cut":
        return head
    if kind == "insert":
        return head + rest[0] + tail
    if kind == "overwrite":
        return head + rest[0] + tail[len(rest[0]) :]
    if kind == "remove":
        return head + tail[rest[0] :]
    source, length = rest
    source %= len(content) + 1
    return head + content[source : source + length] + tail


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_spoiled_file_is_read_or_told(name):
    form = FORMATS[name]

    @settings(
        max_examples=_EXAMPLES,
        database=None,
        derandomize=not _ASKED,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.sampled_from(form.spoiled),
        st.lists(changes, min_size=1, max_size=3),
        st.sampled_from(OnError),
        st.booleans(),
    )
    def check(file, some, on_error, stream):
        content = form.files()[file]
        for change in some:
            content = spoil(content, change)
        told = try_reading(form, file, content, on_error=on_error, stream=stream)
        if told is not None and on_error is OnError.skip and name in SELF_CONTAINED:
            raise AssertionError(f"not skipped: {told}")

    check()


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_sound_file_is_read(name):
    form = FORMATS[name]
    file = form.spoiled[0]
    for stream in (False, True):
        assert not try_reading(form, file, form.files()[file], on_error=OnError.stop, stream=stream)
