"""Published and baseline results, by name of the data set and size of its test split."""

from collections.abc import Mapping

from suite import Known, Reference

KNOWN: Mapping[tuple[str, int], Known] = {
    ("fsdd", 300): Known(
        references=(
            Reference(
                name="log-mel + SVM",
                metric="accuracy",
                value=0.98,
                source="scikit-learn, official split",
            ),
        ),
        target=0.97,
    ),
    ("an4", 130): Known(
        references=(
            Reference(
                name="ESPnet2 Transformer",
                metric="word_error_rate",
                value=0.074,
                source="ESPnet egs2/an4/asr1",
            ),
            Reference(
                name="pocketsphinx, AN4's dictionary and language model",
                metric="word_error_rate",
                value=0.228,
                source="pocketsphinx",
            ),
        ),
        target=0.10,
    ),
}
