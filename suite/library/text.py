"""Text encoders: BERT and its kin, and the encoders of T5, BART and the like.

Legend: B batch, T positions, D features.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoTokenizer, PreTrainedConfig, PreTrainedModel

from suite.errors import ConfigError, one_line
from suite.features import Form, Intake, Sequence, SequenceSpec, Spec, Tokens
from suite.library.reading import Reading
from suite.library.source import Source

_OFFSET_POSITIONS = (
    "roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "mpnet", "roberta-prelayernorm",
    "data2vec-text", "longformer", "ibert",
)  # fmt: skip
"""Models that number positions from the padding token's number + 1 on."""
_FULL_ATTENTION = ("bert", "roberta", "xlm-roberta", "camembert", "distilbert", "electra")
"""Models whose every layer attends to all positions, and that take the mask in its final shape."""
_TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "spiece.model", "vocab.json",
                    "sentencepiece.bpe.model")  # fmt: skip


class Text(Reading):
    """Reads tokens of the model's own tokenizer; or features, in place of their embeddings."""

    @classmethod
    def intake(cls, source: Source) -> Intake:
        width = source.config.hidden_size
        if source.folder is None or not _has_tokenizer(source.folder):
            return Intake(forms=(Form.SEQUENCE,), width=width)
        return Intake(
            forms=(Form.TOKENS, Form.SEQUENCE),
            width=width,
            tokenizer=lambda: OwnTokenizer(source),
        )

    def __init__(self, source: Source, config: PreTrainedConfig, spec: Spec) -> None:
        super().__init__(source, config, spec)
        self.limit = position_limit(config)
        self.padding = config.pad_token_id or 0
        self.final_mask = config.model_type in _FULL_ATTENTION
        self.entry: nn.Module | None = None
        if isinstance(spec, SequenceSpec):
            self._require_room(spec.length or 0)
            same = spec.features == config.hidden_size
            self.entry = nn.Identity() if same else nn.Linear(spec.features, config.hidden_size)

    def adapt(self, model: PreTrainedModel) -> PreTrainedModel:
        if model.config.is_encoder_decoder:
            model = model.get_encoder()
        if self.entry is not None:
            # The table of embeddings is not read: its parameters would only weigh.
            model.set_input_embeddings(nn.Identity())
        return model

    def forward(self, inputs: Tokens | Sequence) -> tuple[dict[str, Any], Tensor | None]:
        if isinstance(inputs, Tokens):
            ids_BT = torch.where(inputs.mask_BT, inputs.ids_BT, self.padding)
            return {"input_ids": ids_BT, **self._attention(inputs.mask_BT)}, inputs.mask_BT
        assert self.entry is not None
        self._require_room(inputs.values_BTD.shape[1])
        embedded = {"inputs_embeds": self.entry(inputs.values_BTD)}
        return {**embedded, **self._attention(inputs.mask_BT)}, inputs.mask_BT

    def _attention(self, mask_BT: Tensor | None) -> dict[str, Tensor]:
        if mask_BT is None:
            return {}
        # In its final shape the library takes it as it is; else it looks whether all of it is True,
        # and that waits for the device.
        return {"attention_mask": mask_BT[:, None, None, :] if self.final_mask else mask_BT}

    def _require_room(self, positions: int) -> None:
        if self.limit is not None and positions > self.limit:
            raise ConfigError(
                f"backbone: the model holds {self.limit} positions, an input has {positions}; "
                "raise backbone.options.max_position_embeddings, or make inputs shorter"
            )


class OwnTokenizer:
    """The tokenizer that a pretrained model was trained with."""

    def __init__(self, source: Source) -> None:
        folder = source.folder
        try:
            self.fast = AutoTokenizer.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False, use_fast=True
            )
        except Exception as error:  # the library wraps whatever its readers raise
            reason = one_line(str(error))[:200]
            raise ConfigError(
                f"backbone.model={folder}: its tokenizer cannot be read ({reason}); "
                "put its tokenizer.json there"
            ) from error
        limits = [self.fast.model_max_length, position_limit(source.config)]
        self.limit = min(limit for limit in limits if limit is not None)

    def encode(self, texts: list[str], most: int) -> list[list[int]]:
        """Return the numbers of each text, with special tokens, `most` at most."""
        longest = min(most, self.limit)
        cut = self.fast(list(texts), truncation=True, max_length=longest, verbose=False)
        rows: list[list[int]] = cut["input_ids"]
        return rows

    def decode(self, ids: list[int]) -> list[str]:
        return list(self.fast.convert_ids_to_tokens(ids))


def position_limit(config: PreTrainedConfig) -> int | None:
    """Return how many positions the model has embeddings for; None where it has no limit."""
    limit: int | None = getattr(config, "max_position_embeddings", None)
    if limit is not None and config.model_type in _OFFSET_POSITIONS:
        limit -= (config.pad_token_id or 0) + 1
    return limit


def _has_tokenizer(folder: Path) -> bool:
    return any((folder / name).is_file() for name in _TOKENIZER_FILES)
