import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import VisionTransformer, get_model

from suite.errors import ConfigError
from suite.features import BackboneBuilder, Form, Grid, GridSpec, length_mask
from suite.library.torchvision import Torchvision
from suite.library.weights import load_all_but_the_last

SMALL = GridSpec(channels=2, height=8, width=8)


def builder(model, **given):
    options = {"weights": None, "size": None, "options": {}, "trainable": "all", **given}
    return BackboneBuilder(Torchvision, {"model": model, **options}, "torchvision")


def build(model, spec=SMALL, **given):
    torch.manual_seed(0)
    return builder(model, **given)(spec)


@pytest.mark.parametrize(
    ("model", "size", "features"),
    [
        ("resnet18", (8, 8), 512),
        ("mobilenet_v3_small", (8, 8), 1024),
        ("squeezenet1_1", (32, 32), 512),
        ("googlenet", (32, 32), 1024),
        ("alexnet", (64, 64), 4096),
        ("vit_b_32", (32, 32), 768),
        ("shufflenet_v2_x0_5", (8, 8), 1024),
        ("regnet_y_400mf", (8, 8), 440),
    ],
)
def test_classifier_becomes_a_backbone(model, size, features):
    backbone = build(model)
    assert backbone.fitting.size == size
    assert backbone.features == features
    output = backbone(Grid(torch.randn(2, 2, 8, 8)))
    assert output.values_BTD.shape == (2, 1, features)
    output.values_BTD.square().sum().backward()
    assert [n for n, p in backbone.named_parameters() if p.grad is None] == []
    within = {p for layer in backbone.hidden_layers() for p in layer.parameters()}
    assert len(backbone.hidden_layers()) > 4
    outside = {n for n, p in backbone.named_parameters() if p not in within}
    assert outside <= {"model.class_token", "model.encoder.pos_embedding"}


def test_padding_changes_nothing_in_training_either():
    backbone = build("resnet18", GridSpec(channels=2, height=3))
    length_B = torch.tensor([9, 4, 2])
    values = torch.randn(3, 2, 3, 9)
    state = {k: v.clone() for k, v in backbone.state_dict().items()}
    outputs = []
    for amount in (0, 4):
        backbone.load_state_dict(state)
        padded = torch.nn.functional.pad(values, (0, amount), value=7.0)
        mask = length_mask(length_B, 9 + amount)
        padded = padded.where(mask[:, None, None], -3.0 * amount)
        outputs.append(backbone.train()(Grid(padded, mask)).values_BTD)
    torch.testing.assert_close(*outputs, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_pretrained_gives_what_torchvision_gives(tmp_path, channels):
    torch.manual_seed(1)
    theirs = get_model("resnet18", weights=None).eval()
    save_file(theirs.state_dict(), tmp_path / "weights.safetensors")
    chosen = builder("resnet18", weights=str(tmp_path / "weights.safetensors"))
    assert chosen.choose(Form.GRID, Form.PIXELS) is Form.PIXELS
    spec = GridSpec(channels=channels, height=32, width=32, pixels=True)
    pixels = torch.rand(2, channels, 32, 32)
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    deviation = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    vectors = chosen(spec).eval()(Grid(pixels)).values_BTD[:, 0]
    torch.testing.assert_close(theirs.fc(vectors), theirs((pixels - mean) / deviation))
    # Of a grid that is no image, one channel is as three that are equal.
    grid = GridSpec(channels=1, height=32, width=32)
    vectors = chosen(grid).eval()(Grid(pixels[:, :1])).values_BTD[:, 0]
    torch.testing.assert_close(
        theirs.fc(vectors), theirs(pixels[:, :1].expand(-1, 3, -1, -1)), rtol=1e-4, atol=1e-4
    )


def test_learned_positions_are_interpolated_to_another_size():
    def transformer(side):
        return VisionTransformer(
            image_size=side, patch_size=4, num_layers=1, num_heads=2, hidden_dim=8, mlp_dim=8
        )

    theirs, same, larger = transformer(8), transformer(8), transformer(16)
    load_all_but_the_last(same, theirs.state_dict(), "weights", side=8)
    load_all_but_the_last(larger, theirs.state_dict(), "weights", side=16)
    known, asked = theirs.encoder.pos_embedding, larger.encoder.pos_embedding
    assert torch.equal(same.encoder.pos_embedding, known)
    assert torch.equal(asked[:, 0], known[:, 0])
    corners = [1, 4, 13, 16]  # of 4 x 4 patches, at the places of the 2 x 2 known ones
    torch.testing.assert_close(asked[:, corners], known[:, 1:])


def refused(match, model="resnet18", spec=SMALL, **given):
    chosen = builder(model, **given)
    with pytest.raises(ConfigError, match=match) as told:
        chosen.choose(Form.GRID) and chosen(spec)
    assert len(str(told.value).splitlines()) == 1


def test_what_cannot_work_is_refused(tmp_path):
    refused("backbone.model=resnt18: torchvision has no classifier.*'resnet18'", "resnt18")
    refused("backbone.size: inception_v3 does not take 16 x 16", "inception_v3", size=16)
    refused("backbone.size: vit_b_32 does not take 40 x 40", "vit_b_32", size=40)
    refused("backbone.options={'droput': 0.1}", options={"droput": 0.1})
    refused("no such file; give weights in safetensors", weights=str(tmp_path / "absent"))
    torch.save({}, tmp_path / "weights.pth")
    refused("must be a .safetensors file; a pickle may run", weights=str(tmp_path / "weights.pth"))
    (tmp_path / "broken.safetensors").write_bytes(b"no")
    refused("cannot be read", weights=str(tmp_path / "broken.safetensors"))
    save_file(get_model("resnet34").state_dict(), tmp_path / "other.safetensors")
    refused(
        "lacks 133 tensors of the model", "resnet50", weights=str(tmp_path / "other.safetensors")
    )
    with pytest.raises(ConfigError, match="backbone=torchvision: returns one vector"):
        builder("resnet18").choose(Form.GRID, positions=True)


def test_frozen_batch_norm_keeps_its_statistics():
    backbone = build("resnet18", trainable="none").train()
    before = {k: v.clone() for k, v in backbone.state_dict().items()}
    output = backbone(Grid(torch.randn(2, 2, 8, 8)))
    assert not output.values_BTD.requires_grad
    torch.testing.assert_close(backbone.state_dict(), before, rtol=0, atol=0)
    top = build("resnet18", trainable="2").train()
    assert not top.model.bn1.training
    assert top.model.layer4[1].bn1.training
    assert top.model.layer4[0].conv1.weight.requires_grad
    assert not top.model.layer3[1].conv1.weight.requires_grad


def test_model_of_a_run_is_built_without_the_file_of_weights(tmp_path):
    save_file(get_model("resnet18").state_dict(), tmp_path / "weights.safetensors")
    chosen = builder("resnet18", weights=str(tmp_path / "weights.safetensors"))
    built = chosen(SMALL)
    (tmp_path / "weights.safetensors").unlink()
    rebuilt = Torchvision.rebuilt(chosen.options, tmp_path / "absent")
    again = BackboneBuilder(Torchvision, rebuilt)
    assert again.intake == chosen.intake
    again(SMALL).load_state_dict(built.state_dict())
