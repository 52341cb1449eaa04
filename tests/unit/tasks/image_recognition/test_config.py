import pytest

from suite import ConfigError
from tasks.image_recognition.config import ImageRecognitionConfig
from tasks.image_recognition.data_config import (
    IdxConfig,
    ImageFolderConfig,
    ImageParquetConfig,
)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ImageRecognitionConfig(shift=-1), r"task\.shift=-1: must be 0 or above"),
        (lambda: ImageRecognitionConfig(rotate=200.0), r"task\.rotate=200\.0"),
        (
            lambda: ImageRecognitionConfig(zoom=1.0),
            r"task\.zoom=1\.0: must be at least 0",
        ),
        (lambda: ImageRecognitionConfig(cutout=-2), r"task\.cutout=-2"),
        (lambda: ImageRecognitionConfig(patch=0), r"task\.patch=0: must be above 0"),
        (lambda: ImageRecognitionConfig(fold=0), r"task\.fold=0: must be above 0"),
        (lambda: ImageRecognitionConfig(head_dropout=1.5), r"task\.head_dropout=1\.5"),
        (lambda: ImageRecognitionConfig(target=0.0), r"task\.target=0\.0"),
        (lambda: IdxConfig(validation=0.0), r"data\.validation=0\.0: must be between 0 and 1"),
        (lambda: ImageFolderConfig(size=0), r"data\.size=0: must be above 0"),
        (
            lambda: ImageFolderConfig(max_pixels=0),
            r"data\.max_pixels=0: must be between 1 and 89478485",
        ),
        (lambda: ImageParquetConfig(test=1.0), r"data\.test=1\.0"),
        (
            lambda: ImageParquetConfig(validation=0.5, test=0.5),
            r"data\.test=0\.5: must be below 1 - data\.validation \(0\.5\)",
        ),
    ],
)
def test_wrong_values_are_named(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
