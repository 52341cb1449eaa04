"""Hand-made features of texts: how often n-grams of words or characters occur, by TF-IDF.

Legend: N texts, F features (n-grams of the training split).
"""

import numpy as np

from suite import HandMade, HandMadeConfig, Split
from tasks.text_classification.data import TextSet

_PLENTY_OF_CHARACTERS = 10_000_000
"""Characters of the training split above which `auto` leaves out their n-grams: each text then has
thousands of them, and a matrix of gigabytes gains little on words."""
_WORD = r"(?u)\w+|[^\w\s]"
"""A sign of punctuation is a word too."""


def hand_made(options: HandMadeConfig, texts: TextSet, *, lowercase: bool) -> HandMade:
    """Return term frequency times inverse document frequency, each kind at length 1, as CSR.

    As Salton and Buckley (1988) weight terms, in scikit-learn's smoothed form: a count times
    1 + log((1 + N) / (1 + texts with the n-gram)).
    """
    import scipy.sparse
    from sklearn.feature_extraction.text import TfidfVectorizer

    kind = options.features
    train = texts.splits[Split.TRAIN].texts
    if kind == "auto":
        long = sum(map(len, train)) > _PLENTY_OF_CHARACTERS
        kind = "tfidf_words" if long else "tfidf"
    common = {"lowercase": lowercase, "sublinear_tf": options.sublinear, "dtype": np.float32}
    parts = []
    if kind in ("tfidf_words", "tfidf"):
        parts.append(TfidfVectorizer(ngram_range=(1, options.words), token_pattern=_WORD, **common))
    if kind in ("tfidf_characters", "tfidf"):
        parts.append(
            TfidfVectorizer(analyzer="char_wb", ngram_range=(1, options.characters), **common)
        )
    values, labels = {}, {}
    for split in Split:
        part = texts.splits[split]
        counted = [
            one.fit_transform(part.texts) if split is Split.TRAIN else one.transform(part.texts)
            for one in parts
        ]
        values[split] = scipy.sparse.hstack(counted, "csr")
        labels[split] = np.asarray(part.labels, dtype=np.int64)
    return HandMade(kind, values, labels)
