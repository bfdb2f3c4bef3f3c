"""From how far a pose is found, and the landscape that gradient descent walks on."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from distaff.figures.house_style import figure_of_height, house_style
from distaff.figures.intervals import Estimate


def pose_recovery(
    success: Mapping[str, Mapping[str, Estimate]],
    landscape: Mapping[float, tuple[Sequence[float], Sequence[float]]],
) -> Figure:
    """Draws how often a pose is found against the distance, and the loss against it.

    Args:
        success: sampler -> range of distances in pixels -> share found, with its interval.
        landscape: width of smoothing in pixels -> distances in pixels, and the loss at each as a
            share of its largest.
    """
    with house_style():
        figure = figure_of_height(2.9)
        left, right = figure.subplots(1, 2)
        for number, (sampler, cells) in enumerate(success.items()):
            estimates = list(cells.values())
            shift = 0.06 * (number - (len(success) - 1) / 2)
            left.errorbar(
                [place + shift for place in range(len(cells))],
                [value for value, _, _ in estimates],
                yerr=[[v - low for v, low, _ in estimates], [high - v for v, _, high in estimates]],
                marker="o",
                markersize=3,
                capsize=2,
                label=sampler,
            )
            left.set_xticks(range(len(cells)), list(cells))
        left.set(xlabel="distance at the start in pixels", ylabel="share found", ylim=(-0.03, 1.03))
        left.legend(loc="best")
        for sigma, (distances, losses) in landscape.items():
            right.plot(distances, losses, label=f"σ = {sigma:g} pixels")
        right.set(xlabel="distance in pixels", ylabel="difference, share of its largest")
        right.legend(loc="lower right")
    return figure
