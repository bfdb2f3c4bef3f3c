"""Checkerboard artefacts of decoders."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from distaff.figures.house_style import (
    COLOURS,
    figure_of_height,
    house_style,
    logarithmic_height,
)
from distaff.measures.checkerboard import PERIODS, Pictures, checkerboard_energy, radial_spectrum

FLOOR = 0.01
"""Percent below which a bar has no length."""


def checkerboard(true_images: Pictures, images: Mapping[str, Pictures]) -> Figure:
    """Draws the spectra of the images, and the power that repeating patterns add to them.

    Left, the mean power over rings of frequency, with upright lines where patterns of 2 and of 4
    pixels lie. Right, `checkerboard_energy` of both, the longer period in a lighter shade.

    Args:
        true_images: what the decoders learned from; black.
        images: name of a decoder -> its outputs, of the same height and width; at most six.
    """
    with house_style():
        figure = figure_of_height(1.6 + 0.3 * len(images))
        spectra, bars = figure.subplots(1, 2)
        _draw_spectra(spectra, true_images, images)
        _draw_energies(bars, true_images, images)
    return figure


def _draw_spectra(axes: Axes, true_images: Pictures, images: Mapping[str, Pictures]) -> None:
    axes.plot(*radial_spectrum(true_images), color=COLOURS[-1], label="true images")
    for colour, pictures in zip(COLOURS, images.values(), strict=False):
        axes.plot(*radial_spectrum(pictures), color=colour)
    logarithmic_height(axes)
    for period in PERIODS:
        axes.axvline(1 / period, color="0.5", linestyle=":", linewidth=0.8, zorder=0)
    axes.set_xticks([0, *(1 / p for p in PERIODS)], ["0", *(f"1/{p}" for p in PERIODS)])
    axes.set(title="mean power at a frequency", xlabel="cycles per pixel")
    axes.legend(frameon=True, edgecolor="none", framealpha=1)


def _draw_energies(axes: Axes, true_images: Pictures, images: Mapping[str, Pictures]) -> None:
    for row, (colour, pictures) in enumerate(zip(COLOURS, images.values(), strict=False)):
        for i, period in enumerate(PERIODS):
            share = 100 * checkerboard_energy(pictures, true_images, period=period)
            place = row + 0.4 * i - 0.2
            bar = axes.barh(place, max(share, FLOOR), 0.36, color=colour, alpha=1 - 0.5 * i)
            text = f"{period} px: {share:.3g} %" if share >= FLOOR else f"{period} px: < {FLOOR} %"
            axes.bar_label(bar, [text], fontsize=6, padding=2)
    axes.set_yticks(range(len(images)), images)
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set(xscale="log", xlim=(FLOOR, 1500), xticks=[0.01, 0.1, 1, 10, 100])
    axes.set_xticklabels(["0.01", "0.1", "1", "10", "100"])
    axes.minorticks_off()
    axes.set(title="power that a repeating pattern adds", xlabel="% of all power")
