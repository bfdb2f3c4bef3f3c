"""Runs the metric audit and writes docs/metrics.md and its figures from what came out.

The words are those of docs/metrics.template.md, by hand; what stands there in double braces is
filled in. Run with `python docs/make_metrics.py`, about a quarter of an hour on two cores, or with
the path of a `metric-audit.json` as `distaff audit` writes it with all parts, to spare the audit.
"""

import json
import math
import re
import sys
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from distaff.audit import Entry
from distaff.audit import sizes as audit_sizes
from distaff.audit.coverage import CoverageEntry
from distaff.audit.known_cases import COMPLETE_SIZES
from distaff.audit.known_codes import SIZES
from distaff.audit.parts import Content, audit_parts, figures_of
from distaff.audit.scores import MODES, OF_COMPLETE_SETS, QUESTIONS
from distaff.audit.sizes import SizeEntry
from distaff.cli.progress import ImageProgress
from distaff.metrics import METRICS
from distaff.metrics.caveats import CAVEATS

DOCS = Path(__file__).parent
ROWS, LATENTS = 10_000, 10
LARGE_MISS, SAME = 0.1, 0.01
MIDDLE, DRIFT = 1_000, 0.05
NOMINAL, WIDE, NEGLIGIBLE, LEAST_SPREAD = 0.95, 1.5, 0.005, 0.001


class Audit(NamedTuple):
    """What the parts of the audit found."""

    codes: list[Entry]
    size: list[SizeEntry]
    coverage: list[CoverageEntry]


def measured(arguments: list[str]) -> Content:
    """What is in the file that is given, or a new audit, which goes there."""
    path = Path(arguments[0]) if arguments else Path("metric-audit.json")
    if not path.is_file():
        with ImageProgress("done", "measurements") as progress:
            content, _ = audit_parts(on_start=progress.start, on_progress=progress.advance)
        path.write_text(json.dumps(content, indent=2))
    return json.loads(path.read_text())  # type: ignore[no-any-return]


def entries_of(content: Content) -> Audit:
    """The entries that stand in a file."""
    return Audit(
        [Entry(**fields) for fields in content["codes"]],
        [SizeEntry(**fields) for fields in content["size"]],
        [CoverageEntry(**fields) for fields in content["coverage"]],
    )


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


def overview(entries: list[Entry], coverage: list[CoverageEntry]) -> str:
    """A line for each score: what it asks, chance, ceiling, coverage and time."""
    lines = [
        "| score | asks | chance | ceiling | coverage | seconds | with interval |",
        "|---|---|---|---|---|---|---|",
    ]
    covered = {entry.metric: percent(entry) for entry in coverage}
    perfect = {e.metric: e for e in entries if e.code == "perfect" and e.mode == "default"}
    for name, question in QUESTIONS.items():
        cells = [f"{perfect[name].chance:.2f}", f"{perfect[name].ceiling:.2f}"]
        cells += [covered.get(name, "")]
        cells += [f"{seconds(name, repeats=0):.2f}", f"{seconds(name):.2f}"]
        lines.append(f"| [`{name}`](#{name}) | {question} | {' | '.join(cells)} |")
    return "\n".join(lines)


def percent(entry: CoverageEntry) -> str:
    """The share of the intervals that are right, with its own interval."""
    if entry.coverage is None:
        return ""
    share, low, high = (100 * number for number in (entry.coverage, entry.low, entry.high))  # type: ignore[operator]
    return f"{share:.0f} % ({low:.0f}–{high:.0f})"


def false_intervals(coverage: list[CoverageEntry]) -> str:
    """Which intervals are certainly not right as often as they say, and which are too wide."""
    known = [entry for entry in coverage if entry.coverage is not None]
    narrow = [f"`{e.metric}` {percent(e)}" for e in known if e.high < NOMINAL]  # type: ignore[operator]
    # Student's t for 20 halves is 2.09 standard deviations
    wide = [
        f"`{e.metric}` {e.half_width / max(e.spread, LEAST_SPREAD):.1f}"  # type: ignore[operator, type-var]
        for e in known
        if e.half_width > WIDE * 2.09 * e.spread + NEGLIGIBLE  # type: ignore[operator]
    ]
    return (
        f"Of {len(known)} scores with an interval, {len(known) - len(narrow)} are consistent with "
        f"95 % or more{listed('; too narrow: ', narrow)}. The half width should be two standard "
        f"deviations of the score{listed('; it is much more for ', wide)}."
    )


def listed(words: str, names: Sequence[str]) -> str:
    """The words and the names, nothing if there are none."""
    return words + ", ".join(names) if names else ""


