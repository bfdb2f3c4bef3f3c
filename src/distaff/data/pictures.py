"""One picture from a file or from Pillow, brought to the size and the channels of a set."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps

from distaff.data.reading.untrusted import reader_errors_as_data_errors
from distaff.errors import DataError, RunWarning
from distaff.text import printable

LOG = logging.getLogger("distaff")
DARK = 31
"""Level up to which everything looks black."""
MOST_PLAIN = 0.9
"""Share of the pictures."""
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")

Resize: TypeAlias = Literal["crop", "stretch", "refuse"]
"""What happens to a picture of another size: the middle is cut out in the shape that is wanted and
resized; it is resized whatever its shape; or it is refused."""
Pixels: TypeAlias = UInt8[np.ndarray, "channel height width"]

# what Pillow cannot read is said in one sentence, not in a line of its log beside it
logging.getLogger("PIL").addHandler(logging.NullHandler())


@contextmanager
def strict_pillow() -> Iterator[None]:
    """Refuses pictures that unpack to too much, and keeps Pillow's other remarks to itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def read_picture(path: Path, image_shape: tuple[int, int, int], resize: Resize) -> Pixels:
    """Decodes the first frame of a file; arguments as in `pixels_of`.

    Raises:
        DataError: there is no such picture, it is damaged, or of a size that is refused.
    """
    _, height, width = image_shape
    with reader_errors_as_data_errors(path, "picture"), Image.open(path, formats=FORMATS) as file:
        if resize != "refuse":
            # a JPEG is decoded no larger than needed, which for photographs saves most of it
            file.draft(None, (2 * max(height, width),) * 2)
        return pixels_of(file, image_shape, resize, str(path))


def pixels_of(
    picture: Image.Image, image_shape: tuple[int, int, int], resize: Resize, name: str
) -> Pixels:
    """Turns a picture as its camera says, and brings it to the channels and the size.

    Args:
        picture: any mode of Pillow's; what is transparent becomes black, or white below black ink;
            16 bits are cut to 8.
        image_shape: channels (1 is grey, 3 is RGB), height, width.
        resize: what happens to another size; bicubic.
        name: what an error calls the picture.

    Raises:
        DataError: it has another size, and `resize` is refuse.
        ValueError: it has 32 bits a value.
    """
    channels, height, width = image_shape
    turned = ImageOps.exif_transpose(picture)  # which no longer knows the format
    image = _eight_bits(turned, picture.format).convert("L" if channels == 1 else "RGB")
    if resize == "refuse" and (image.height, image.width) != (height, width):
        raise DataError(
            f"{name} is {image.height} x {image.width} pixels and size is {height} x {width}; "
            f"let resize be crop or stretch, or bring the picture to that size first."
        )
    if resize == "crop":
        image = ImageOps.fit(image, (width, height))
    else:
        image = image.resize((width, height))
    return np.moveaxis(np.asarray(image).reshape(height, width, channels), 2, 0)


def tell_pictures(levels: UInt8[np.ndarray, "sample channel height width"], where: str) -> None:
    """Logs how many pictures of what size were read, and warns where there is little to see.

    Warns:
        RunWarning: all pictures are the same, nearly all are of one colour, or all nearly black.
    """
    count, channels, height, width = levels.shape
    kind = "grey" if channels == 1 else "colour"
    LOG.info("%s", printable(f"{where}: {count:,} {kind} pictures of {height} x {width}"))
    flat = levels.reshape(count, -1)
    plain = int((flat.max(axis=1) == flat.min(axis=1)).sum())
    brightest = int(flat.max())
    if brightest - int(flat.min()) <= 1:
        warn = f"the pictures of {where} are blank, so that there is nothing to learn"
    elif plain > MOST_PLAIN * count:
        warn = f"{plain:,} of {count:,} pictures of {where} are of one colour each"
    elif brightest <= DARK:
        warn = (
            f"nothing in {where} is brighter than {brightest} of 255; pictures of 10 or 12 bits in "
            f"16 have to be stretched first"
        )
    else:
        return
    warnings.warn(f"{warn}.", RunWarning, stacklevel=2)


def _eight_bits(image: Image.Image, format: str | None) -> Image.Image:
    """Returns a picture of which `convert` keeps all that can be seen."""
    if image.has_transparency_data:
        colors = image.convert("RGBA")
        grey, opaque = np.asarray(colors.convert("L")), np.asarray(colors.getchannel("A")) > 127
        # black ink on a transparent ground would vanish on black
        dark = opaque.any() and not opaque.all() and grey[opaque].max() <= DARK
        ground = Image.new("RGBA", colors.size, "white" if dark else "black")
        return Image.alpha_composite(ground, colors)
    # Pillow would cut 16 bits off at 255 instead of dividing them
    if image.mode.startswith("I;16") or (image.mode == "I" and format in ("PNG", "PPM")):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError("it has 32 bits a value, of an unknown range; save it with 8 or 16")
    return image
