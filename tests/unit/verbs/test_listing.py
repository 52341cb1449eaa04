import pytest

from suite.verbs import listing


def shown(capsys: pytest.CaptureFixture[str], *groups: str) -> str:
    assert listing.main(list(groups)) == 0
    return capsys.readouterr().out


def test_data_sets_stand_under_their_task_with_tier_and_needs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = shown(capsys, "data")
    titles = [line for line in text.splitlines() if line.startswith("data of")]
    assert titles == [
        f"data of task={task}"
        for task in (
            "control", "image_recognition", "speech_recognition", "speech_transcription",
            "text_classification",
        )
    ]  # fmt: skip
    speech = text.partition("data of task=speech_transcription")[2].partition("data of")[0]
    rows = [line.split()[:3] for line in speech.splitlines() if line.startswith("  ")]
    assert rows[0] == ["spoken_digits_ctc", "embedded", "-"]
    assert ["an4", "standard", "path"] in rows
    assert ["audiofolder_transcribed", "yours", "path"] in rows
    assert ["manifest", "yours", "train"] in rows
    # What comes with the suite first, one's own files last.
    tiers = [tier for _, tier, _ in rows]
    assert tiers == sorted(tiers, key=["embedded", "standard", "yours"].index)
    (librispeech,) = [line for line in speech.splitlines() if line.startswith("  librispeech ")]
    assert librispeech.split()[1:5] == ["standard", "path", "or", "download"]


def test_other_groups_have_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, "loss").splitlines()
    assert lines[1] == "loss"
    assert [line.split()[0] for line in lines[2:]] == ["cross_entropy", "ctc", "dqn", "mse", "ppo"]
