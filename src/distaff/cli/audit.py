"""The verb that measures the metrics: audit."""

from pathlib import Path

from distaff.cli.output import as_json, print_json
from distaff.errors import UsageError


def audit(
    *,
    out: Path = Path("audit"),
    metrics: tuple[str, ...] = (),
    rows: int = 2000,
    seed: int = 0,
    json: bool = False,
) -> None:
    """Run every metric on codes whose quality is known, and draw which can be believed.

    Perfect, permuted, rescaled, rotated, noisy, duplicated, dead and other codes, in the default
    mode and in that of the published library; some minutes for all metrics.

    Examples:
        distaff audit
        distaff audit --metrics dci sap --out my-audit

    Args:
        out: Folder for metric-audit.png, metric-audit.pdf and metric-audit.json.
        metrics: Which metrics; by default all.
        rows: Images in each synthetic code.
        seed: Of factors, noise and metrics.
        json: Print the entries as JSON.
    """
    from distaff.audit import audit, audit_figure
    from distaff.figures.house_style import house_style
    from distaff.files import writing
    from distaff.terminal import STDERR

    if rows < 300:
        raise UsageError(f"rows is {rows}; it must be at least 300.")
    with STDERR.status("auditing") as status:
        entries = audit(
            rows=rows,
            metrics=metrics or None,
            seed=seed,
            on_result=lambda entry: status.update(f"{entry.mode}: {entry.code}, {entry.metric}"),
        )
    content = [entry._asdict() for entry in entries]
    with writing(out / "metric-audit.json") as temporary:
        temporary.write_text(as_json(content))
    figure = audit_figure(entries)
    for suffix in (".png", ".pdf"):
        with writing(out / f"metric-audit{suffix}") as temporary, house_style():
            figure.savefig(temporary)
    if json:
        print_json(content)
    else:
        print(f"audit: {out / 'metric-audit.png'}")
