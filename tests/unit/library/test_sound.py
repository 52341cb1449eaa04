"""Encoders of sound hear each recording as their library would hear it alone."""

import numpy as np
import pytest
import torch

from suite.config import TransformersConfig
from suite.errors import ConfigError
from suite.features import BackboneBuilder, Form, Wave, WaveSpec
from suite.library.transformers import Transformers
from suite.run import _options

WAVES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
         "intermediate_size": 32, "conv_dim": [8, 8, 8], "conv_kernel": [10, 3, 2],
         "conv_stride": [5, 2, 2], "num_conv_pos_embeddings": 8,
         "num_conv_pos_embedding_groups": 2}  # fmt: skip
STABLE = {**WAVES, "feat_extract_norm": "layer", "do_stable_layer_norm": True}
WHISPER = {"d_model": 16, "encoder_layers": 2, "encoder_attention_heads": 2, "encoder_ffn_dim": 32,
           "decoder_layers": 1, "decoder_ffn_dim": 16, "decoder_attention_heads": 2,
           "max_source_positions": 20, "num_mel_bins": 16, "vocab_size": 60, "pad_token_id": 0,
           "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1}  # fmt: skip
AST = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "max_length": 60,
       "intermediate_size": 32, "num_mel_bins": 16, "patch_size": 8, "frequency_stride": 8,
       "time_stride": 8}  # fmt: skip
MODELS = {
    "wav2vec2": ("wav2vec2", WAVES), "wav2vec2-stable": ("wav2vec2", STABLE),
    "hubert": ("hubert", WAVES), "wavlm": ("wavlm", WAVES), "unispeech": ("unispeech", WAVES),
    "unispeech-sat": ("unispeech-sat", WAVES), "whisper": ("whisper", WHISPER), "ast": ("ast", AST),
}  # fmt: skip
LENGTHS = torch.tensor([5_000, 1_700, 900, 30])


def builder(name=None, model=None, **given):
    architecture, options = MODELS[name] if name else (None, {})
    config = TransformersConfig(
        architecture=architecture,
        model=model,
        options={**options, **given.pop("options", {})},
        **given,
    )
    return BackboneBuilder(Transformers, _options(config), name or "folder")


def build(name, **given):
    torch.manual_seed(0)
    return builder(name, **given)(WaveSpec(sample_rate=16_000))


def waves(more=0):
    generator = torch.Generator().manual_seed(3)
    values_BS = torch.zeros(4, int(LENGTHS.max()) + more)
    for b, length in enumerate(LENGTHS.tolist()):
        values_BS[b, :length] = 0.1 * torch.randn(length, generator=generator)
    return Wave(values_BS, LENGTHS)


@pytest.mark.parametrize("name", MODELS)
def test_padding_changes_nothing(name):
    model = build(name).eval()
    together, padded = model(waves()), model(waves(2_345))
    for b, length in enumerate(LENGTHS.tolist()):
        alone = model(Wave(waves().values_BS[b : b + 1, :length], LENGTHS[b : b + 1]))
        count = int(alone.lengths_B())
        for other in (together, padded):
            assert int(other.lengths_B()[b]) == count
            torch.testing.assert_close(
                other.values_BTD[b, :count], alone.values_BTD[0, :count], rtol=1e-4, atol=1e-4
            )


@pytest.mark.parametrize("name", MODELS)
def test_gradient_reaches_every_parameter(name):
    options = {"layerdrop": 0.0} if "layers" not in MODELS[name][1] and name not in (
        "whisper", "ast") else {}  # fmt: skip
    model = build(name, options=options)
    output = model.train()(waves())
    values = output.values_BTD if output.mask_BT is None else output.values_BTD[output.mask_BT]
    values.square().sum().backward()
    without = {n for n, p in model.named_parameters() if p.grad is None and p.requires_grad}
    assert without == set()
    assert len(model.hidden_layers()) == 2


@pytest.mark.parametrize("name", ["wav2vec2", "hubert", "whisper"])
def test_positions_are_counted_before_there_is_any_output(name):
    model = build(name).eval()
    output = model(waves())
    assert [model.positions(n) for n in LENGTHS.tolist()] == output.lengths_B().tolist()
    assert builder(name).choose(Form.WAVE, positions=True) is Form.WAVE


def test_training_draws_from_torch_alone():
    model = build("wav2vec2", options={"mask_time_prob": 0.5, "mask_time_length": 4}).train()
    outputs = []
    for seed in (1, 2):
        np.random.seed(seed)
        torch.manual_seed(0)
        outputs.append(model(waves()).values_BTD)
    assert torch.equal(*outputs)


def test_spectrogram_transformer_has_no_positions_in_time():
    assert build("ast").eval()(waves()).values_BTD.shape == (4, 2, 16)
    with pytest.raises(ConfigError, match="backbone=ast: returns one vector"):
        builder("ast").choose(Form.WAVE, positions=True)
    with pytest.raises(
        ConfigError, match=r"backbone=ast: takes wave, but .* can be grid, sequence"
    ):
        builder("ast").choose(Form.GRID, Form.SEQUENCE)


def test_whisper_hears_so_much_and_no_more():
    model = build("whisper").eval()
    assert model.longest == 20 * 320
    long = Wave(0.1 * torch.randn(1, 9_000), torch.tensor([9_000]))
    cut = Wave(long.values_BS[:, : model.longest], torch.tensor([model.longest]))
    assert torch.equal(model(long).values_BTD, model(cut).values_BTD)
    assert model.positions(9_000) == 20


@pytest.mark.parametrize("name", ["wav2vec2", "wav2vec2-stable", "whisper", "ast"])
def test_pretrained_folder_gives_what_its_library_gives(name, tmp_path):
    from transformers import (
        ASTFeatureExtractor,
        AutoConfig,
        AutoModel,
        Wav2Vec2FeatureExtractor,
        WhisperFeatureExtractor,
    )

    architecture, options = MODELS[name]
    architecture = {"ast": "audio-spectrogram-transformer"}.get(architecture, architecture)
    torch.manual_seed(1)
    theirs = AutoModel.from_config(AutoConfig.for_model(architecture, **options)).eval()
    theirs.save_pretrained(tmp_path)
    extractor = {
        "whisper": WhisperFeatureExtractor(feature_size=16, chunk_length=1),
        "ast": ASTFeatureExtractor(num_mel_bins=16, max_length=60, mean=-3.0, std=2.0),
    }.get(name, Wav2Vec2FeatureExtractor(return_attention_mask=False))
    extractor.save_pretrained(tmp_path)
    ours = builder(model=str(tmp_path))(WaveSpec(sample_rate=16_000)).eval()
    output = ours(waves())
    for b, length in enumerate(LENGTHS.tolist()[:3]):
        wave = waves().values_BS[b, :length].numpy()
        if name == "whisper":  # the extractor pads to whole seconds, this encoder to 0.4 s
            wave = np.pad(wave, (0, 6_400 - length))
            extractor.n_samples = 6_400
        inputs = extractor(wave, sampling_rate=16_000, return_tensors="pt")
        encoder = theirs.get_encoder() if name == "whisper" else theirs
        with torch.no_grad():
            expected = encoder(**inputs).last_hidden_state[0]
        count = 2 if name == "ast" else int(output.lengths_B()[b])
        torch.testing.assert_close(
            output.values_BTD[b, :count], expected[:count], rtol=1e-3, atol=1e-3
        )
