"""Archives that mean harm leave nothing behind, in their folder or beside it."""

import gzip
import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from suite.errors import DataError
from suite.trust.archives import extract_archive, read_member

MIB = 2**20


def tar(path: Path, *members: tarfile.TarInfo, content: bytes = b"x") -> Path:
    with tarfile.open(path, "w:gz") as opened:
        for member in members:
            member.size = member.size or (len(content) if member.isreg() else 0)
            opened.addfile(member, io.BytesIO(content) if member.isreg() else None)
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


def zipped(path: Path, name: str, mode: int = 0, content: bytes = b"x") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        info.compress_type = zipfile.ZIP_DEFLATED
        opened.writestr(info, content)
    return path


def refused(archive: Path, match: str, **limits: int) -> None:
    to = archive.parent / "to"
    before = sorted(archive.parent.iterdir())
    with pytest.raises(DataError, match=match) as raised:
        extract_archive(archive, to, **limits)
    assert str(archive) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert sorted(archive.parent.iterdir()) == before


TAR = {
    "up": (member("../out"), "'../out' lies outside"),
    "deep up": (member("a/../../out"), "lies outside"),
    "absolute": (member("/tmp/out"), "is no relative path"),
    "drive": (member("C:/out"), "is no relative path"),
    "backslash": (member("..\\out"), "is no relative path"),
    "link": (member("a", tarfile.SYMTYPE, "/etc"), "is a link"),
    "link inside": (member("a", tarfile.SYMTYPE, "b"), "is a link"),
    "hard link": (member("a", tarfile.LNKTYPE, "/etc/passwd"), "is a link"),
    "device": (member("a", tarfile.CHRTYPE), "is a device"),
    "pipe": (member("a", tarfile.FIFOTYPE), "is a device"),
    "newline": (member("../a\nb\x1b[2J"), r"'../a\\nb\\x1b\[2J' lies outside"),
}


@pytest.mark.parametrize("case", TAR)
def test_hostile_tar(tmp_path: Path, case: str) -> None:
    hostile, match = TAR[case]
    refused(tar(tmp_path / "a.tar.gz", member("fine"), hostile), match)


def test_a_link_that_a_later_file_goes_through(tmp_path: Path) -> None:
    through = [member("a", tarfile.SYMTYPE, "/tmp"), member("a/out")]
    refused(tar(tmp_path / "a.tar.gz", *through), "is a link")


def test_a_file_that_is_there_twice_or_a_folder_too(tmp_path: Path) -> None:
    refused(tar(tmp_path / "a.tar.gz", member("a"), member("a")), "is there twice")
    refused(tar(tmp_path / "a.tar.gz", member("a"), member("a/b")), "both a file and a folder")


ZIP = {
    "up": ("../out", 0, "lies outside"),
    "absolute": ("/out", 0, "is no relative path"),
    "drive": ("C:/out", 0, "is no relative path"),
    "link": ("a", stat.S_IFLNK | 0o777, "is a link"),
    "device": ("a", stat.S_IFCHR | 0o666, "is a link or a device"),
}


@pytest.mark.parametrize("case", ZIP)
def test_hostile_zip(tmp_path: Path, case: str) -> None:
    name, mode, match = ZIP[case]
    refused(zipped(tmp_path / "a.zip", name, mode), match)


def test_bombs_stop_where_the_limit_is(tmp_path: Path) -> None:
    zeros = bytes(70 * MIB)
    refused(tar(tmp_path / "a.tar.gz", member("a"), content=zeros), "unpacks to more than 67,1")
    refused(zipped(tmp_path / "a.zip", "a", content=zeros), "unpacks to more than 67,1")
    refused(tar(tmp_path / "b.tar.gz", member("a")), "more than 0 bytes", most_bytes=0)
    many = [member(f"{i}") for i in range(5)]
    refused(tar(tmp_path / "b.tar.gz", *many), "more than 4 files", most_members=4)


def test_a_zip_that_lies_about_its_size(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", "a", content=bytes(2 * MIB))
    # The size in the list of the archive, and in front of the file.
    size, lie = (2 * MIB).to_bytes(4, "little"), (10).to_bytes(4, "little")
    archive.write_bytes(archive.read_bytes().replace(size, lie))
    refused(archive, "unpacked|CRC|more than", most_bytes=MIB)


def test_a_header_that_would_fill_the_memory(tmp_path: Path) -> None:
    huge = member("a", tarfile.GNUTYPE_LONGNAME)
    huge.size = 3 * MIB
    with gzip.open(tmp_path / "a.tar.gz", "wb") as file:
        file.write(huge.tobuf(tarfile.GNU_FORMAT) + bytes(3 * MIB))
    refused(tmp_path / "a.tar.gz", "cannot be unpacked .*header")


@pytest.mark.parametrize("content", [b"", b"no archive", gzip.compress(b"no archive", mtime=0)])
def test_what_is_no_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tar.gz").write_bytes(content)
    refused(tmp_path / "a.tar.gz", "cannot be unpacked")


def test_honest_archives_are_unpacked_without_their_permissions(tmp_path: Path) -> None:
    executable = member("deep/run")
    executable.mode = 0o4777
    extract_archive(
        tar(tmp_path / "a.tar.gz", member("deep", tarfile.DIRTYPE), executable, member("./b")),
        tmp_path / "to",
    )
    assert (tmp_path / "to" / "deep" / "run").read_bytes() == b"x"
    assert (tmp_path / "to" / "b").read_bytes() == b"x"
    assert not (tmp_path / "to" / "deep" / "run").stat().st_mode & 0o4111
    extract_archive(zipped(tmp_path / "a.zip", "deep/a"), tmp_path / "zip")
    assert (tmp_path / "zip" / "deep" / "a").read_bytes() == b"x"


def test_one_member_has_a_limit_too(tmp_path: Path) -> None:
    archive = tar(tmp_path / "a.tar.gz", member("a"), member("l", tarfile.SYMTYPE, "a"))
    assert read_member(archive, "a", most_bytes=1) == b"x"
    with pytest.raises(DataError, match="a is no file of at most 0 bytes"):
        read_member(archive, "a", most_bytes=0)
    with pytest.raises(DataError, match="l is no file"):
        read_member(archive, "l", most_bytes=9)
