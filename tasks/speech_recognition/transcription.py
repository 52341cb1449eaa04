"""Speech recognition as transcription: characters through CTC, decoded greedily.

Legend: B batch, S samples, T positions, K classes, L symbols of a transcript.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, cast

import torch
from torch import Tensor, nn

from suite import (
    BackboneBuilder,
    Batch,
    DataError,
    DataSet,
    DataSetTask,
    DeepModel,
    Direction,
    Examples,
    FrameHead,
    Loss,
    OnError,
    Ragged,
    Split,
    StreamedExamples,
    Target,
)
from suite import Sequence as PositionSequence
from tasks.speech_recognition.examples import Columns, examples
from tasks.speech_recognition.recordings import Recordings, SpeechSet
from tasks.speech_recognition.spectrogram import frame_count, frame_samples
from tasks.speech_recognition.stem import SpeechStem

if TYPE_CHECKING:
    from torchmetrics import MetricCollection

_BLANK = 0
_TARGET = 0.05
"""Validation character error rate to race to on a data set that nothing is known of."""


class SpeechTranscription(DataSetTask):
    """What is said; ranked by character error rate."""

    name: ClassVar[str] = "speech_transcription"
    unit: ClassVar[str] = "second"
    primary: ClassVar[str] = "character_error_rate"

    @cached_property
    def recordings(self) -> SpeechSet:
        """The recordings; read or made on first use."""
        speech: SpeechSet = self.setup.data.load(
            self.setup.cache,
            sample_rate=self.config.sample_rate,
            shortest=frame_samples(self.config),
        )
        if not self.config.lowercase:
            return speech
        folded = {
            split: replace(recordings, texts=[text.lower() for text in recordings.texts])
            for split, recordings in speech.splits.items()
        }
        return SpeechSet(folded, speech.card)

    @cached_property
    def alphabet(self) -> tuple[str, ...]:
        """Characters of the training transcripts; class k + 1 is the k-th, class 0 the blank."""
        return tuple(sorted(set("".join(self.recordings.splits[Split.TRAIN].texts))))

    @cached_property
    def transcripts(self) -> list[str]:
        """All transcripts of all splits, by the item's number."""
        splits = self.recordings.splits
        return [text for split in Split for text in splits[split].texts]

    @cached_property
    def data(self) -> DataSet:  # type: ignore[override]
        """The splits as waves and symbols, on the device."""
        splits = {}
        first = 0
        for split in Split:
            recordings = self.recordings.splits[split]
            splits[split] = self._examples(recordings, first)
            first += len(recordings)
        return DataSet(splits, self.recordings.card, self.alphabet).to(
            self.setup.device, workers=self.setup.workers
        )

    @cached_property
    def target(self) -> Target:  # type: ignore[override]
        threshold = self.config.target or self.setup.known.target or _TARGET
        return Target(
            metric="character_error_rate", threshold=threshold, direction=Direction.MINIMIZE
        )

    def build_model(self, backbone: BackboneBuilder) -> nn.Module:
        stem = SpeechStem(self.config, form=backbone.takes, max_width_stride=1)
        hidden = backbone(stem.spec)
        self._require_positions(stem.log_mel.hop, stem.reduce * hidden.width_stride)
        head = FrameHead(hidden.features, len(self.alphabet) + 1, dropout=self.config.head_dropout)
        return DeepModel(stem, hidden, head)

    def metrics(self) -> "MetricCollection":
        from torchmetrics import MetricCollection
        from torchmetrics.text import CharErrorRate, WordErrorRate

        return MetricCollection(
            {"character_error_rate": CharErrorRate(), "word_error_rate": WordErrorRate()}
        )

    def evaluate(self, model: nn.Module, batch: Batch, metrics: "MetricCollection") -> Loss:
        logits = cast(PositionSequence, model(batch))
        spoken = [self.transcripts[item] for item in batch["item_B"].tolist()]
        metrics.update(greedy(logits, self.alphabet), spoken)
        return self.setup.loss(logits, batch)

    def _examples(self, recordings: Recordings, first: int) -> Examples | StreamedExamples:
        number = {character: k + 1 for k, character in enumerate(self.alphabet)}
        # A character that training never saw cannot be written; scoring still counts it as missed.
        symbols = Ragged.from_rows(
            [
                torch.tensor([number[c] for c in text if c in number], dtype=torch.int64)
                for text in recordings.texts
            ],
            "symbol_length_B",
        )
        columns: Columns = {
            "symbols_BL": symbols,
            "item_B": torch.arange(first, first + len(recordings)),
        }
        return examples(recordings, columns, self.config.sample_rate)

    def _require_positions(self, hop: int, stride: int) -> None:
        """Refuse, or skip, recordings with fewer positions than CTC needs for their transcript."""
        shrink = math.exp(-self.config.speed)
        kept: dict[Split, Recordings] = {}
        skipped: list[str] = []
        for split, recordings in self.recordings.splits.items():
            fitting = []
            frames_N = frame_count(recordings.waves.length_N, hop).tolist()
            for i, (frames, text) in enumerate(zip(frames_N, recordings.texts, strict=True)):
                if split is Split.TRAIN:
                    frames = math.floor(frames * shrink)
                positions, needed = -(-frames // stride), ctc_positions(text)
                if positions >= needed:
                    fitting.append(i)
                    continue
                problem = (
                    f"{recordings.names[i]}: its transcript needs {needed} positions, "
                    f"the model has {positions}; lower task.reduce or task.hop_seconds"
                )
                if self.setup.data.on_error is OnError.stop:
                    raise DataError(f"{problem}, or set data.on_error=skip")
                skipped.append(problem)
            kept[split] = recordings.only(fitting)
        if skipped:
            card = replace(
                self.recordings.card,
                skipped=[*self.recordings.card.skipped, *skipped],
                sizes={split.value: len(recordings) for split, recordings in kept.items()},
            )
            self._forget(SpeechSet(kept, card))

    def _forget(self, speech: SpeechSet) -> None:
        """Go on with other recordings; what was found from the old ones is found again."""
        for name in ("alphabet", "transcripts", "data", "target", "references"):
            self.__dict__.pop(name, None)
        self.__dict__["recordings"] = speech


def ctc_positions(text: str) -> int:
    """Return the positions CTC needs: one a symbol, and a blank between equal neighbours."""
    return len(text) + sum(a == b for a, b in itertools.pairwise(text))


def greedy(logits: PositionSequence, alphabet: Sequence[str]) -> list[str]:
    """Return the likeliest class of each position with repeats merged and blanks dropped."""
    best_BT = logits.values_BTD.argmax(-1)
    texts = []
    for row_T, length in zip(best_BT.cpu(), logits.lengths_B().tolist(), strict=True):
        merged: Tensor = row_T[:length].unique_consecutive()
        texts.append("".join(alphabet[k - 1] for k in merged.tolist() if k != _BLANK))
    return texts
