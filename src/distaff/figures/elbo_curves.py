"""The bound over the epochs of a training."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from distaff.figures.house_style import COLOURS, figure_of_height, house_style

MARKERS = "os^D"


def elbo_curves(
    epochs: Sequence[float],
    bounds: Mapping[str, Sequence[float]],
    *,
    best: float | None = None,
    quantity: str = "ELBO",
    title: str = "",
) -> Figure:
    """Draws a bound on the images of each part, and marks the epoch that is kept.

    Args:
        epochs: at which the bounds were measured.
        bounds: part -> bounds in nats per image, higher is better.
        best: the epoch whose parameters are kept.
        quantity: what the curves show, for the axis.
        title: above all.
    """
    values = sorted(value for curve in bounds.values() for value in curve)
    low = values[len(values) // 10]  # the first epochs would flatten the rest
    margin = 0.08 * (values[-1] - low) or 1.0
    with house_style():
        figure = figure_of_height(2.9)
        axes = figure.add_subplot()
        for (part, curve), colour, marker in zip(bounds.items(), COLOURS, MARKERS, strict=False):
            axes.plot(epochs, curve, color=colour, marker=marker, markersize=3, label=part)
        if best is not None:
            axes.axvline(best, color="0.5", linestyle=":", label=f"kept: epoch {best:g}")
        axes.set_ylim(low - margin, values[-1] + margin)
        axes.set_xlabel("epoch")
        axes.set_ylabel(f"{quantity}, nats per image")
        axes.set_title(title)
        axes.legend(loc="lower right")
    return figure
