# SPDX-License-Identifier: MIT
"""Draws Grafana's dashboard as an SVG: its panels and their places are those of the JSON, the lines
are what Prometheus answered."""

import hashlib
from xml.sax.saxutils import escape

from . import monitoring

CELL_WIDTH, CELL_HEIGHT, GAP = 46, 30, 6
COLORS = ("#3274d9", "#e0752d", "#56a64b", "#b877d9", "#c4162a", "#8f8f8f")
FILLS = {"green": "#37872d", "red": "#c4162a", "orange": "#e0752d", "blue": "#1f60c4"}


def number(value: float, unit: str) -> str:
    if unit == "s" and abs(value) >= 172800:
        return f"{value / 86400:.0f} d"
    if unit == "bytes" and abs(value) >= 1024:
        return f"{value / 1024:.0f} KiB"
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return f"{text} {unit}" if unit in ("s", "ms") else text


def text(
    x: float, y: float, content: str, size: int = 11, color: str = "#24292e", anchor: str = "start"
) -> str:
    place = f'x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}"'
    return f'<text {place} font-size="{size}" fill="{color}">{escape(content)}</text>'


def box_of(
    x: float, y: float, width: float, height: float, *, fill: str, stroke: str = "none"
) -> str:
    place = f'x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}"'
    return f'<rect {place} fill="{fill}" stroke="{stroke}"/>'


def tile(panel: dict, value: float) -> tuple[str, str]:
    """Its words and its color."""
    defaults = panel["fieldConfig"]["defaults"]
    for mapping in defaults["mappings"]:
        if found := mapping["options"].get(f"{value:.0f}"):
            return found["text"], FILLS[found["color"]]
    color = "green"
    for step in defaults["thresholds"]["steps"]:
        if step["value"] is None or value >= step["value"]:
            color = step["color"]
    return number(value, defaults["unit"]), FILLS[color]


def draw_stat(
    panel: dict, lines: list, x: float, y: float, width: float, height: float
) -> list[str]:
    drawn = []
    row = (height - 26) / max(1, len(lines))
    for at, (legend, values) in enumerate(lines):
        words, color = tile(panel, values[-1][1])
        top = y + 22 + at * row
        drawn += [
            box_of(x + 4, top, width - 8, row - 3, fill=color),
            text(x + 10, top + row / 2 + 2, legend, 10, "#ffffff"),
            text(x + width - 10, top + row / 2 + 2, words, 12, "#ffffff", "end"),
        ]
    return drawn


def draw_lines(
    panel: dict,
    lines: list,
    x: float,
    y: float,
    width: float,
    height: float,
    span: tuple[float, float],
) -> list[str]:
    unit = panel["fieldConfig"]["defaults"]["unit"]
    values = [value for _, line in lines for _, value in line]
    low, high = min(0.0, *values), max(*values, 0.0) or 1.0
    legend_rows = (len(lines) + 1) // 2
    left, top, right, bottom = x + 52, y + 28, x + width - 8, y + height - 10 - 13 * legend_rows
    drawn = []
    for part in (0, 0.5, 1):
        level = bottom - part * (bottom - top)
        drawn += [
            f'<path d="M{left:.0f} {level:.0f}H{right:.0f}" stroke="#d8d9da"/>',
            text(left - 4, level + 4, number(low + part * (high - low), unit), 9, "#6e6e6e", "end"),
        ]
    for at, (legend, line) in enumerate(lines):
        color = COLORS[at % len(COLORS)]
        points = " ".join(
            f"{left + (when - span[0]) / (span[1] - span[0]) * (right - left):.1f},"
            f"{bottom - (value - low) / (high - low) * (bottom - top):.1f}"
            for when, value in line
        )
        where_x, where_y = x + 10 + (at % 2) * width / 2, bottom + 14 + 13 * (at // 2)
        drawn += [
            f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.5"/>',
            box_of(where_x, where_y - 5, 10, 3, fill=color),
            text(where_x + 14, where_y, legend, 9),
        ]
    return drawn


def draw(answers: dict[str, list[tuple[str, list]]]) -> str:
    """`answers` as monitoring.ask_panels gives them."""
    times = [when for lines in answers.values() for _, line in lines for when, _ in line]
    span = (min(times), max(times))
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in monitoring.panels())
    width, height = 24 * CELL_WIDTH, rows * CELL_HEIGHT
    digest = hashlib.sha256(monitoring.DASHBOARD.read_bytes()).hexdigest()
    out = [
        '<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif"'
        f' viewBox="0 0 {width} {height}">',
        "<!-- SPDX-License-Identifier: MIT -->",
        f"<metadata>dashboard.json {digest}</metadata>",
        box_of(0, 0, width, height, fill="#f4f5f5"),
    ]
    for panel in monitoring.panels():
        place = panel["gridPos"]
        x, y = place["x"] * CELL_WIDTH + GAP / 2, place["y"] * CELL_HEIGHT + GAP / 2
        box = (x, y, place["w"] * CELL_WIDTH - GAP, place["h"] * CELL_HEIGHT - GAP)
        out += [
            box_of(*box, fill="#ffffff", stroke="#d8d9da"),
            text(x + 8, y + 16, panel["title"], 12),
        ]
        lines = answers[panel["title"]]
        if not lines:
            out.append(text(x + 8, y + 40, "no data", 11, "#6e6e6e"))
        elif panel["type"] == "stat":
            out += draw_stat(panel, lines, *box)
        else:
            out += draw_lines(panel, lines, *box, span)
    return "\n".join([*out, "</svg>", ""])
