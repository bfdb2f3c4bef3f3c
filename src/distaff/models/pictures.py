"""Pictures as they are read, made into the images that a model was trained on."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from distaff.arrays import Array
from distaff.data.pictures import Resize, pixels_of, read_picture, strict_pillow
from distaff.errors import DataError, UsageError
from distaff.types import Images

Picture: TypeAlias = str | Path | Image.Image | Array | Tensor
Pictures: TypeAlias = Picture | Sequence[Picture]
"""One picture or many: paths, Pillow's pictures, or arrays and tensors of numbers."""
TAKEN = "give uint8 from 0 to 255, or numbers from 0 to 1"


def as_images(pictures: object, image_shape: tuple[int, int, int], resize: Resize) -> Images:
    """Returns pictures as images of one shape, with values in [0, 1]; see `Model.prepare`.

    Raises:
        UsageError: arrays of another shape, type or range.
        DataError: a picture that cannot be read, or is of a size that is refused.
    """
    if isinstance(pictures, str | Path | Image.Image):
        pixels = torch.tensor(_pixels(pictures, image_shape, resize))
        return pixels[None].float() / 255
    if isinstance(pictures, list | tuple):
        if not pictures:
            raise UsageError("there is no picture in the list; give at least one.")
        return torch.cat([as_images(picture, image_shape, resize) for picture in pictures])
    if not isinstance(pictures, np.ndarray | Tensor):
        raise UsageError(
            f"pictures are {type(pictures).__name__}; give paths, pictures of Pillow, arrays or "
            f"tensors."
        )
    tensor = _tensor(pictures) if isinstance(pictures, np.ndarray) else pictures
    return _levels(_batch(tensor, image_shape))


def _pixels(
    picture: str | Path | Image.Image, image_shape: tuple[int, int, int], resize: Resize
) -> Array:
    with strict_pillow():
        if not isinstance(picture, Image.Image):
            return read_picture(Path(picture), image_shape, resize)
        try:
            return pixels_of(picture, image_shape, resize, "the picture")
        except (ValueError, OSError) as error:
            raise DataError(f"the picture cannot be taken ({error}).") from None


def _tensor(array: Array) -> Tensor:
    """Returns an array of any layout and byte order as a tensor."""
    if array.dtype.kind == "f":
        size = np.float32 if array.dtype.itemsize <= 4 else np.float64
        return torch.from_numpy(array.astype(size, order="C"))
    if array.dtype not in (np.uint8, np.bool_):
        raise UsageError(f"images are {array.dtype}; {TAKEN}.")
    return torch.tensor(np.ascontiguousarray(array))


def _batch(images: Tensor, image_shape: tuple[int, int, int]) -> Tensor:
    """Returns [batch, channel, height, width] of one image or many, with channels first or last.

    An image of which both can be said, of 3 x 3 pixels, has its channels first.
    """
    channels, height, width = image_shape
    shape, last = tuple(images.shape), (height, width, channels)
    if shape in (image_shape, last) or (channels == 1 and shape == last[:2]):
        images, shape = images[None], (1, *shape)
    if shape[1:] == image_shape:
        return images
    if shape[1:] == last:
        return images.movedim(3, 1).contiguous()
    if channels == 1 and shape[1:] == last[:2]:
        return images[:, None]
    raise UsageError(
        f"images have the shape {shape}; the model takes "
        f"(batch, {', '.join(map(str, image_shape))})."
    )


def _levels(images: Tensor) -> Images:
    """Returns numbers in [0, 1]: float64 where they came so, else float32."""
    if images.dtype == torch.uint8:
        if images.numel() and images.max() == 1:
            raise UsageError(
                "images are uint8 and none is above 1 of 255; give black and white ones as bool."
            )
        return images.float() / 255
    if images.dtype == torch.bool:
        return images.float()
    if not images.is_floating_point():
        raise UsageError(f"images are {str(images.dtype).removeprefix('torch.')}; {TAKEN}.")
    images = images if images.dtype == torch.float64 else images.float()
    if images.numel():
        low, high = (float(value) for value in images.detach().aminmax())
        if not (low >= 0 and high <= 1):  # so that NaN is refused too
            raise UsageError(f"images have values from {low:.8g} to {high:.8g}; {TAKEN}.")
    return images
