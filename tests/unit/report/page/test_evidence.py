import base64
import io
import json

import numpy as np
from PIL import Image

from suite.report.leaderboard import leaderboard
from suite.report.page import evidence
from suite.report.page.evidence import confusions, galleries, most_confused
from suite.report.page.shown import Contents


def _contents(records):
    return Contents(leaderboard=leaderboard(records), records=records)


def test_confusions_are_summed_over_seeds(sweep, results):
    contents = _contents(sweep)
    classes, counts = confusions(contents.of_board(0)[:1], results / "runs")
    assert classes == ["a", "b"]
    assert list(counts.values()) == [{(0, 0): 27, (0, 1): 1 + 2 + 3, (1, 1): 21}]
    (cells,) = counts.values()
    assert most_confused(cells, classes) == [("a", "b", 6, 6 / 33)]


def test_confusions_of_other_classes_or_broken_files_do_not_count(sweep, results):
    contents = _contents(sweep)
    (best, *_) = contents.of_board(0)
    first, second, third = (
        results / "runs" / run.run_id / "figures" / "confusion_matrix.json" for run in best.runs
    )
    second.write_text(json.dumps({"classes": ["c"], "true_predicted_count": [[0, 0, 5]]}))
    third.write_text(json.dumps({"classes": ["a", "b"], "true_predicted_count": [[0, 7, 5]]}))
    _, counts = confusions([best], results / "runs")
    assert list(counts.values()) == [{(0, 0): 9, (0, 1): 1, (1, 1): 7}]
    first.unlink()
    assert confusions([best], results / "nothing") == ((), {})


def test_galleries_show_pictures_texts_and_sound(sweep, results):
    found = {g.mistakes[0].kind: g for g in galleries(_contents(sweep), results / "runs")}
    assert set(found) == {"image", "text", "sound"}
    (text,) = found["text"].mistakes
    assert (text.text, text.confidence) == ("<i>süß</i>", "70% sure")
    (sound,) = found["sound"].mistakes
    assert str(sound.true) == "one <mark>two</mark>"
    assert str(sound.predicted) == "one <mark>too</mark>"
    assert sound.source.startswith("data:audio/wav;base64,")
    # A tone of 1000 Hz at 8000 samples a second lies a quarter up.
    picture = base64.b64decode(sound.spectrogram.partition(",")[2])
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("L")).astype(float)
    brightest = pixels.mean(1).argmax()
    assert abs((len(pixels) - 1 - brightest) / len(pixels) - 0.25) < 0.03
    kept = (results / "runs" / found["image"].run / "mistakes" / "01.png").read_bytes()
    (image,) = found["image"].mistakes
    assert base64.b64decode(image.source.partition(",")[2]) == kept


def test_files_that_are_not_what_they_say_are_left_out(sweep, results):
    for record in sweep:
        if record.data == "digits" and record.status == "finished":
            (results / "runs" / record.run_id / "mistakes" / "01.png").write_bytes(b"<script>")
        if record.data == "speech":
            (results / "runs" / record.run_id / "mistakes" / "01.wav").write_bytes(b"RIFF")
    kinds = {g.mistakes[0].kind for g in galleries(_contents(sweep), results / "runs")}
    assert kinds == {"text"}


def test_mistakes_share_the_room_that_there_is(sweep, results, monkeypatch):
    monkeypatch.setattr(evidence, "LARGEST", 3 * 2000)
    found = galleries(_contents(sweep), results / "runs")
    assert {g.mistakes[0].kind for g in found} == {"image", "text"}  # a recording is larger
    assert sum(one.size for g in found for one in g.mistakes) <= 6000
