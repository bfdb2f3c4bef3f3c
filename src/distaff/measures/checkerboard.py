r"""The pattern that upsampling leaves in images, measured in their power spectrum.

Layers that double an image treat its even and odd pixels differently. What they leave repeats every
2 pixels after the last of them, every 4 after the last but one, and so on, so that its power lies
at multiples of 1/2, 1/4, ... cycles per pixel, spread a little since it follows the content.

Reference: Odena, Dumoulin, Olah 2016, "Deconvolution and checkerboard artifacts",
doi:10.23915/distill.00003.
"""

import numpy as np
from jaxtyping import Bool, Float

from distaff.errors import UsageError

SPREAD = 1 / 32
"""Cycles per pixel around a frequency that count as it."""
PERIODS = (2, 4)
"""Pixels after which the patterns of the last two doublings repeat."""

Pictures = Float[np.ndarray, "image channel height width"]
Spectrum = Float[np.ndarray, "height width"]


def power_spectrum(images: Pictures) -> Spectrum:
    """Returns the mean power of images and channels at each frequency, as `np.fft.fft2` orders it.

    The mean of each channel is taken out; the powers add up to the mean variance of a channel.
    """
    flat = images - images.mean(axis=(2, 3), keepdims=True)
    powers = np.square(np.abs(np.fft.fft2(flat, norm="forward"))).mean(axis=(0, 1))
    return np.asarray(powers, dtype=np.float64)


def radial_spectrum(
    images: Pictures,
) -> tuple[Float[np.ndarray, " ring"], Float[np.ndarray, " ring"]]:
    """Returns rings of frequency up to 1/2 cycle per pixel and the mean power in each.

    A ring is as wide as a frequency step of the shorter side; the frequency 0 is in none.
    """
    spectrum = power_spectrum(images)
    down, across = _frequencies(spectrum.shape)
    rings = min(spectrum.shape) // 2
    ring = np.rint(np.hypot(down, across) * min(spectrum.shape)).astype(int)
    total = np.bincount(ring.ravel(), weights=spectrum.ravel())[1 : rings + 1]
    count = np.bincount(ring.ravel())[1 : rings + 1]
    return np.arange(1, rings + 1) / min(spectrum.shape), total / count


def checkerboard_energy(
    images: Pictures, true_images: Pictures | None = None, *, period: int = 2
) -> float:
    """Returns the share of the images' power that a pattern of this period adds to them.

    The power of `images` above that of `true_images`, at the multiples of 1/period cycles per
    pixel that are not multiples of 2/period already, over the power of `images` at all
    frequencies but 0. In [0, 1]: 1 for a pure checkerboard and 0 for what has no more power there
    than true images. White noise has what its share of the frequencies is, 0.018 for period 2 and
    64 x 64 pixels.

    Args:
        images: what a decoder puts out.
        true_images: what it learned from, of the same height and width; without them, all power
            at these frequencies counts.
        period: pixels after which the pattern repeats: 2 or 4; the frequencies of longer ones lie
            where images have most of their own power.

    Raises:
        UsageError: another period, or blank images.
    """
    if period not in PERIODS:
        raise UsageError(f"period is {period}; it must be one of {PERIODS}.")
    spectrum = power_spectrum(images)
    if not spectrum.any():
        raise UsageError("the images are blank; there is no power to take a share of.")
    natural = np.zeros_like(spectrum) if true_images is None else power_spectrum(true_images)
    above = np.maximum(spectrum - natural, 0)[_frequencies_of(period, spectrum.shape)]
    return float(above.sum() / spectrum.sum())


def _frequencies_of(period: int, shape: tuple[int, ...]) -> Bool[np.ndarray, "height width"]:
    """Where the frequencies of a pattern lie that are not those of half its period."""
    longer, shorter = _near_multiples(1 / period, shape), _near_multiples(2 / period, shape)
    own: Bool[np.ndarray, "height width"] = longer & ~shorter
    return own


def _near_multiples(step: float, shape: tuple[int, ...]) -> Bool[np.ndarray, "height width"]:
    down, across = (np.abs(f - step * np.rint(f / step)) <= SPREAD for f in _frequencies(shape))
    return down & across


def _frequencies(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Cycles per pixel down, [height, 1], and across, [1, width]."""
    return np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None, :]
