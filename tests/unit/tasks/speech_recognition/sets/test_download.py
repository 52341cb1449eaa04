import hashlib
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from torchaudio.datasets import librispeech, speechcommands

from suite import DataError
from tasks.speech_recognition.sets.download import (
    LIBRISPEECH,
    SPEECH_COMMANDS,
    SPEECH_COMMANDS_TEST,
    Archive,
    fetch,
)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An archive on this disk, with its true checksum."""
    source = tmp_path / "source" / "LibriSpeech"
    (source / "dev-clean").mkdir(parents=True)
    (source / "dev-clean" / "file.txt").write_text("inside")
    (source / "BOOKS.TXT").write_text("beside")
    packed = tmp_path / "dev-clean.tar.gz"
    with tarfile.open(packed, "w:gz") as opened:
        opened.add(source, "LibriSpeech")
    checksum = f"md5:{hashlib.md5(packed.read_bytes()).hexdigest()}"
    return Archive(packed.as_uri(), checksum, "LibriSpeech/dev-clean", "LibriSpeech/dev-clean")


def test_archive_is_verified_and_unpacked(archive, tmp_path):
    root = tmp_path / "new" / "data"
    fetch("librispeech", archive, root)
    assert (root / "LibriSpeech" / "dev-clean" / "file.txt").read_text() == "inside"
    assert [path.name for path in root.iterdir()] == ["LibriSpeech"]


def test_what_is_there_is_not_fetched_again(archive, tmp_path):
    root = tmp_path / "data"
    (root / "LibriSpeech" / "dev-clean").mkdir(parents=True)
    fetch("librispeech", replace(archive, url="http://nowhere.invalid/x.tar.gz"), root)
    assert list((root / "LibriSpeech" / "dev-clean").iterdir()) == []


def test_other_content_is_refused_and_leaves_nothing(archive, tmp_path):
    wrong = replace(archive, checksum="md5:00000000000000000000000000000000")
    with pytest.raises(
        DataError, match=r"data=librispeech: file:.*has md5 \w+, but 0{32} is published; try again"
    ):
        fetch("librispeech", wrong, tmp_path / "data")
    assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file()]


def test_place_out_of_reach_is_one_line(archive, tmp_path):
    away = replace(archive, url=(tmp_path / "none.tar.gz").as_uri())
    with pytest.raises(DataError) as caught:
        fetch("librispeech", away, tmp_path / "data")
    told = str(caught.value)
    assert "none.tar.gz cannot be downloaded (" in told
    assert told.endswith(f"unpack it as {tmp_path / 'data' / 'LibriSpeech' / 'dev-clean'}")
    assert "\n" not in told


def test_archive_without_its_folder_is_told(archive, tmp_path):
    other = replace(archive, holds="LibriSpeech/test-clean")
    with pytest.raises(DataError, match="cannot be downloaded"):
        fetch("librispeech", other, tmp_path / "data")


def test_checksums_are_those_that_torchaudio_has():
    published = {**librispeech._CHECKSUMS, **speechcommands._CHECKSUMS}
    known = [*LIBRISPEECH.values(), SPEECH_COMMANDS]
    checked = [one for one in known if one.url in published]
    assert len(checked) == 8
    for one in checked:
        assert one.checksum == f"sha256:{published[one.url]}"
    others = {one.folder for one in (*known, SPEECH_COMMANDS_TEST)} - {o.folder for o in checked}
    assert others == {
        "LibriSpeech/train-clean-5",
        "LibriSpeech/dev-clean-2",
        "speech_commands_test_set_v0.02",
    }


def test_download_fills_what_is_missing(open_set, librispeech, monkeypatch):
    from tasks.speech_recognition.sets import librispeech as module

    root = librispeech("train-clean-100", "dev-clean")
    asked = []

    def fetched(name, archive, at):
        asked.append((name, archive.folder))
        librispeech("unused", "unused", "test-clean")

    monkeypatch.setattr(module, "fetch", fetched)
    task = open_set("task=speech_transcription", "data=librispeech", "task.sample_rate=16000",
                    f"data.path={root}", "data.download=true")  # fmt: skip
    assert task.card().sizes["test"] == 6
    assert ("librispeech", "LibriSpeech/test-clean") in asked
