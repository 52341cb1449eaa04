"""Which tensors of a batch a model reads."""

from collections.abc import Iterator, Mapping

from torch import Tensor


class Recorder(Mapping[str, Tensor]):
    """Tensors that remember which of them were read, in which order."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self.tensors = tensors
        self.read: list[str] = []

    def __getitem__(self, name: str) -> Tensor:
        tensor = self.tensors[name]
        if name not in self.read:
            self.read.append(name)
        return tensor

    def __contains__(self, name: object) -> bool:
        return name in self.tensors

    def __iter__(self) -> Iterator[str]:
        return iter(self.tensors)

    def __len__(self) -> int:
        return len(self.tensors)
