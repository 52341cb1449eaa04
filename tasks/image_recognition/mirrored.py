"""A model that looks at an image twice: as it is, and in the mirror."""

from dataclasses import replace

from torch import Tensor

from suite import Batch, DeepModel


class MirroredModel(DeepModel):
    """Averages the logits of an image and its mirror image, where it is not being trained.

    Krizhevsky et al. 2012, section 4.1, which averages over crops as well. A forward pass outside
    training costs twice as much.
    """

    def forward(self, batch: Batch) -> Tensor:
        """Return logits (B, K)."""
        logits_BK: Tensor = super().forward(batch)
        if self.training:
            return logits_BK
        pixels_BCHW = batch["pixels_BCHW"].flip(3)
        mirrored = replace(batch, tensors={**batch.tensors, "pixels_BCHW": pixels_BCHW})
        mirrored_BK: Tensor = super().forward(mirrored)
        return (logits_BK + mirrored_BK) / 2
