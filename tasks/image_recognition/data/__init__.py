"""Where images come from: each source is constructed with its options and loads a `DataSet`."""

from tasks.image_recognition.data.cifar import Cifar10, Cifar100
from tasks.image_recognition.data.digits import Digits
from tasks.image_recognition.data.hub import HubImages
from tasks.image_recognition.data.idx import Idx
from tasks.image_recognition.data.imagefolder import ImageFolder
from tasks.image_recognition.data.imagenet import ImageNet
from tasks.image_recognition.data.mnist import FashionMnist, Mnist
from tasks.image_recognition.data.parquet import ImageParquet
from tasks.image_recognition.data.svhn import Svhn

__all__ = [
    "Cifar10",
    "Cifar100",
    "Digits",
    "FashionMnist",
    "HubImages",
    "Idx",
    "ImageFolder",
    "ImageNet",
    "ImageParquet",
    "Mnist",
    "Svhn",
]
