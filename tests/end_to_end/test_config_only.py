"""A data set of one's own in a YAML of at most twelve lines: listed, trained, opened again."""

import csv
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
import yaml
from PIL import Image

from suite.compose import recompose
from suite.record import read_records

FOLDER = Path(__file__).parents[2] / "examples" / "config_only"
FILES = sorted((FOLDER / "data").glob("*.yaml"))
OWN = f"--config-dir={FOLDER}"
SHORT = ["backbone=mlp", "backbone.width=8", "trainer=smoke", "trainer.steps=2", "tracking=none"]
TASKS = {
    "flowers": "image_recognition",
    "scans": "image_recognition",
    "reviews": "text_classification",
    "commands": "speech_recognition",
}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """What the YAML files describe, small, in the folder where commands are given."""
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        for kind in ("daisy", "tulip"):
            folder = tmp_path / "flowers" / split / kind
            folder.mkdir(parents=True)
            for i in range(20):
                _picture(rng).save(folder / f"{i}.png")
        _scans(tmp_path / "scans" / f"{split}-00000-of-00001.parquet", rng)
        rows = [(f"what a {w} film number {i}", w) for i in range(12) for w in ("good", "bad")]
        _table(tmp_path / "reviews" / f"{split}.csv", [("review", "verdict"), *rows])
    spoken = [(f"{i}{w}.wav", w, f"speaker {i}") for i in range(10) for w in ("on", "off")]
    _table(tmp_path / "commands" / "metadata.csv", [("file_name", "label", "speaker"), *spoken])
    for file, _, _ in spoken:
        soundfile.write(tmp_path / "commands" / file, rng.standard_normal(4000) * 0.1, 8000)
    return tmp_path


def _picture(rng: np.random.Generator) -> Image.Image:
    return Image.fromarray(rng.integers(0, 255, (40, 36, 3), dtype=np.uint8))


def _scans(path: Path, rng: np.random.Generator) -> None:
    images = []
    for _ in range(24):
        buffer = io.BytesIO()
        _picture(rng).convert("L").save(buffer, "PNG")
        images.append({"bytes": buffer.getvalue(), "path": None})
    path.parent.mkdir(exist_ok=True)
    pq.write_table(pa.table({"image": images, "label": [i % 2 for i in range(24)]}), path)


def _table(path: Path, rows: list[tuple[str, ...]]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_data_set_is_twelve_lines_without_python(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 12
    assert {"licence", "source"} <= set(yaml.safe_load(path.read_text()))
    assert not [one for one in FOLDER.rglob("*") if one.suffix not in ("", ".yaml", ".md")]


def test_every_form_is_among_them() -> None:
    forms = {yaml.safe_load(path.read_text())["defaults"][0] for path in FILES}
    assert forms == {"imagefolder", "image_parquet", "text_files", "audiofolder", "hub_images"}


@pytest.mark.parametrize("name", TASKS)
def test_it_trains_and_is_known_by_its_name(name: str, inside, files: Path) -> None:  # type: ignore[no-untyped-def]
    said = inside(OWN, f"task={TASKS[name]}", f"data={name}", *SHORT)
    assert said.code == 0, said
    (record,) = read_records(files / "results")
    told = yaml.safe_load((FOLDER / "data" / f"{name}.yaml").read_text())
    assert (record.status, record.data) == ("finished", name)
    assert record.data_card["licence"] == told["licence"]
    assert record.data_card["source"] == told["source"]
    # What is kept of it is enough to build it again, without the folder.
    (kept,) = (files / "results" / "runs").glob("*/config.yaml")
    again = recompose(yaml.safe_load(kept.read_text()))
    assert again.hash() == record.config_hash
    assert type(again.data).__name__.endswith("Config")


def test_what_is_known_of_it_counts(inside, files: Path) -> None:  # type: ignore[no-untyped-def]
    assert inside(OWN, "experiment=garden", *SHORT).code == 0
    (record,) = read_records(files / "results")
    assert record.target["threshold"] == 0.9
    assert [one["name"] for one in record.references] == ["a ResNet"]


def test_a_sweep_and_the_other_commands_know_it(inside, files: Path) -> None:  # type: ignore[no-untyped-def]
    assert inside("-m", OWN, "data=flowers,scans", "seed=0", *SHORT).code == 0
    assert {record.data for record in read_records(files / "results")} == {"flowers", "scans"}
    listed = inside("list", "data", OWN).out
    for path in FILES:
        (line,) = [row for row in listed.splitlines() if row.split()[:1] == [path.stem]]
        assert path.read_text().splitlines()[0].lstrip("# ") in line
        assert "yours" in line
    assert "a ResNet" in inside("references", "flowers", OWN).out
    assert "image_recognition · flowers · mlp" in inside("model", OWN, "data=flowers", *SHORT).out


def test_a_hub_id_that_is_not_in_the_cache_is_refused_in_a_line(inside) -> None:  # type: ignore[no-untyped-def]
    said = inside(OWN, "data=beans", *SHORT)
    assert said.code == 2
    assert "data.id=AI-Lab-Makerere/beans: is not in the local cache of the hub" in said.error
    assert "set data.download=true" in said.error


def test_a_wrong_key_names_file_and_fix(light, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.yaml").write_text("defaults: [imagefolder]\npath: x\nsise: 3\n")
    light("--config-dir=.", "data=a").refused("data/a.yaml: data.sise: no such key", "'data.size'")
