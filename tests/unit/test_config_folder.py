import pytest

from suite import ConfigError
from suite.catalogue import Tier, options
from suite.compose import compose
from suite.config_folder import checked, folder_in
from suite.plugins import find

FLOWERS = "# Flowers.\ndefaults: [imagefolder, _self_]\npath: photos\nlicence: CC0-1.0\n"


def write(folder, text, name="data/flowers.yaml"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return folder


@pytest.mark.parametrize(
    "arguments",
    [["--config-dir", "mine"], ["--config-dir=mine"], ["-cd", "mine"], ["--config-d=mine"]],
)
def test_the_folder_is_found_as_hydra_finds_it(arguments):
    assert str(folder_in(["seed=1", *arguments, "data=x"])) == "mine"


@pytest.mark.parametrize("arguments", [["--cfg", "job"], ["data=x"], ["--config-dir"], []])
def test_there_may_be_none(arguments):
    assert folder_in(arguments) is None
    assert checked(None) is None


def test_its_files_are_options_of_the_kind_they_extend(tmp_path):
    write(tmp_path, FLOWERS)
    write(tmp_path, "# Tulips.\ndefaults: [flowers]\nclasses: 2\n", "data/tulips.yaml")
    found = options("data", find(), folder=tmp_path)
    for name in ("flowers", "tulips"):
        assert (found[name].kind, found[name].tier) == ("image", Tier.YOURS)
    assert found["flowers"].line == "Flowers."
    assert found["digits"].tier is Tier.EMBEDDED
    assert "flowers" not in options("data", find())


@pytest.mark.parametrize("name", ["mine", "my conf (1)", "a=b,c:[d]{e}", 'ü\'s "x"'])
def test_a_run_is_composed_from_a_folder_of_any_name(tmp_path, name):
    config = compose(["data=flowers"], folder=write(tmp_path / name, FLOWERS))
    assert config.choices["data"] == "flowers"
    assert (config.data.path, config.data.licence) == ("photos", "CC0-1.0")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "defaults: [imagefolder\npath: x\n",
            r"flowers.yaml, line 2, column 5: not YAML \(expected",
        ),
        ("- path\n", "holds no settings; write them as key: value"),
        ("defaults: [imagefoldr]\n", "no data imagefoldr; did you mean 'imagefolder'"),
        ("path: x\n", r"does not say what it is like; begin with defaults: \[imagefolder\]"),
        ("\udcff", "not UTF-8"),
    ],
)
def test_a_file_that_will_not_do_is_named(tmp_path, text, message):
    path = tmp_path / "data" / "flowers.yaml"
    path.parent.mkdir()
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ConfigError, match=message):
        checked(tmp_path)


def test_a_name_that_is_taken_and_a_folder_that_is_not_there_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"is no folder; give one that has data/NAME\.yaml"):
        checked(tmp_path / "nowhere")
    write(tmp_path, FLOWERS, "data/digits.yaml")
    with pytest.raises(ConfigError, match=r"digits.yaml: there is a data digits already, which"):
        checked(tmp_path)
    (tmp_path / "data" / "digits.yaml").unlink()
    write(tmp_path, "seed: 1\n", "experiment/demo/digits.yaml")
    with pytest.raises(ConfigError, match="there is a experiment demo/digits already"):
        checked(tmp_path)
