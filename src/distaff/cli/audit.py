"""The verb that measures the metrics: audit."""

from pathlib import Path
from typing import Literal

from distaff.cli.output import as_json, print_json
from distaff.cli.terminal import show
from distaff.errors import UsageError

Part = Literal["codes", "size", "coverage"]


def audit(
    *,
    out: Path = Path("audit"),
    parts: tuple[Part, ...] = ("codes", "size", "coverage"),
    metrics: tuple[str, ...] = (),
    rows: int = 2000,
    seed: int = 0,
    json: bool = False,
) -> None:
    """Run every metric on codes whose quality is known, and draw which can be believed.

    The parts: codes is perfect, permuted, rescaled, rotated, noisy, duplicated, dead, repeated,
    continuous and other codes, in the default mode and in that of the published library; size is
    the same code with 200 to 30,000 images; coverage is how many 95 % intervals are right, in a
    hundred data sets. About a quarter of an hour for all on two cores.

    Examples:
        distaff audit
        distaff audit --metrics dci sap --out my-audit
        distaff audit --parts coverage

    Args:
        out: Folder for metric-audit.json, which holds the parts that were run, and for
            metric-audit and metric-audit-size, as .png and .pdf.
        parts: Which parts; by default all.
        metrics: Which metrics; by default all.
        rows: Images in each synthetic code of the part codes.
        seed: Of factors, noise and metrics.
        json: Print the entries as JSON.
    """
    from distaff.audit.parts import audit_parts
    from distaff.cli.progress import ImageProgress
    from distaff.figures.house_style import house_style
    from distaff.files import atomic_write

    if rows < 300:
        raise UsageError(f"rows is {rows}; it must be at least 300.")
    with ImageProgress("done", "measurements") as progress:
        content, figures = audit_parts(
            parts,
            rows=rows,
            metrics=metrics or None,
            seed=seed,
            on_start=progress.start,
            on_progress=progress.advance,
        )
    with atomic_write(out / "metric-audit.json") as temporary:
        temporary.write_text(as_json(content))
    for name, figure in figures.items():
        for suffix in (".png", ".pdf"):
            with atomic_write(out / f"{name}{suffix}") as temporary, house_style():
                figure.savefig(temporary)
    if json:
        print_json(content)
    else:
        show(f"audit: {', '.join(str(out / f'{name}.png') for name in figures) or out}")
