"""Beam search against all paths through all positions, written out."""

import itertools
import re

import pytest
import torch

from suite import ConfigError
from tasks.speech_recognition.kneser_ney import BEGIN, END, estimate, log_probability, write_arpa
from tasks.speech_recognition.symbols import BLANK, Characters, Pieces

pytest.importorskip("flashlight.lib.text.decoder")

from tasks.speech_recognition.beam import Beam, Weights

SENTENCES = ["ab b", "bb ab b", "b a", "ab ab", "a bb", "bab"]
WORDS = sorted({word for sentence in SENTENCES for word in sentence.split()})
SYMBOLS = {"character": Characters(SENTENCES), "bpe": Pieces(SENTENCES, 6)}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    entries = estimate([sentence.split() for sentence in SENTENCES], 2)
    path = tmp_path_factory.mktemp("model") / "x.arpa"
    write_arpa(entries, path)
    return entries, path


def _letters(symbols, numbers):
    """Write classes as letters, blank as _ and a space as itself."""
    return "".join(
        "_" if k == BLANK else " " if k == symbols.space else chr(ord("A") + k) for k in numbers
    )


def _pattern(symbols, words):
    """Match the paths that say these words, in CTC's sense: see `_endings` for how a word ends."""
    between = "[_ ]*" if symbols.space else "_*"
    whole = between
    for word in words:
        letters = _letters(symbols, symbols.encode(word))
        *firsts, last = letters
        for one, other in itertools.pairwise(letters):
            whole += f"{one}+" + ("_+" if one == other else "_*")
        if symbols.space:
            whole += f"{last}+_* "
        elif firsts[-1:] == [last]:
            whole += f"{last}+_"
        else:
            whole += f"(?:{last}(?!{last})|{last}+_)"
        whole += between
    return re.compile(whole)


def _exhaustive(symbols, entries, log_probability_TK, weights):
    """Return the score of every sequence of words that fits."""
    rows = log_probability_TK.tolist()
    paths = []
    for path in itertools.product(range(symbols.classes), repeat=len(rows)):
        score = sum(row[k] for row, k in zip(rows, path, strict=True))
        paths.append((score, _letters(symbols, path) + (" " if symbols.space else "_")))
    paths.sort(reverse=True)
    scores = {}
    for count in range(len(rows) + 1):
        for words in itertools.product(WORDS, repeat=count):
            pattern = _pattern(symbols, words)
            sound = next((s for s, path in paths if pattern.fullmatch(path)), None)
            if sound is None:
                continue
            language, history = 0.0, [BEGIN]
            for word in (*words, END):
                language += log_probability(entries, history, word)
                history.append(word)
            scores[" ".join(words)] = (
                sound + weights.language_model * language + weights.word * count
            )
    return scores


@pytest.mark.parametrize("unit", SYMBOLS)
@pytest.mark.parametrize("weights", [Weights(1.3, -0.4), Weights(0.0, 1.0)], ids=["lm", "no lm"])
def test_finds_what_scores_best_of_all(unit, weights, model):
    symbols = SYMBOLS[unit]
    entries, path = model
    beam = Beam(symbols, WORDS, path, size=2000)
    found = set()
    for trial in range(8):
        torch.manual_seed(trial)
        log_probability_TK = (torch.randn(4, symbols.classes) * 2).log_softmax(-1)
        scores = _exhaustive(symbols, entries, log_probability_TK, weights)
        heard = beam.decode(log_probability_TK, weights)
        assert scores[heard] == pytest.approx(max(scores.values()), abs=1e-3)
        found.add(heard)
    assert len(found) > 3


def _sure(symbols, path):
    """Return log probabilities that leave no doubt about a path."""
    logits = torch.zeros(len(path), symbols.classes)
    logits[torch.arange(len(path)), torch.tensor(path)] = 12.0
    return logits.log_softmax(-1)


@pytest.mark.parametrize(
    ("path", "heard"),
    [
        ([0, 2, 2, 3, 3, 3], "ab"),  # the last letter lasts to the end
        ([2, 3, 3, 1, 1, 3, 3], "ab b"),
        ([3, 3, 3, 0, 3, 3], "bb"),
        ([3, 0, 3, 0, 0, 1, 2], "bb a"),
        ([2, 3, 0, 1, 1, 0, 1, 2, 0, 0], "ab a"),
        ([0, 0, 1, 0], ""),
    ],
)
def test_what_is_certain_is_heard(path, heard):
    symbols = SYMBOLS["character"]
    beam = Beam(symbols, WORDS, None, size=50)
    assert beam.decode(_sure(symbols, path), Weights(0.0, -1.0)) == heard


def test_one_letter_held_is_not_two():
    symbols = Characters(["bee be"])
    beam = Beam(symbols, ["bee", "be"], None, size=50)
    b, e = symbols.encode("be")
    for path, heard in (([b, e, e, e], "be"), ([b, e, 0, e], "bee"), ([b, e, e, 0, e, e], "bee")):
        assert beam.decode(_sure(symbols, path), Weights(0.0, 0.0)) == heard


@pytest.mark.parametrize("favourite", ["ab", "bb"])
def test_language_model_decides_what_the_sound_leaves_open(favourite, tmp_path):
    symbols = SYMBOLS["character"]
    write_arpa(estimate([["ab"], ["bb"], [favourite]], 2), tmp_path / "x.arpa")
    beam = Beam(symbols, ["ab", "bb"], tmp_path / "x.arpa", size=50)
    log_probability_TK = _sure(symbols, [2, 0, 3])
    log_probability_TK[0] = torch.tensor([-20, -20, -0.7, -0.7])
    assert beam.decode(log_probability_TK, Weights(1.0, 0.0)) == favourite
    # Where the sound is clear enough it wins.
    log_probability_TK[0] = torch.tensor([-20, -20, -0.01, -5])
    assert beam.decode(log_probability_TK, Weights(1.0, 0.0)) == "ab"
    assert beam.decode(log_probability_TK, Weights(40.0, 0.0)) == favourite


def test_words_that_cannot_be_spelled_are_left_out():
    symbols = SYMBOLS["character"]
    beam = Beam(symbols, ["zebra", "ab"], None, size=10)
    assert beam.decode(_sure(symbols, [2, 3, 0]), Weights(0.0, 0.0)) == "ab"


def test_kenlm_writes_nothing_to_the_terminal(model, capfd):
    Beam(SYMBOLS["character"], WORDS, model[1], size=10)
    assert capfd.readouterr() == ("", "")


def test_file_that_is_no_language_model_is_refused(tmp_path, capfd):
    broken = tmp_path / "broken.arpa"
    broken.write_text("once upon a time\n")
    with pytest.raises(ConfigError, match=r"task\.language_model=.*broken\.arpa: is neither ARPA"):
        Beam(SYMBOLS["character"], WORDS, broken, size=10)
    with pytest.raises(ConfigError, match=r"task\.language_model=.*none\.arpa: no such file"):
        Beam(SYMBOLS["character"], WORDS, tmp_path / "none.arpa", size=10)


def test_language_model_in_another_case_is_refused(tmp_path):
    path = tmp_path / "upper.arpa"
    write_arpa(estimate([sentence.upper().split() for sentence in SENTENCES], 2), path)
    with pytest.raises(ConfigError, match=r"knows none of 5 words of the lexicon, such as 'a'"):
        Beam(SYMBOLS["character"], WORDS, path, size=10)
