"""How far a stack of convolutions with stride 2 can halve an image."""

from torch import Tensor, nn

SMALLEST_ODD = 7
"""An odd side that is not above this is kept: the digits' 28 pixels end in 7."""


def halved(size: tuple[int, int], layers: int, smallest: int) -> list[tuple[int, int]]:
    """Returns height and width of an image and after each halving, the image first.

    An even side is halved while at least `smallest` is left; an odd one above `SMALLEST_ODD` is
    rounded up, as if a row or column of zeros had been added. Halving ends with the layers, or
    where one of the two sides cannot be halved.

    Args:
        size: height and width.
        layers: halvings at most.
        smallest: pixels that a side keeps at least.
    """
    sizes = [size]
    while len(sizes) <= layers and all(_can_be_halved(side, smallest) for side in sizes[-1]):
        height, width = sizes[-1]
        sizes.append(((height + 1) // 2, (width + 1) // 2))
    return sizes


def _can_be_halved(side: int, smallest: int) -> bool:
    return side > SMALLEST_ODD if side % 2 else side // 2 >= smallest


class Cut(nn.Module):
    """Maps without their last row, last column or both."""

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__()
        self.rows, self.columns = rows, columns

    def forward(self, maps: Tensor) -> Tensor:
        """Returns [batch, channel, height - rows, width - columns]."""
        return maps[..., : maps.shape[-2] - self.rows, : maps.shape[-1] - self.columns]


def padding_to_even(size: tuple[int, int]) -> list[nn.Module]:
    """Returns the layer that adds a row or column of zeros to odd sides; none for even ones."""
    rows, columns = size[0] % 2, size[1] % 2
    return [nn.ZeroPad2d((0, columns, 0, rows))] if rows or columns else []


def cutting_to(size: tuple[int, int]) -> list[nn.Module]:
    """Returns the layer that cuts a doubled map to a size with odd sides; none for even ones."""
    rows, columns = size[0] % 2, size[1] % 2
    return [Cut(rows, columns)] if rows or columns else []
