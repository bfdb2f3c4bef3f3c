"""Scores, figures and words to a page that stands alone."""

import base64
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup

from distaff.arrays import Array
from distaff.errors import RunError
from distaff.figures import relation_matrix
from distaff.figures.house_style import house_style
from distaff.files import atomic_write
from distaff.metrics.score import Score
from distaff.text import printable

TEMPLATES = Path(__file__).parent / "templates"
MOST_NAMES = 3
"""Scores that a title names, of those that read the same matrix."""


def write_page(path: Path, template: str, **content: Any) -> None:
    """Writes a page from one of the templates in `templates/`.

    Args:
        path: of the page.
        template: name of the file.
        **content: what the template asks for; `scores` and `relations` by all.

    Raises:
        RunError: the page cannot be written.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_shown,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    page = environment.get_template(template).render(**content)
    with atomic_write(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def relations(
    scores: Mapping[str, Score], factor_names: Sequence[str], varying: Sequence[bool]
) -> dict[str, str]:
    """Returns a picture of each matrix that scores were read from, by the names of these scores.

    Args:
        scores: some of which have a relation, [latent, factor].
        factor_names: of its columns.
        varying: which factors have more than one value; the others are left out.
    """
    matrices: dict[bytes, Array] = {}
    readers: dict[bytes, list[str]] = {}
    for name, score in scores.items():
        if score.relation is not None:
            key = score.relation.tobytes()
            matrices[key] = score.relation
            readers.setdefault(key, []).append(name)
    fitting = {name: s for name, s in scores.items() if _fits(s, len(varying))}
    if len(fitting) < len(scores):
        wrong = next(name for name in scores if name not in fitting)
        raise RunError(
            f"the relation of {wrong} has another number of factors than the {len(varying)} of the "
            f"data; evaluate the run again."
        )
    shown = [printable(name) for name, varies in zip(factor_names, varying, strict=True) if varies]
    return {
        ", ".join(readers[key]): _drawn(matrix[:, np.array(varying)], shown, readers[key])
        for key, matrix in matrices.items()
    }


def _fits(score: Score, factors: int) -> bool:
    return score.relation is None or (
        len(score.relation) > 0 and score.relation.shape[1] == factors
    )


def _shown(value: object) -> object:
    """Escapes what acts on a page beside HTML, such as the codes of a terminal."""
    plain = isinstance(value, str) and not isinstance(value, Markup)
    return printable(value, keep="\n\t") if plain else value


def in_base64(png: bytes) -> str:
    """Returns a picture as the text that a page holds."""
    return base64.b64encode(png).decode()


def _drawn(relation: Array, factor_names: Sequence[str], readers: Sequence[str]) -> str:
    more = len(readers) - MOST_NAMES
    title = ", ".join(readers[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
    figure = relation_matrix(
        relation,
        factor_names=factor_names,
        latent_names=[f"z{latent}" for latent in range(len(relation))],
        title=title,
        label="what the score reads",
    )
    picture = BytesIO()
    with house_style():
        figure.savefig(picture, format="png")
    return in_base64(picture.getvalue())
