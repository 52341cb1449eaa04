"""Published, human and baseline results, by name of the data set and size of its test split."""

from collections.abc import Mapping

from suite import Known, Reference


def _accuracy(name: str, value: float, source: str, n: int | None = None) -> Reference:
    return Reference(name=name, metric="accuracy", value=value, source=source, n=n)


_FASHION = Known(
    references=(
        _accuracy("people (majority of three)", 0.835, "Fashion-MNIST README: 1,000 images"),
        _accuracy("two convolutions, <100k parameters", 0.925, "Fashion-MNIST README"),
        _accuracy("ResNet-18", 0.949, "Fashion-MNIST README"),
    ),
    target=0.92,
)

KNOWN: Mapping[tuple[str, int], Known] = {
    ("digits", 359): Known(
        references=(
            _accuracy("logistic regression", 0.9694, "scikit-learn 1.9 on these splits"),
            _accuracy("nearest neighbour", 0.9833, "scikit-learn 1.9 on these splits"),
            _accuracy("SVM, RBF kernel, gamma 0.001", 0.9916, "scikit-learn 1.9 on these splits"),
        ),
        target=0.98,
    ),
    ("fashion-mnist", 10_000): _FASHION,
    ("dataset-fashion-mnist", 10_000): _FASHION,
    ("cifar10", 10_000): Known(
        references=(
            _accuracy(
                "people", 0.94, "Karpathy 2011, manually-classifying-cifar10, original pixels"
            ),
            _accuracy("airbench94", 0.9401, "Jordan 2024, arXiv:2404.00498, original pixels", 200),
            _accuracy("ResNet-18", 0.96, "KellerJordan/cifar10-airbench, README, original pixels"),
        ),
        target=0.94,
    ),
}
