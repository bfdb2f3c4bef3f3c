"""What encoders share: where the context comes in."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from distaff.types import Context, Images


class Encoder(nn.Sequential):
    """Layers from an image to some numbers, with one `Flatten` among them.

    A context is joined to the flattened image, or to the flattened features of convolutions. There
    it is a bias for each value of the context, as it would be in planes beside the image, but
    costs nothing: ten planes beside one grey channel would make the first convolution eleven times
    as dear.
    """

    def check_trainable(self) -> None:
        """Refuses images that are too large for the net to be trained on them.

        Raises:
            UsageError: what is wrong, and what to do.
        """

    def forward(
        self, images: Images, context: Context | None = None
    ) -> Float[Tensor, "batch output"]:
        """Returns [batch, output]; `context` is what the net was built for, or None."""
        values: Tensor = images
        for layer in self:
            values = layer(values)
            if isinstance(layer, nn.Flatten) and context is not None:
                values = torch.cat([values, context], dim=1)
        return values
