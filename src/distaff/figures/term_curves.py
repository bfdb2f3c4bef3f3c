"""Terms of the loss over the steps of several trainings."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from distaff.figures.house_style import (
    COLOURS,
    figure_of_height,
    house_style,
    logarithmic_height,
)
from distaff.figures.training_curves import Curve


def term_curves(terms: Mapping[str, Mapping[str, Sequence[Curve]]], *, title: str = "") -> Figure:
    """Draws a panel for each term, a colour for each group of trainings, a line for each training.

    Args:
        terms: term -> group -> (steps, values in nats per image, above 0) of each training.
        title: above all.
    """
    with house_style():
        figure = figure_of_height(2.6)
        panels = figure.subplots(1, len(terms), squeeze=False)[0]
        for axes, (term, groups) in zip(panels, terms.items(), strict=True):
            for colour, (group, curves) in zip(COLOURS, groups.items(), strict=False):
                for number, (steps, values) in enumerate(curves):
                    label = group if number == 0 else None
                    axes.plot(steps, values, color=colour, label=label, linewidth=1, alpha=0.8)
            logarithmic_height(axes)
            axes.set_title(term)
            axes.set_xlabel("step")
        panels[0].set_ylabel("nats per image")
        panels[-1].legend()
        figure.suptitle(title)
    return figure
