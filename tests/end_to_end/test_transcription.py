"""A transcription with beam search, from the command to what the dashboard shows."""

import json

import pytest

RUN = [
    "task=speech_transcription", "data.voices=12", "data.per_voice=6", "backbone=mlp",
    "backbone.width=16", "trainer.steps=2", "task.decoder=beam", "hardware=cpu_single",
]  # fmt: skip


def test_transcripts_and_both_decoders_are_in_the_dashboard(inside, tmp_path):
    pytest.importorskip("flashlight.lib.text.decoder")
    said = inside(*RUN)
    assert (said.code, said.error) == (0, ""), said
    (folder,) = (tmp_path / "results" / "runs").iterdir()
    metrics = json.loads((folder / "record.json").read_text())["metrics"]
    for decoder in ("", "beam_"):
        for unit in ("word", "character"):
            assert 0 <= metrics[f"test/{decoder}{unit}_error_rate"]
    assert 0 <= metrics["validation/language_model_weight"] <= 3
    assert "validation/beam_word_error_rate" in metrics
    page = (folder / "figures" / "transcripts.html").read_text()
    assert "spoken_digits_ctc utterance" in page
    from suite.tracking.store import connect, default_uri

    client = connect(tmp_path / "results", default_uri(tmp_path / "results"))
    experiment = client.get_experiment_by_name("speech_transcription")
    (run,) = client.search_runs([experiment.experiment_id])
    kept = {file.path for file in client.list_artifacts(run.info.run_id, "figures")}
    assert kept == {f"figures/{n}" for n in ("curves.png", "transcripts.html", "transcripts.txt")}
    assert run.data.metrics["test/beam_word_error_rate"] == pytest.approx(
        metrics["test/beam_word_error_rate"]
    )
