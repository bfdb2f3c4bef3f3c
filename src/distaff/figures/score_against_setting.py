"""Scores of experiments against a setting in which they differ."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from distaff.figures.house_style import figure_of_height, house_style
from distaff.figures.intervals import Estimate

PER_ROW = 3


def score_against_setting(
    scores: Mapping[str, Sequence[tuple[float, Estimate]]], *, setting: str, title: str
) -> Figure:
    """Draws a panel for each score: its value and interval at each value of the setting.

    Args:
        scores: name -> setting with the score there, in the order of the setting.
        setting: its name, for the axis.
        title: above all.
    """
    with house_style():
        columns = min(PER_ROW, len(scores))
        rows = -(-len(scores) // columns)
        figure = figure_of_height(2.1 * rows + 0.3)
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for axis, (name, points) in zip(axes, scores.items(), strict=False):
            values = [setting_value for setting_value, _ in points]
            means = [estimate[0] for _, estimate in points]
            low, high = ([abs(e[0] - e[end]) for _, e in points] for end in (1, 2))
            axis.errorbar(values, means, yerr=[low, high], marker="o", markersize=3, capsize=2)
            axis.set_title(name)
            axis.set_xlabel(setting)
        for axis in axes[len(scores) :]:
            axis.set_visible(False)
        figure.suptitle(title, x=0.01, ha="left")
    return figure
