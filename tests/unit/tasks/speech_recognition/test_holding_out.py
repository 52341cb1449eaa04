"""Who is in which split of a set that does not have all of them."""

from pathlib import Path

from suite import Split
from tasks.speech_recognition.holding_out import complete, drawn_within
from tasks.speech_recognition.listing import Clip


def clips(*speakers):
    return [
        Clip(file=Path(f"{speaker}-{word}-{take}.wav"), text=word, group=speaker)
        for speaker in speakers
        for word in ("yes", "no")
        for take in range(5)
    ]


def test_who_is_drawn_within_speakers_is_told():
    found = {Split.TRAIN: clips("anna", "ben", "cleo"), Split.TEST: clips("dora")}
    done = complete(found, validation=0.3, test=0.3)
    assert drawn_within(found, done) == ()
    # The same people are in both, so they are in validation too; the test is as it was found.
    found = {Split.TRAIN: clips("anna", "ben"), Split.TEST: clips("anna")}
    done = complete(found, validation=0.3, test=0.3)
    assert drawn_within(found, done) == (Split.VALIDATION,)
