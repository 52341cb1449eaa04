import io

import pytest
from PIL import Image

from suite.inference.picture import latency_throughput_png
from suite.inference.record import BenchRecord


def test_draws_every_line(record: BenchRecord) -> None:
    assert Image.open(io.BytesIO(latency_throughput_png(record))).width > 500


@pytest.mark.parametrize("kept", [1, 2])
def test_draws_what_little_there_is(record: BenchRecord, kept: int) -> None:
    record.results = record.results[:kept]
    assert latency_throughput_png(record).startswith(b"\x89PNG")
