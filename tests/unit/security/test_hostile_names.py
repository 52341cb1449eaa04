"""Names of files in lists, tables and records of others: none leads out of their folder."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from suite.errors import ConfigError, DataError
from suite.mistakes import read_mistakes
from suite.record import RunRecord, read_records

NAMES = ["../secret.wav", "/etc/passwd", "a/../../secret.wav", "link.wav", "a\0.wav", "x" * 300]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A set's folder, beside a file of the user's, with a link to it."""
    (tmp_path / "secret.wav").write_text("secret")
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "link.wav").symlink_to(tmp_path / "secret.wav")
    return folder


def _refused(clip, listed: Path, place: str, fault: str) -> None:
    """Require that a row is left to `data.on_error`, and its file is never opened."""
    assert clip.file == listed
    assert clip.key == place
    assert fault in clip.fault
    assert "\n" not in clip.fault


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_in_a_table_of_recordings(folder: Path, name: str) -> None:
    from suite import Split
    from tasks.speech_recognition.audiofolder import read_tables

    if "\0" in name:
        pytest.skip("csv has none")
    (folder / "metadata.csv").write_text(f"file_name,text\nok.wav,one\n{name},two\n")
    read = read_tables({Split.TRAIN: folder}, text_column="text", group_column="speaker")
    sound, hostile = read[Split.TRAIN]
    assert sound.file == folder / "ok.wav"
    _refused(hostile, folder / "metadata.csv", "row 2", "its file: '")


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_in_a_manifest(folder: Path, name: str) -> None:
    manifest = folder / "train.json"
    manifest.write_text(json.dumps({"audio_filepath": name, "text": "one"}) + "\n")
    (clip,) = read_manifest(manifest)
    _refused(clip, manifest, "line 1", "no name of a file" if "\0" in name else "set data.root=")


def test_a_manifest_may_name_what_lies_in_the_root_that_the_user_gives(folder: Path) -> None:
    manifest = folder / "train.json"
    rows = [folder.parent / "secret.wav", "../secret.wav", "link.wav", "mine.wav"]
    manifest.write_text(
        "\n".join(json.dumps({"audio_filepath": str(row), "text": "one"}) for row in rows)
    )
    assert len(read_manifest(manifest, root=str(folder.parent))) == 4
    first = read_manifest(manifest, root=str(folder))[0]
    _refused(first, manifest, "line 1", "lies outside of")


def read_manifest(manifest: Path, root: str | None = None):
    from suite import OnError
    from tasks.speech_recognition.sets.manifest import Manifest

    made = Manifest(
        train=str(manifest), validation=None, test=None, root=root, name=None, text_field="text",
        group_field="speaker", validation_share=0.1, test_share=0.2, on_error=OnError.stop,
        stream=False, memory_gib=1.0, max_seconds=60.0,
    )  # fmt: skip
    return made._read("data.train", manifest)


def test_in_the_lists_of_an4_and_librispeech(folder: Path) -> None:
    from tasks.speech_recognition.sets.an4 import _listed
    from tasks.speech_recognition.sets.librispeech import _subset

    (folder / "etc").mkdir()
    (folder / "etc" / "an4_train.fileids").write_text("../../secret\n")
    (folder / "etc" / "an4_train.transcription").write_text("<s> ONE </s> (secret)\n")
    (folder.parent / "secret.sph").write_text("secret")
    with pytest.raises(DataError, match=r"there is no \.sph, \.raw, \.wav or \.flac"):
        _listed(folder, "an4_train")
    (folder / "wav").mkdir()
    (folder / "wav" / "mine.sph").write_text("mine")
    (folder / "etc" / "an4_train.fileids").write_text("../../secret\nmine\n")
    (folder / "etc" / "an4_train.transcription").write_text(
        "<s> ONE </s> (secret)\n<s> ONE </s> (mine)\n"
    )
    hostile, sound = _listed(folder, "an4_train")
    assert sound.file == folder / "wav" / "mine.sph"
    _refused(hostile, folder / "etc" / "an4_train.fileids", "line 1", "lies outside")
    (folder / "1" / "2").mkdir(parents=True)
    (folder / "1" / "2" / "1-2.trans.txt").write_text("../../../secret ONE\n")
    (clip,) = _subset(folder)
    _refused(clip, folder / "1" / "2" / "1-2.trans.txt", "line 1", "is not a name")


def test_in_a_table_of_images(folder: Path) -> None:
    import datasets

    from tasks.image_recognition.data.hub import TableImages

    rows = {"image": [{"bytes": None, "path": str(folder.parent / "secret.wav")}]}
    features = datasets.Features({"image": datasets.Image(decode=False)})
    table = datasets.Dataset.from_dict(rows, features=features)
    with pytest.raises(OSError, match="lies outside of the hub's caches"):
        TableImages({"train": table}, "image").read(0)


@pytest.mark.parametrize("name", ["..", ".", "", "../up", "/tmp/x", "a/b", "a\0", "x" * 300])
def test_in_a_record(tmp_path: Path, name: str) -> None:
    run = tmp_path / "runs" / "one"
    made = RunRecord(
        run_id="one", name="x", task="t", data="d", backbone="b", optimizer="o", seed=0,
        primary="p", direction="maximize", config_hash="c", group_hash="g",
    )  # fmt: skip
    made.write(run)
    (kept,) = read_records(tmp_path)
    replace(kept, run_id=name).write(run)
    with pytest.raises(DataError, match="is no name of a run"):
        read_records(tmp_path)


def test_in_a_runs_mistakes(folder: Path) -> None:
    (folder / "mistakes").mkdir()
    secret = folder.parent / "secret.wav"
    (folder / "mistakes" / "01.wav").symlink_to(secret)
    (folder / "mistakes" / "02.txt").write_text("fine")
    listed = [{"file": name} for name in ("02.txt", "../../secret.wav")]
    (folder / "mistakes" / "mistakes.json").write_text(json.dumps(listed))
    # The name of a file in the folder, or none at all.
    assert read_mistakes(folder) == []
    (folder / "mistakes" / "mistakes.json").write_text(json.dumps([{"file": "01.wav"}]))
    assert read_mistakes(folder) == []
    (folder / "mistakes" / "mistakes.json").write_text(json.dumps(listed[:1]))
    assert [content for _, content in read_mistakes(folder)] == [b"fine"]


@pytest.mark.parametrize(
    "override",
    ["sweep.name=../up", "sweep.name=.hidden", "sweep.name=a/b", "tracking.register=../up",
     "tracking.register=..", "tracking.register=a/b", "'sweep.name=a\0b'"],
)  # fmt: skip
def test_that_a_configuration_gives(override: str) -> None:
    from suite.compose import compose

    key = override.strip("'").partition("=")[0]
    with pytest.raises(Exception, match=rf"{key}|not an override|NUL|token") as raised:
        compose([override])
    assert isinstance(raised.value, ConfigError) or "\0" in override
