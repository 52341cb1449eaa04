"""Published and baseline results, by name of the data set and size of its test split."""

from collections.abc import Mapping

from suite import Known, Reference


def _accuracy(name: str, value: float, source: str) -> Reference:
    return Reference(name=name, metric="accuracy", value=value, source=source)


KNOWN: Mapping[tuple[str, int], Known] = {
    ("language_names", 3531): Known(
        references=(
            _accuracy(
                "TF-IDF of 1-4 characters + linear SVM", 0.865, "scikit-learn 1.9 on these splits"
            ),
            _accuracy(
                "TF-IDF of 1-5 characters, sublinear + linear SVM",
                0.875,
                "scikit-learn 1.9 on these splits",
            ),
        ),
        target=0.87,
    ),
    ("trec", 500): Known(
        references=(
            _accuracy(
                "CNN, tuned word vectors", 0.936, "Kim 2014, arXiv:1408.5882, CNN-non-static"
            ),
            _accuracy("TF-IDF + linear SVM", 0.908, "scikit-learn, words 1-2"),
        ),
        target=0.88,
    ),
    ("sst2", 1821): Known(
        references=(_accuracy("TF-IDF + linear SVM", 0.813, "scikit-learn, words 1-2"),),
        target=0.80,
    ),
    ("banking77", 3080): Known(
        references=(
            _accuracy(
                "BERT-base, tuned", 0.930, "Casanueva et al. 2020, arXiv:2003.04807, table 2"
            ),
            _accuracy("TF-IDF + linear SVM", 0.876, "scikit-learn, words 1-2"),
        ),
        target=0.88,
    ),
}
