"""What counting reaches on the same hidden characters: the reference in conf/data.

The character that stood most often between the two that are seen beside it, in the training lines;
where that pair never occurred, or one of it is hidden too, the one most often behind the left one,
and else the most frequent of all. Run it anew for another text: `python baselines.py`.
"""

from collections import Counter, defaultdict
from pathlib import Path

import torch

from masked_language_modelling.data import VOCABULARY, PythonReference
from masked_language_modelling.masking import MASK, PADDING, mask
from suite import Split


def main() -> None:
    """Print the share of hidden characters of the test lines that is right."""
    splits = PythonReference().load(Path()).splits
    counts: defaultdict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
    train = splits[Split.TRAIN]
    for index in range(len(train)):
        line = [PADDING, *train.row(index).tolist(), PADDING]
        for left, here, right in zip(line, line[1:], line[2:], strict=False):
            for context in ((left, right), (left,), ()):
                counts[context][here] += 1
    index_N = torch.arange(len(splits[Split.TEST]))
    tokens_NT, length_N = splits[Split.TEST].take(index_N)
    seen_NT, label_NT = mask(tokens_NT, length_N, index_N, share=0.15, vocabulary=VOCABULARY)
    right = asked = 0
    for seen, labels in zip(seen_NT.tolist(), label_NT.tolist(), strict=True):
        line = [PADDING, *seen, PADDING]
        for place, label in enumerate(labels):
            if label != PADDING:
                beside = (line[place], line[place + 2])
                contexts = [] if MASK in beside else [beside]
                contexts += [(line[place],), ()]
                known = next(counts[one] for one in contexts if counts.get(one))
                right += known.most_common(1)[0][0] == label
                asked += 1
    print(f"the character most frequent between its neighbours: accuracy {right / asked:.4f}")


if __name__ == "__main__":
    main()
