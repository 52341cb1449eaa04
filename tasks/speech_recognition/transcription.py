"""Speech recognition as transcription: characters or pieces of words through CTC.

Legend: B batch, S samples, T positions, K classes, L symbols of a transcript.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, cast

import torch
from torch import Tensor, nn

from suite import (
    Backbone,
    BackboneBuilder,
    Batch,
    DataError,
    DataSet,
    DataSetTask,
    DeepModel,
    Direction,
    Examples,
    Figure,
    Form,
    FrameHead,
    Interval,
    Loss,
    Mistake,
    Ragged,
    Sieve,
    Split,
    StreamedExamples,
    Target,
    bootstrap_ratio,
    shown_wave,
)
from suite import Sequence as PositionSequence
from tasks.speech_recognition.config import Decoder, SpeechConfig, Unit
from tasks.speech_recognition.decoding import (
    build_beam,
    choose_weights,
    greedy,
    log_probabilities,
)
from tasks.speech_recognition.error_rate import characters, words
from tasks.speech_recognition.examples import Columns, examples
from tasks.speech_recognition.positions import divide
from tasks.speech_recognition.properties import properties
from tasks.speech_recognition.recordings import Recordings, SpeechSet
from tasks.speech_recognition.spectrogram import frame_samples
from tasks.speech_recognition.stem import SpeechStem, WaveStem
from tasks.speech_recognition.subset import part_of_transcribed
from tasks.speech_recognition.symbols import Characters, Pieces, Symbols
from tasks.speech_recognition.transcripts import Transcripts

if TYPE_CHECKING:
    from torchmetrics import MetricCollection

    from tasks.speech_recognition.beam import Beam, Weights
    from tasks.speech_recognition.error_metric import ErrorRate

_CUTS = {"character_error_rate": characters, "word_error_rate": words}
_CALIBRATION_RECORDINGS = 200
"""Recordings of the validation split, at most, that a beam search's weights are chosen on."""
_MISTAKES = 12
"""Recordings that are kept with a run."""
_TARGET = 0.05
"""Validation character error rate to race to on a data set that nothing is known of."""


