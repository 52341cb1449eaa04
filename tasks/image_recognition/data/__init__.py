"""Where images come from: each source is constructed with its options and loads a `DataSet`."""

from tasks.image_recognition.data.digits import Digits
from tasks.image_recognition.data.idx import Idx
from tasks.image_recognition.data.imagefolder import ImageFolder
from tasks.image_recognition.data.parquet import ImageParquet

__all__ = ["Digits", "Idx", "ImageFolder", "ImageParquet"]
