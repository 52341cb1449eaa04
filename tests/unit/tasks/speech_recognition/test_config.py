import pytest

from suite import ConfigError
from suite.compose import compose
from tasks.speech_recognition.config import SpeechTranscriptionConfig


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"channels": -1}, r"task\.channels=-1: must be 0 or above"),
        ({"channels": 8, "reduce": 3}, r"task\.reduce=3: must be 2, 4, … where task\.channels"),
        ({"channels": 8, "reduce": 1}, r"task\.reduce=1: must be 2, 4, … where task\.channels"),
        ({"vocabulary": 0}, r"task\.vocabulary=0: must be above 0"),
        ({"beam_size": 0}, r"task\.beam_size=0: must be above 0"),
        ({"language_model_order": 0}, r"task\.language_model_order=0: must be above 0"),
        ({"language_model_weight": -1.0}, r"task\.language_model_weight=-1\.0: must be 0 or above"),
    ],
    ids=str,
)
def test_wrong_value_is_named_with_its_key_and_the_rule(values, message):
    with pytest.raises(ConfigError, match=message):
        SpeechTranscriptionConfig(**values)


def test_options_of_the_beam_compose():
    task = compose(
        ["task=speech_transcription", "task.decoder=beam", "task.language_model=null",
         "task.word_score=-1.5", "task.unit=bpe"]
    ).task  # fmt: skip
    assert (task.decoder.value, task.unit.value) == ("beam", "bpe")
    assert (task.language_model, task.word_score) == (None, -1.5)
