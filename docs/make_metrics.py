"""Runs the metric audit and writes docs/metrics.md and its figure from what came out.

The words are those of docs/metrics.template.md, by hand; what stands there in double braces is
filled in. Run with `python docs/make_metrics.py`, about six minutes on two cores, or with the path
of a `metric-audit.json` as `distaff audit` writes it, to spare the audit.
"""

import json
import re
import sys
import textwrap
import time
from pathlib import Path

import numpy as np

from distaff.audit import MODES, OF_COMPLETE_SETS, QUESTIONS, Entry, audit, audit_figure
from distaff.known_codes import SIZES
from distaff.metrics import METRICS
from distaff.metrics.caveats import CAVEATS

DOCS = Path(__file__).parent
ROWS, LATENTS = 10_000, 10
LARGE_MISS, SAME = 0.1, 0.01


def measured(arguments: list[str]) -> list[Entry]:
    """The entries in the file that is given, or of a new audit, which goes there."""
    path = Path(arguments[0]) if arguments else Path("metric-audit.json")
    if not path.is_file():
        entries = audit(on_result=lambda e: print(e.mode, e.code, e.metric, e.value))  # noqa: T201
        path.write_text(json.dumps([entry._asdict() for entry in entries]))
    return [Entry(**fields) for fields in json.loads(path.read_text())]


def seconds(name: str, **settings: int) -> float:
    """Processor time of a score on codes that no score has seen, factors with some noise."""
    generator = np.random.default_rng([len(settings), *name.encode()])
    factors = generator.integers(0, SIZES, size=(ROWS, len(SIZES)))
    if name in OF_COMPLETE_SETS:
        factors = np.array(list(np.ndindex(10, 10, 10, 10)))
    codes = generator.normal(size=(ROWS, LATENTS))
    known = factors.shape[1]
    codes[:, :known] += 10 * (factors - factors.mean(axis=0)) / factors.std(axis=0)
    given = {"udr": [codes, codes[:, ::-1]], "partition-score": codes[:, :known]}
    begin = time.process_time()
    METRICS[name](given.get(name, codes), factors, **settings)
    return time.process_time() - begin


def overview(entries: list[Entry]) -> str:
    """A line for each score: what it asks, chance, ceiling and time."""
    lines = [
        "| score | asks | chance | ceiling | seconds | with interval |",
        "|---|---|---|---|---|---|",
    ]
    perfect = {e.metric: e for e in entries if e.code == "perfect" and e.mode == "default"}
    for name, question in QUESTIONS.items():
        cells = [f"{perfect[name].chance:.2f}", f"{perfect[name].ceiling:.2f}"]
        cells += [f"{seconds(name, repeats=0):.2f}", f"{seconds(name):.2f}"]
        lines.append(f"| [`{name}`](#{name}) | {question} | {' | '.join(cells)} |")
    return "\n".join(lines)


def misses(entries: list[Entry], mode: str) -> str:
    """Where scores of a mode differ much from the expected answer, or gave none."""
    lines = ["| score | too high | too low | no number |", "|---|---|---|---|"]
    for name in QUESTIONS:
        own = {e.code: e for e in entries if (e.metric, e.mode) == (name, mode)}
        off = {code: entry for code, entry in own.items() if misses_by(entry, own["perfect"])}
        high = [f"{code} {told(e)}" for code, e in off.items() if misses_by(e, e) > 0]
        low = [f"{code} {told(e)}" for code, e in off.items() if misses_by(e, e) < 0]
        none = [code for code, entry in own.items() if entry.error]
        if high or low or none:
            lines.append(f"| `{name}` | {', '.join(high)} | {', '.join(low)} | {', '.join(none)} |")
    return "\n".join(lines)


def misses_by(entry: Entry, perfect: Entry) -> float:
    """How far off a value is; 0 for little, and for a code that only shares the perfect one's."""
    if entry.value is None or entry.expected is None or perfect.value is None:
        return 0.0
    shared = abs(entry.value - perfect.value) < SAME and entry.expected == perfect.expected
    if shared and entry.code != perfect.code:
        return 0.0
    off = entry.value - entry.expected
    return off if abs(off) > LARGE_MISS else 0.0


def told(entry: Entry) -> str:
    """The value with the expected one."""
    return f"{entry.value:.2f} ({entry.expected:.2f})"


def filled(template: str, entries: list[Entry]) -> str:
    """The template with `{{score | mode | code}}` replaced by values, and its tables."""
    values = {f"{e.metric} | {e.mode} | {e.code}": e.value for e in entries}
    texts = {key: "NaN" if value is None else f"{value:.2f}" for key, value in values.items()}
    texts["overview"] = overview(entries)
    texts |= {f"misses {mode}": misses(entries, mode) for mode in MODES}
    texts |= {f"fools {name}": caveat for name, caveat in CAVEATS.items()}
    texts["rows"] = f"{max(entry.rows for entry in entries):,}"
    texts["fewest rows"] = f"{min(entry.rows for entry in entries):,}"
    page = re.sub(r"\{\{(.+?)\}\}", lambda match: texts[match[1]], template)
    return "\n\n".join(map(wrapped, page.split("\n\n")))


def wrapped(paragraph: str) -> str:
    """A paragraph of prose with lines of equal length, which the numbers have disturbed."""
    if not re.match(r"[A-Z*]\S", paragraph):
        return paragraph
    return textwrap.fill(paragraph, 100, break_long_words=False, break_on_hyphens=False)


def main() -> None:
    """Audits, draws and writes."""
    entries = measured(sys.argv[1:])
    (DOCS / "figures").mkdir(exist_ok=True)
    audit_figure(entries).savefig(DOCS / "figures" / "metric-audit.png", dpi=200)
    template = (DOCS / "metrics.template.md").read_text()
    (DOCS / "metrics.md").write_text(filled(template, entries))


if __name__ == "__main__":
    main()
