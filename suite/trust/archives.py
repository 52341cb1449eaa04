"""Unpacks archives: all of a tar or zip, or nothing, and nothing beside its folder.

Python's own filter for tar refuses names, links and devices that lead out, but neither a bomb nor
an archive of millions of files; zip has no filter. So each member is checked here first, by what
the archive says of it, and what comes out is counted as it comes.
"""

import gzip
import shutil
import stat
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import IO

from suite.errors import DataError, one_line
from suite.trust.paths import safe_member
from suite.trust.text import in_a_line

MOST_BYTES = 500 * 2**30
"""Of all that an archive holds, where its caller knows no better: more than ImageNet."""
MOST_MEMBERS = 5_000_000
_RATIO, _SMALL = 200, 64 * 2**20
"""Bytes unpacked to one packed, beyond the first 64 MiB; text and silence have about 20."""
_BLOCK = 2**20
_LONGEST_HEADER = 2**20
"""Bytes of a long name or of extended headers, all of which tarfile reads into memory."""


def extract_archive(
    archive: Path, to: Path, *, most_bytes: int = MOST_BYTES, most_members: int = MOST_MEMBERS
) -> None:
    """Unpack a .tar, .tar.gz, .tar.bz2, .tar.xz or .zip into a new folder.

    Links, devices and names that lead out are refused, with all of the archive. Permissions are
    not taken over, so nothing becomes executable. Raises a `DataError` and leaves no folder where
    it cannot be unpacked; an `OSError` of the disk goes on.
    """
    limit = _Limit(archive, most_bytes, most_members)
    to.mkdir(parents=True)
    try:
        if zipfile.is_zipfile(archive):
            _unzip(archive, to, limit)
        else:
            _untar(archive, to, limit)
    except BaseException as error:
        shutil.rmtree(to, ignore_errors=True)
        # Beside damage: in a zip a cipher, or a method that is not known.
        known = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, gzip.BadGzipFile)
        if isinstance(error, (*known, NotImplementedError, RuntimeError)):
            reason = one_line(str(error))[:300]
            raise DataError(f"{archive}: cannot be unpacked ({reason}); fetch it again") from error
        raise


def read_member(archive: Path, name: str, *, most_bytes: int) -> bytes:
    """Return one file of a .tar.gz without unpacking it; raise a `DataError` where it is larger.

    Raises a `KeyError` where there is none, and what `tarfile` raises.
    """
    with tarfile.open(archive, "r:gz", tarinfo=_Header) as opened:
        for member in opened:  # and no further: what follows may be damaged, or a bomb
            if member.name != name:
                continue
            content = opened.extractfile(member) if member.isreg() else None
            if content is None or member.size > most_bytes:
                raise DataError(f"{archive}: {name} is no file of at most {most_bytes:,} bytes")
            return content.read()
    raise KeyError(f"there is no {name} in it")


class _Limit:
    """Counts members and bytes of an archive, and tells when they are too many."""

    def __init__(self, archive: Path, most_bytes: int, most_members: int) -> None:
        self.archive = archive
        ratio = max(_SMALL, _RATIO * archive.stat().st_size)
        self.most_bytes, self.most_members = min(most_bytes, ratio), most_members
        self.bytes = self.members = 0

    def member(self, name: str, size: int) -> None:
        """Count a member; raise a `DataError` for a bad name, and where there are too many."""
        wrong = safe_member(name)
        if wrong:
            raise self.refused(name, wrong)
        self.members += 1
        if self.members > self.most_members:
            raise DataError(f"{self.archive}: holds more than {self.most_members:,} files; refused")
        if self.bytes + size > self.most_bytes:
            raise self._bomb()

    def refused(self, name: str, wrong: str) -> DataError:
        """Return the error for a member."""
        shown = in_a_line(name)[:200]
        return DataError(f"{self.archive}: '{shown}' {wrong}; the archive is refused")

    def copy(self, source: IO[bytes], to: Path) -> None:
        """Write a file, block by block: what an archive says of its size need not be true."""
        with to.open("xb") as file:
            while block := source.read(_BLOCK):
                self.bytes += len(block)
                if self.bytes > self.most_bytes:
                    raise self._bomb()
                file.write(block)

    def _bomb(self) -> DataError:
        return DataError(
            f"{self.archive}: unpacks to more than {self.most_bytes:,} bytes; it is refused"
        )


class _Header(tarfile.TarInfo):
    """A member's header, refused where it announces more of itself than any honest one."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_Header":
        header = super().frombuf(buf, encoding, errors)
        if header.size > _LONGEST_HEADER and header.type not in tarfile.REGULAR_TYPES:
            raise tarfile.ReadError(f"a header of {header.size:,} bytes")
        return header


def _untar(archive: Path, to: Path, limit: _Limit) -> None:
    with tarfile.open(archive, "r:*", tarinfo=_Header) as opened:
        for member in opened:
            # tarfile keeps all that it has read, which an archive of very many files would fill.
            opened.members = []  # type: ignore[attr-defined]
            limit.member(member.name, member.size)
            if member.isdir():
                _folder(to, member.name, limit)
                continue
            if not member.isreg():
                kind = "link" if member.issym() or member.islnk() else "device"
                raise limit.refused(member.name, f"is a {kind}")
            # Python's own filter beside our checks.
            safe = tarfile.data_filter(member, str(to))
            source = opened.extractfile(safe)
            assert source is not None
            _write(to, member.name, source, limit)


def _unzip(archive: Path, to: Path, limit: _Limit) -> None:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            # `filename` has lost what was behind a NUL byte.
            limit.member(member.orig_filename, member.file_size)
            mode = member.external_attr >> 16
            if mode and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_IFMT(mode) == 0):
                raise limit.refused(member.filename, "is a link or a device")
            if member.is_dir():
                _folder(to, member.filename, limit)
                continue
            with opened.open(member) as source:
                _write(to, member.filename, source, limit)


def _write(to: Path, name: str, source: IO[bytes], limit: _Limit) -> None:
    file = to / name
    _folder(to, str(Path(name).parent), limit)
    if file.exists():
        raise limit.refused(name, "is there twice")
    limit.copy(source, file)


def _folder(to: Path, name: str, limit: _Limit) -> None:
    try:
        (to / name).mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise limit.refused(name, "is both a file and a folder") from error
