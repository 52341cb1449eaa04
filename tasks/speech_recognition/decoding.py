"""From what a model puts out to words: greedily, or by beam search with weights that suit it.

Legend: B batch, T positions, K classes, N recordings.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from suite import ConfigError, atomic_path
from suite import Sequence as PositionSequence
from tasks.speech_recognition.config import SpeechTranscriptionConfig
from tasks.speech_recognition.error_rate import characters, distance, words
from tasks.speech_recognition.kneser_ney import estimate, write_arpa
from tasks.speech_recognition.symbols import BLANK, Symbols

if TYPE_CHECKING:
    from tasks.speech_recognition.beam import Beam, Weights

TRAIN = "train"
"""`task.language_model=train`: one estimated on the training transcripts."""
LANGUAGE_MODEL_WEIGHTS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
WORD_SCORES = (-2.0, -1.0, 0.0, 1.0, 2.0)
"""What is tried on the validation split, each with each."""


def greedy(logits: PositionSequence, symbols: Symbols) -> list[str]:
    """Return the likeliest class of each position with repeats merged and blanks dropped."""
    best_BT = logits.values_BTD.argmax(-1)
    texts = []
    for row_T, length in zip(best_BT.cpu(), logits.lengths_B().tolist(), strict=True):
        merged: Tensor = row_T[:length].unique_consecutive()
        texts.append(symbols.decode(k for k in merged.tolist() if k != BLANK))
    return texts


def log_probabilities(logits: PositionSequence) -> list[Tensor]:
    """Return what beam search reads, (T, K) on the host for each recording, without padding."""
    log_probability_BTK = logits.values_BTD.float().log_softmax(-1).cpu()
    lengths = logits.lengths_B().tolist()
    return [row[:length] for row, length in zip(log_probability_BTK, lengths, strict=True)]


def build_beam(
    config: SpeechTranscriptionConfig, symbols: Symbols, texts: Sequence[str], cache: Path
) -> "Beam":
    """Return the beam search of these options; `texts` are the training transcripts."""
    from tasks.speech_recognition.beam import Beam

    lexicon = sorted({word for text in texts for word in text.split()})
    if config.lexicon is not None:
        lexicon = _read_lexicon(Path(config.lexicon).expanduser(), config.lowercase)
    path = None
    if config.language_model == TRAIN:
        sentences = [text.split() for text in texts]
        path = _trained(sentences, config.language_model_order, lexicon, cache)
    elif config.language_model is not None:
        path = Path(config.language_model).expanduser()
    return Beam(symbols, lexicon, path, size=config.beam_size)


def choose_weights(
    config: SpeechTranscriptionConfig,
    beam: "Beam",
    heard: Sequence[Tensor],
    said: Sequence[str],
) -> tuple["Weights", float]:
    """Return the weights with the lowest word error rate on these recordings, and this rate.

    heard: log probabilities, (T, K) each. said: transcripts. Where rates are equal, the character
    error rate decides, and then the order in which they are tried. What the options give is kept.
    """
    from tasks.speech_recognition.beam import Weights

    given = config.language_model_weight, config.word_score
    models = LANGUAGE_MODEL_WEIGHTS if given[0] is None else (given[0],)
    if config.language_model is None:
        models = (0.0,)
    scores = WORD_SCORES if given[1] is None else (given[1],)
    spoken = max(sum(len(words(text)) for text in said), 1)
    best: tuple[tuple[int, int], Weights] | None = None
    for model in models:
        for score in scores:
            weights = Weights(model, score)
            pairs = [
                (one, beam.decode(log_probability_TK, weights))
                for one, log_probability_TK in zip(said, heard, strict=True)
            ]
            wrong = (
                sum(distance(words(one), words(other)) for one, other in pairs),
                sum(distance(characters(one), characters(other)) for one, other in pairs),
            )
            if best is None or wrong < best[0]:
                best = wrong, weights
    assert best is not None
    return best[1], best[0][0] / spoken


def _read_lexicon(path: Path, lowercase: bool) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigError(f"task.lexicon={path}: cannot be read ({reason})") from error
    # The first word of a line: what follows in a pronunciation dictionary is not asked for.
    found = {line.split()[0] for line in lines if line.strip()}
    if not found:
        raise ConfigError(f"task.lexicon={path}: has no words; give one a line")
    return sorted({word.lower() for word in found} if lowercase else found)


def _trained(
    sentences: Sequence[Sequence[str]], order: int, vocabulary: Sequence[str], cache: Path
) -> Path:
    """Return the ARPA file of a language model of these sentences, made where it is missing."""
    content = "\n".join([str(order), *vocabulary, "", *(" ".join(words) for words in sentences)])
    name = hashlib.sha256(content.encode()).hexdigest()[:16]
    path = cache / "language_models" / f"{name}.arpa"
    if not path.exists():
        with atomic_path(path) as temporary:
            write_arpa(estimate(sentences, order, vocabulary), temporary)
    return path
