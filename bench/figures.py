# SPDX-License-Identifier: MIT
"""What was measured, what was hoped for, and the table of both."""

import dataclasses
import json
import os
import pathlib
import platform
import statistics


@dataclasses.dataclass
class Figure:
    name: str
    value: float
    unit: str
    most: float | None = None  # The goal; None: only for information.
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.most is None:
            return ""
        return "ok" if self.value <= self.most else "MISSED"


def show(number: float) -> str:
    if number == int(number) or abs(number) >= 1000:
        return f"{number:.0f}"
    return f"{number:.3g}" if abs(number) >= 0.001 else f"{number:.1g}"


def table(figures: list[Figure]) -> str:
    rows = [("figure", "value", "goal", "", "")]
    for figure in figures:
        goal = f"<= {show(figure.most)}" if figure.most is not None else ""
        rows.append(
            (
                figure.name,
                f"{show(figure.value)} {figure.unit}".rstrip(),
                goal,
                figure.verdict,
                figure.note,
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[4]]).rstrip()
        for row in rows
    )


def quantile(samples, fraction: float) -> float:
    ordered = sorted(samples)
    return ordered[round(fraction * (len(ordered) - 1))]


median = statistics.median


def machine(**versions: str) -> dict:
    return {
        "processors": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 1),
        "system": platform.platform(),
        **versions,
    }


def report(found: list[Figure], before: dict, file: pathlib.Path) -> None:
    """Prints the table and writes the same as JSON. `before` is the machine as it was at the
    beginning."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        json.dumps(
            {
                "machine": before,
                "figures": [
                    {**dataclasses.asdict(figure), "verdict": figure.verdict} for figure in found
                ],
            },
            indent=1,
        )
        + "\n"
    )
    print(table(found))
    missed = sum(figure.verdict == "MISSED" for figure in found)
    print(
        f"{missed} goals missed; {before['processors']} processors, load {before['load_average']} "
        f"at the beginning"
    )