class SpeechTranscription(DataSetTask):
    """What is said; ranked by character error rate."""

    name: ClassVar[str] = "speech_transcription"
    unit: ClassVar[str] = "second"
    primary: ClassVar[str] = "character_error_rate"
    weights: "Weights | None" = None
    """Those of the beam search, once they are chosen: from then on it decodes too."""

    backbone_rate: int | None = None
    """Samples per second that a backbone takes which hears waves itself."""

    @property
    def heard(self) -> SpeechConfig:
        """The task's options at the sample rate that recordings are heard at."""
        rate = self.backbone_rate or self.config.sample_rate
        heard: SpeechConfig = replace(self.config, sample_rate=rate)
        return heard

    @cached_property
    def recordings(self) -> SpeechSet:
        """The recordings; read or made on first use."""
        speech: SpeechSet = self.setup.data.load(
            self.setup.cache,
            sample_rate=self.heard.sample_rate,
            shortest=frame_samples(self.heard),
        )
        part = part_of_transcribed(speech, self.setup)
        speech = part.below(self.config.bandwidth, self.heard.sample_rate)
        if not self.config.lowercase:
            return speech
        folded = {
            split: replace(recordings, texts=[text.lower() for text in recordings.texts])
            for split, recordings in speech.splits.items()
        }
        return SpeechSet(folded, speech.card)

    @cached_property
    def symbols(self) -> Symbols:
        """What transcripts are written in, found on the training transcripts."""
        texts = self.recordings.splits[Split.TRAIN].texts
        if self.config.unit is Unit.bpe:
            return Pieces(texts, self.config.vocabulary)
        return Characters(texts)

    @cached_property
    def beam(self) -> "Beam":
        """The beam search of `task.decoder=beam`."""
        texts = self.recordings.splits[Split.TRAIN].texts
        return build_beam(self.config, self.symbols, texts, self.setup.cache)

    @cached_property
    def transcripts(self) -> list[str]:
        """All transcripts of all splits, by the item's number."""
        splits = self.recordings.splits
        return [text for split in Split for text in splits[split].texts]

    @cached_property
    def names(self) -> list[str]:
        """Names of all recordings of all splits, by the item's number."""
        splits = self.recordings.splits
        return [name for split in Split for name in splits[split].names]

    @cached_property
    def data(self) -> DataSet:  # type: ignore[override]
        """The splits as waves and symbols, on the device."""
        splits = {}
        first = 0
        for split in Split:
            recordings = self.recordings.splits[split]
            splits[split] = self._examples(recordings, first)
            first += len(recordings)
        return DataSet(splits, self.recordings.card, self.symbols.names).to(
            self.setup.device,
            workers=self.setup.workers,
            worker_timeout=self.setup.worker_timeout,
        )

    @cached_property
    def target(self) -> Target:  # type: ignore[override]
        threshold = self.config.target or self.setup.known.target or _TARGET
        return Target(
            metric="character_error_rate", threshold=threshold, direction=Direction.MINIMIZE
        )

    def build_model(self, backbone: BackboneBuilder) -> nn.Module:
        form = backbone.choose(Form.WAVE, Form.SEQUENCE, Form.GRID, positions=True)
        self._hear_at(backbone.intake.sample_rate if form is Form.WAVE else None)
        stem: WaveStem | SpeechStem
        if form is Form.WAVE:
            stem = WaveStem(self.heard)
        else:
            stem = SpeechStem(self.config, form=form, max_width_stride=1)
        hidden = backbone(stem.spec)
        self._require_positions(stem, hidden)
        head = FrameHead(hidden.features, self.symbols.classes, dropout=self.config.head_dropout)
        return DeepModel(stem, hidden, head)

    def train_batches(self, *, seed: int, skip: int = 0) -> Iterator[Batch]:
        if self.config.decoder is Decoder.beam:
            _ = self.beam  # what it needs and is not there is told now, not after the training
        return super().train_batches(seed=seed, skip=skip)

    def metrics(self) -> "MetricCollection":
        from torchmetrics import MetricCollection

        from tasks.speech_recognition.error_metric import ErrorRate

        decoders = ("", "beam_") if self.weights is not None else ("",)
        rates = {
            f"{decoder}{name}": ErrorRate(cut)
            for decoder in decoders
            for name, cut in _CUTS.items()
        }
        # Grouped, metrics that agree on the first batch would be taken for one.
        return MetricCollection(rates, compute_groups=False)  # type: ignore[arg-type]

    def evaluate(self, model: nn.Module, batch: Batch, metrics: "MetricCollection") -> Loss:
        logits = cast(PositionSequence, model(batch))
        items = batch["item_B"].tolist()
        said, names = ([texts[i] for i in items] for texts in (self.transcripts, self.names))
        heard = {"": greedy(logits, self.symbols)}
        if self.weights is not None:
            rows = log_probabilities(logits)
            heard["beam_"] = [self.beam.decode(row_TK, self.weights) for row_TK in rows]
        for decoder, texts in heard.items():
            for name in _CUTS:
                metrics[f"{decoder}{name}"].update(texts, said, names)
        return self.setup.loss(logits, batch)

    def calibrate(self, model: nn.Module) -> Mapping[str, float]:
        if self.config.decoder is not Decoder.beam:
            return {}
        heard, said = [], []
        # Evenly spread, as batches come by length.
        step = -(-self.card().sizes[Split.VALIDATION.value] // _CALIBRATION_RECORDINGS)
        seen = 0
        for batch in self.eval_batches(Split.VALIDATION):
            rows = log_probabilities(model(batch))
            for row_TK, item in zip(rows, batch["item_B"].tolist(), strict=True):
                if seen % step == 0:
                    heard.append(row_TK.clone())
                    said.append(self.transcripts[item])
                seen += 1
        self.weights, error_rate = choose_weights(self.config, self.beam, heard, said)
        return {
            "beam_word_error_rate": error_rate,
            "language_model_weight": self.weights.language_model,
            "word_score": self.weights.word,
        }

    def intervals(self, metrics: "MetricCollection") -> Mapping[str, Interval]:
        found = {}
        for name, metric in metrics.items():
            errors_N, said_N = cast("ErrorRate", metric).counts()
            found[str(name)] = bootstrap_ratio(errors_N.cpu().numpy(), said_N.cpu().numpy())
        return found

    def figures(self, metrics: "MetricCollection") -> Iterable[Figure]:
        decoders = {"greedy": "", "beam": "beam_"} if self.weights is not None else {"greedy": ""}
        rates = {
            name: [cast("ErrorRate", metrics[f"{prefix}{rate}"]) for rate in _CUTS]
            for name, prefix in decoders.items()
        }
        transcripts = Transcripts(
            f"Transcripts of {self.card().name}, test split",
            {name: word.texts for name, (_, word) in rates.items()},
            {name: float(character.compute()) for name, (character, _) in rates.items()},
        )
        return [
            Figure("transcripts", transcripts.html().encode(), ".html"),
            Figure("transcripts", transcripts.text().encode(), ".txt"),
        ]

    def groups(self, split: Split, indices: Sequence[int]) -> list[str]:
        return self.recordings.splits[split].groups(indices)

    def properties(self, split: Split, indices: Sequence[int]) -> Mapping[str, Tensor]:
        return properties(self.recordings, split, indices, self.heard.sample_rate)

    def mistakes(self, metrics: "MetricCollection") -> Iterable[Mistake]:
        """Return the recordings with the most errors by what was said."""
        rate = cast("ErrorRate", metrics[self.primary])
        wrong = rate.worst(_MISTAKES)
        recordings = self.recordings.splits[Split.TEST]
        for place, index in zip(wrong, self.evaluated(Split.TEST, wrong), strict=True):
            text = rate.texts[place]
            shown = shown_wave(recordings.waves[index], self.heard.sample_rate)
            yield Mistake(
                content=shown.content,
                suffix=shown.suffix,
                true=text.said,
                predicted=text.heard,
                name=text.name,
            )

    def _examples(self, recordings: Recordings, first: int) -> Examples | StreamedExamples:
        # A character that training never saw cannot be written; scoring still counts it as missed.
        symbols = Ragged.from_rows(
            [
                torch.tensor(self.symbols.encode(text), dtype=torch.int64)
                for text in recordings.texts
            ],
            "symbol_length_B",
        )
        columns: Columns = {
            "symbols_BL": symbols,
            "item_B": torch.arange(first, first + len(recordings)),
        }
        return examples(recordings, columns, self.heard.sample_rate)

    def _require_positions(self, stem: WaveStem | SpeechStem, backbone: Backbone) -> None:
        """Refuse, or skip, recordings with fewer positions than CTC needs for their transcript."""
        kept: dict[Split, list[int]] = {}
        sieve = Sieve(self.setup.data.on_error)
        for split, recordings in self.recordings.splits.items():
            shrink = math.exp(-self.config.speed) if split is Split.TRAIN else 1.0

            def positions(samples: int, shrink: float = shrink) -> int:
                return backbone.positions(stem.positions(samples, shrink))

            kept[split], problems = divide(
                recordings,
                self.symbols,
                positions,
                remedy=stem.remedy,
                longest=backbone.longest if isinstance(stem, WaveStem) else None,
            )
            for place, problem in problems.items():
                sieve.leave_out(split, recordings.names[place], problem)
            if not kept[split]:
                name = self.recordings.card.name
                raise DataError(f"{name}: no recording is left for {split.value}; see task.reduce")
        if sieve.skipped:
            self._forget(self.recordings.only(kept, sieve))

    def _hear_at(self, rate: int | None) -> None:
        """Take recordings at another sample rate; those read at the old one are read again."""
        if rate != self.backbone_rate:
            self.backbone_rate = rate
            self._forget(None)

    def _forget(self, speech: SpeechSet | None) -> None:
        """Go on with other recordings; what was found from the old ones is found again.

        speech: None reads them again.
        """
        for name in ("symbols", "beam", "transcripts", "names", "data", "target", "references"):
            self.__dict__.pop(name, None)
        self.__dict__.pop("recordings", None)
        if speech is not None:
            self.__dict__["recordings"] = speech
