import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from suite import OnError
from tasks.speech_recognition.audiofolder import AudioFolder


def tone(seconds: float = 0.3, rate: int = 8000, hertz: float = 440.0) -> np.ndarray:
    time = np.arange(int(seconds * rate)) / rate
    return (np.sin(2 * np.pi * hertz * time) * 12_000).astype(np.int16)


@pytest.fixture
def recordings(tmp_path: Path) -> Callable[..., Path]:
    """Write a folder of tones, `count` for each text, with metadata.csv."""

    def write(
        texts: Sequence[str] = ("yes", "no"),
        *,
        count: int = 12,
        split: str = "",
        suffix: str = ".wav",
        column: str = "label",
        rate: int = 8000,
        seconds: float = 0.3,
        speakers: int = 0,
    ) -> Path:
        folder = tmp_path / "audio" / split
        folder.mkdir(parents=True)
        rows = []
        for text in texts:
            for number in range(count):
                name = f"{text.replace(' ', '_') or 'none'}{number:02}{suffix}"
                sound = tone(seconds, rate, 300.0 + 10 * number + 100 * len(rows))
                soundfile.write(folder / name, sound, rate)
                row = {"file_name": name, column: text}
                if speakers:
                    row["speaker"] = f"s{number % speakers}"
                rows.append(row)
        with (folder / "metadata.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return tmp_path / "audio"

    return write


@pytest.fixture
def source() -> Callable[..., AudioFolder]:
    def make(path: Path, **options: object) -> AudioFolder:
        values = {
            "path": str(path),
            "name": None,
            "text_column": "label",
            "group_column": "speaker",
            "validation": 0.1,
            "test": 0.2,
            "on_error": OnError.stop,
            "stream": "auto",
            "memory_gib": 4.0,
            "max_seconds": 3600.0,
        }
        return AudioFolder(**{**values, **options})

    return make
