import json
import math
from dataclasses import replace
from pathlib import Path

from suite.inference.plan import ModelForm
from suite.inference.record import BenchRecord


def test_is_written_as_json(record: BenchRecord, tmp_path: Path) -> None:
    speed = record.results[1].speed
    assert speed is not None
    record.results[1] = replace(record.results[1], speed=replace(speed, difference=math.inf))
    record.write(tmp_path / "new" / "bench.json")
    read = json.loads((tmp_path / "new" / "bench.json").read_text())
    assert read["machine"]["fingerprint"] == "abc"
    first, second, third = read["results"][:3]
    assert (first["form"], first["batch_size"], first["wrong"]) == ("eager", 1, False)
    assert (second["difference"], second["wrong"]) == (None, True)
    assert third == {
        "form": "onnx", "threads": 1, "batch_size": 1, "failure": "onnx not [installed]",
    }  # fmt: skip


def test_a_reason_is_told_once(record: BenchRecord) -> None:
    assert record.failures == {"onnx not [installed]": [ModelForm.onnx]}
