import pytest
import torch

from suite.config import Positions, TransformersConfig
from suite.errors import ConfigError
from suite.features import BackboneBuilder, Form, Grid, GridSpec, length_mask
from suite.library.transformers import Transformers
from suite.run import _options

VIT = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "patch_size": 4,
       "intermediate_size": 32}  # fmt: skip
MODELS = {
    "vit": VIT,
    "deit": VIT,
    "dinov2": {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
               "patch_size": 4},
    "swin": {"embed_dim": 8, "depths": [1, 1], "num_heads": [2, 2], "window_size": 2,
             "patch_size": 2},
    "convnext": {"hidden_sizes": [8, 8, 16, 16], "depths": [1, 1, 1, 1]},
    "resnet": {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1],
               "layer_type": "basic"},
}  # fmt: skip


def builder(name=None, model=None, options=None, **given):
    chosen = options or MODELS.get(name, {})
    config = TransformersConfig(architecture=name, model=model, options=chosen, **given)
    return BackboneBuilder(Transformers, _options(config), name or "folder")


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("height", "width"), [(8, 8), (5, 14), (40, None)])
def test_grid_of_any_shape_and_channels(name, height, width):
    torch.manual_seed(0)
    model = builder(name)(GridSpec(channels=2, height=height, width=width))
    grid = Grid(torch.randn(2, 2, height, width or 30))
    if width is None:
        grid = Grid(grid.values_BCHW, length_mask(torch.tensor([30, 7]), 30))
    output = model(grid)
    assert output.values_BTD.shape[2] == model.features == 16
    output.values_BTD.square().sum().backward()
    without = {n for n, p in model.named_parameters() if p.grad is None}
    assert without <= {"model.embeddings.mask_token"}
    assert len(model.hidden_layers()) in (2, 4)


@pytest.mark.parametrize("name", ["vit", "convnext"])
def test_padding_changes_nothing(name):
    model = builder(name)(GridSpec(channels=2, height=6)).eval()
    length_B = torch.tensor([9, 4])
    mask_BW = length_mask(length_B, 12)
    values = torch.randn(2, 2, 6, 12).where(mask_BW[:, None, None], 9.0)
    together = model(Grid(values, mask_BW)).values_BTD
    alone = model(Grid(values[1:, :, :, :4])).values_BTD
    torch.testing.assert_close(together[1:], alone, rtol=1e-4, atol=1e-5)


def test_size_is_the_grids_own_in_whole_patches_or_what_is_asked_for():
    assert builder("vit")(GridSpec(channels=1, height=8, width=8)).reading.fitting.size == (8, 8)
    assert builder("vit")(GridSpec(channels=1, height=5, width=9)).reading.fitting.size == (8, 12)
    sized = builder("vit", size=20)(GridSpec(channels=1, height=5, width=9))
    assert sized.reading.fitting.size == (20, 20)
    with pytest.raises(ConfigError, match=r"backbone.size=22: must be a multiple of the patch, 4"):
        builder("vit", size=22)(GridSpec(channels=1, height=5, width=9))
    with pytest.raises(ConfigError, match=r"backbone.size=22: bert takes no images"):
        _ = builder("bert", size=22).intake
    with pytest.raises(ConfigError, match="returns one vector"):
        builder("vit").choose(Form.GRID, positions=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from transformers import ViTConfig, ViTImageProcessor, ViTModel

    folder = tmp_path_factory.mktemp("vit")
    torch.manual_seed(1)
    ViTModel(ViTConfig(**VIT, image_size=12)).save_pretrained(folder)
    ViTImageProcessor(
        size={"height": 12, "width": 12}, image_mean=[0.1, 0.2, 0.3], image_std=[0.5, 0.6, 0.7]
    ).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("positions", list(Positions))
@pytest.mark.parametrize("channels", [1, 3])
def test_pretrained_folder_gives_what_its_library_gives(folder, channels, positions):
    from transformers import AutoImageProcessor, AutoModel

    chosen = builder(model=str(folder), positions=positions)
    assert chosen.choose(Form.GRID, Form.PIXELS) is Form.PIXELS
    model = chosen(GridSpec(channels=channels, height=12, width=12, pixels=True)).eval()
    pixels = torch.randint(0, 256, (2, channels, 12, 12), dtype=torch.uint8)
    processor = AutoImageProcessor.from_pretrained(folder)
    theirs = AutoModel.from_pretrained(folder).eval()
    inputs = processor(list(pixels.expand(-1, 3, -1, -1)), return_tensors="pt")
    with torch.no_grad():
        expected = theirs(**inputs).last_hidden_state
    output = model(Grid(pixels / 255)).values_BTD
    expected = expected[:, :1] if positions is Positions.first else expected
    torch.testing.assert_close(output, expected, rtol=1e-4, atol=1e-4)


def test_pretrained_takes_other_sizes_and_grids_that_are_no_images(folder):
    small = builder(model=str(folder), size=8)(
        GridSpec(channels=3, height=10, width=10, pixels=True)
    )
    assert small(Grid(torch.rand(2, 3, 10, 10))).values_BTD.shape == (2, 1 + 4, 16)
    sound = builder(model=str(folder))(GridSpec(channels=4, height=16))
    mask = length_mask(torch.tensor([20, 9]), 20)
    assert sound(Grid(torch.randn(2, 4, 16, 20), mask)).values_BTD.shape == (2, 1 + 9, 16)
