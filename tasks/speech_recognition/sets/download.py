"""Archives of published sets with their published checksums, and how one is fetched.

torchaudio downloads some of these too, but keeps half an archive that was interrupted as a whole
one and cannot check an MD5, so its addresses and checksums are taken and the rest is done here.
"""

import hashlib
import shutil
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from suite import DataError, extract_archive

_BLOCK = 2**20
_SECONDS = 10.0
"""Without an answer for so long, a server counts as out of reach."""


@dataclass(frozen=True)
class Archive:
    """A .tar.gz. checksum: as `sha256:…` or `md5:…`. holds: what of it becomes `folder`."""

    url: str
    checksum: str
    holds: str
    folder: str


_LIBRISPEECH_SHA256 = {
    "dev-clean": "76f87d090650617fca0cac8f88b9416e0ebf80350acb97b343a85fa903728ab3",
    "dev-other": "12661c48e8c3fe1de2c1caa4c3e135193bfb1811584f11f569dd12645aa84365",
    "test-clean": "39fde525e59672dc6d1551919b1478f724438a95aa55f874b576be21967e6c23",
    "test-other": "d09c181bba5cf717b3dee7d4d592af11a3ee3a09e08ae025c5506f6ebe961c29",
    "train-clean-100": "d4ddd1d5a6ab303066f14971d768ee43278a5f2a0aa43dc716b0e64ecbbbf6e2",
    "train-clean-360": "146a56496217e96c14334a160df97fffedd6e0a04e66b9c5af0d40be3c792ecf",
    "train-other-500": "ddb22f27f96ec163645d53215559df6aa36515f26e01dd70798188350adcb6d2",
}
"""As in torchaudio.datasets.librispeech."""
_MINI_LIBRISPEECH_MD5 = {
    "train-clean-5": "5df7d4e78065366204ca6845bb08f490",
    "dev-clean-2": "6d7ab67ac6a1d2c993d050e16d61080d",
}
"""As in openslr.org/resources/31/md5sum.txt."""


def _openslr(resource: int, subset: str, checksum: str) -> Archive:
    url = f"http://www.openslr.org/resources/{resource}/{subset}.tar.gz"
    return Archive(url, checksum, f"LibriSpeech/{subset}", f"LibriSpeech/{subset}")


LIBRISPEECH = {
    **{k: _openslr(12, k, f"sha256:{v}") for k, v in _LIBRISPEECH_SHA256.items()},
    **{k: _openslr(31, k, f"md5:{v}") for k, v in _MINI_LIBRISPEECH_MD5.items()},
}
"""By subset."""

SPEECH_COMMANDS = Archive(
    "http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
    # torchaudio.datasets.speechcommands, tensorflow_datasets' url_checksums
    "sha256:af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
    holds=".",
    folder="speech_commands_v0.02",
)
SPEECH_COMMANDS_TEST = Archive(
    "http://download.tensorflow.org/data/speech_commands_test_set_v0.02.tar.gz",
    # tensorflow_datasets' url_checksums
    "sha256:cc2a00c1147c2254e9be3fa0f779d8c17421dc349b86366567a8edfa9acd51df",
    holds=".",
    folder="speech_commands_test_set_v0.02",
)


def fetch(name: str, archive: Archive, root: Path) -> None:
    """Put an archive's folder into `root`, unless it is there; all of it or nothing.

    Raises a `DataError` where it cannot be reached, or is not what was published.
    """
    folder = root / archive.folder
    if folder.is_dir():
        return
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Beside its final place, so that moving it there is one step.
        with tempfile.TemporaryDirectory(dir=root, prefix=".download-") as temporary:
            packed, unpacked = Path(temporary, "archive.tar.gz"), Path(temporary, "unpacked")
            _download(name, archive, packed)
            extract_archive(packed, unpacked)
            shutil.move(unpacked / archive.holds, folder)
    except OSError as error:
        raise DataError(
            f"data={name}: {archive.url} cannot be downloaded ({_reason(error)}); "
            f"get it another way and unpack it as {folder}"
        ) from error


def _download(name: str, archive: Archive, to: Path) -> None:
    kind, _, published = archive.checksum.partition(":")
    digest = hashlib.new(kind, usedforsecurity=False)
    with urllib.request.urlopen(archive.url, timeout=_SECONDS) as answer, to.open("wb") as file:
        size = int(answer.headers.get("Content-Length") or 0)
        for block in _blocks(answer, archive, size):
            digest.update(block)
            file.write(block)
    if digest.hexdigest() != published:
        raise DataError(
            f"data={name}: {archive.url} has {kind} {digest.hexdigest()}, but {published} is "
            "published; try again, or get it another way"
        )


def _blocks(answer: IO[bytes], archive: Archive, size: int) -> Iterator[bytes]:
    """Yield what comes; a terminal sees how far it is."""
    done = 0
    shown = sys.stderr.isatty()
    while block := answer.read(_BLOCK):
        done += len(block)
        if shown:
            share = f"{done / size:4.0%} of " if size else ""
            mib = (size or done) / 2**20
            print(f"\r{archive.folder}: {share}{mib:.0f} MiB", end="", file=sys.stderr)
        yield block
    if shown:
        print(file=sys.stderr)


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
    return str(getattr(reason, "strerror", None) or reason)
