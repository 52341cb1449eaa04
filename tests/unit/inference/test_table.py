import io

from rich.console import Console

from suite.inference.record import BenchRecord
from suite.inference.table import show


def shown(record: BenchRecord, width: int = 120) -> list[str]:
    text = io.StringIO()
    show(record, Console(file=text, width=width, force_terminal=True, color_system=None))
    return text.getvalue().splitlines()


def test_a_row_has_all_that_was_measured(record: BenchRecord) -> None:
    lines = shown(record)
    assert "text_classification · names · lstm · 1,234 parameters" in lines[0]
    (row,) = [line for line in lines if line.split()[:3] == ["compiled", "1", "1"]]
    assert row.split() == [
        "compiled", "1", "1", "1.00", "3.00", "4.00", "400", "1,600", "25.0%", "1.00", "1e-07",
    ]  # fmt: skip


def test_failures_and_wrong_outputs_are_told(record: BenchRecord) -> None:
    lines = shown(record)
    assert sum(line.split()[:1] == ["onnx"] and "failed" in line for line in lines) == 3
    assert "onnx failed: onnx not [installed]" in lines
    (at,) = [i for i, line in enumerate(lines) if line.split()[:3] == ["compiled", "1", "8"]]
    assert lines[at].split()[-1] == "5e-01"
    assert lines[at + 1].split() == ["wrong"]
    assert any(line.startswith("wrong: the output differs from eager's") for line in lines)


def test_images_are_counted_once(record: BenchRecord) -> None:
    record.unit = "image"
    assert not any("1,600" in line for line in shown(record))


def test_a_busy_machine_is_told(record: BenchRecord) -> None:
    assert not any("busy" in line for line in shown(record))
    record.load = 1.5
    assert any(line.startswith("a busy machine (load 1.5") for line in shown(record))


def test_fits_a_narrow_terminal(record: BenchRecord) -> None:
    rows = [line.split() for line in shown(record, 80)]
    wide = [line.split() for line in shown(record)]
    assert [row for row in rows if row[:1] == ["compiled"]] == [
        row for row in wide if row[:1] == ["compiled"]
    ]
