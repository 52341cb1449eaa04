"""A small model of each backbone of `conf/`: what a check needs to see it run, and no more."""

from collections.abc import Mapping


def _options(**given: object) -> str:
    return "backbone.options={" + ",".join(f"{key}:{value}" for key, value in given.items()) + "}"


_LAYERS = {"num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
_SIZED = ("backbone.width=16", "backbone.depth=2", "backbone.heads=2", "backbone.expansion=2")

SMALL: Mapping[str, tuple[str, ...]] = {
    "mlp": ("backbone.width=64", "backbone.depth=1", "backbone.dropout=0"),
    "resnet": ("backbone.width=8", "backbone.stages=2"),
    "convnet": ("backbone.width=8", "backbone.wide=8", "backbone.stages=2"),
    "lstm": ("backbone.width=16", "backbone.depth=1"),
    "transformer": ("backbone.width=16", "backbone.depth=1", "backbone.heads=2"),
    "conformer": (
        "backbone.width=16", "backbone.depth=1", "backbone.heads=2", "backbone.kernel=3",
    ),
    "bert": (_options(hidden_size=16, **_LAYERS),),
    "vit": (_options(hidden_size=16, **_LAYERS),),
    "resnet18": (),
    "torchvision": ("backbone.model=shufflenet_v2_x0_5",),
    "transformers": (
        "backbone.architecture=distilbert",
        _options(dim=16, n_heads=2, n_layers=2, hidden_dim=32, vocab_size=2),
    ),
    "torchaudio_conformer": (*_SIZED, "backbone.kernel=3"),
    "torchaudio_wav2vec2": (*_SIZED, "backbone.convolution=16"),
    "wav2vec2": (
        _options(
            hidden_size=16, conv_dim="[16,16,16,16,16,16,16]", num_conv_pos_embeddings=8,
            num_conv_pos_embedding_groups=2, **_LAYERS,
        ),
    ),
    "whisper": (
        _options(
            d_model=16, encoder_layers=2, encoder_attention_heads=2, encoder_ffn_dim=32,
            num_mel_bins=16, decoder_attention_heads=2,
        ),
    ),
    "ast": (_options(hidden_size=16, num_mel_bins=32, **_LAYERS),),
}  # fmt: skip
"""Overrides by the backbone's name. Those that hear waves come last: recordings are read anew."""