def drifts(entries: list[SizeEntry]) -> str:
    """Where a score depends on the number of images, or is off its limit with many."""
    sizes = sorted({entry.rows for entry in entries})
    heads = [f"{size:,}" for size in sizes]
    lines = [f"| score | code | {' | '.join(heads)} | limit |", "|---" * (len(sizes) + 3) + "|"]
    for name in QUESTIONS:
        for code in audit_sizes.CODES:
            row = [e for e in entries if (e.metric, e.code) == (name, code)]
            values = {e.rows: e.value for e in row if e.value is not None}
            if not values:
                continue
            limit, last = row[0].expected, values[max(values)]
            off = [last - values.get(MIDDLE, last), last - (last if limit is None else limit)]
            if max(map(abs, off)) > DRIFT:
                cells = [f"{values[size]:.2f}" if size in values else "" for size in sizes]
                cells.append("" if limit is None else f"{limit:.2f}")
                lines.append(f"| `{name}` | {code} | {' | '.join(cells)} |")
    return "\n".join(lines)


def verdicts(entries: list[Entry]) -> str:
    """A line for each question: how many answers of each score are off, the fewest first."""
    lines = []
    for question in dict.fromkeys(QUESTIONS.values()):
        counts = []
        for name in (name for name, asked in QUESTIONS.items() if asked == question):
            own = [e for e in entries if (e.metric, e.mode) == (name, MODES[0])]
            answered = [e for e in own if e.value is not None and e.expected is not None]
            off = sum(abs(e.value - e.expected) > LARGE_MISS for e in answered)  # type: ignore[operator]
            if answered:
                counts.append((off, f"`{name}` {off} of {len(answered)}"))
        if counts:
            text = f"- *{question}:* " + ", ".join(words for _, words in sorted(counts))
            lines.append(textwrap.fill(text, 100, subsequent_indent="  ", break_on_hyphens=False))
    return "\n".join(lines)


def fooled(entries: list[Entry], name: str) -> str:
    """Of which codes a score is off by more than 0.1, in its default mode."""
    own = {e.code: e for e in entries if (e.metric, e.mode) == (name, MODES[0])}
    off = [f"{code} {told(e)}" for code, e in own.items() if misses_by(e, own["perfect"])]
    return ", ".join(off) or "nothing in the audit"


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


def filled(template: str, audit: Audit) -> str:
    """The template with `{{score | mode | code}}` replaced by values, and its tables."""
    entries = audit.codes
    values = {f"{e.metric} | {e.mode} | {e.code}": e.value for e in entries}
    texts = {key: "NaN" if value is None else f"{value:.2f}" for key, value in values.items()}
    texts["overview"] = overview(entries, audit.coverage)
    texts["drifts"] = drifts(audit.size)
    texts["intervals"] = false_intervals(audit.coverage)
    texts["data sets"] = str(max(entry.data_sets for entry in audit.coverage))
    texts["coverage rows"] = f"{max(entry.rows for entry in audit.coverage):,}"
    texts["fewest images"] = f"{min(entry.rows for entry in audit.size):,}"
    texts["most images"] = f"{max(entry.rows for entry in audit.size):,}"
    texts["verdicts"] = verdicts(entries)
    texts |= {f"fooled {name}": fooled(entries, name) for name in QUESTIONS}
    texts |= {f"misses {mode}": misses(entries, mode) for mode in MODES}
    texts |= {f"fools {name}": caveat for name, caveat in CAVEATS.items()}
    random = [entry.rows for entry in entries if entry.metric not in OF_COMPLETE_SETS]
    texts["rows"], texts["fewest rows"] = f"{max(random):,}", f"{min(random):,}"
    texts["complete rows"] = f"{math.prod(COMPLETE_SIZES):,}"
    page = re.sub(r"\{\{(.+?)\}\}", lambda match: texts[match[1]], template)
    return "\n\n".join(map(wrapped, page.split("\n\n")))


def wrapped(paragraph: str) -> str:
    """A paragraph of prose with lines of equal length, which the numbers have disturbed."""
    if not re.match(r"[A-Z*]\S", paragraph):
        return paragraph
    return textwrap.fill(paragraph, 100, break_long_words=False, break_on_hyphens=False)


def main() -> None:
    """Audits, draws and writes."""
    content = measured(sys.argv[1:])
    (DOCS / "figures").mkdir(exist_ok=True)
    for name, figure in figures_of(content).items():
        figure.savefig(DOCS / "figures" / f"{name}.png", dpi=200)
    template = (DOCS / "metrics.template.md").read_text()
    (DOCS / "metrics.md").write_text(filled(template, entries_of(content)))


if __name__ == "__main__":
    main()
