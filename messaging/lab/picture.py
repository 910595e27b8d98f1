"""One picture with a panel per strategy: the waiting time of quiet and noisy tenants over time, the same scale in all."""

import math
from collections.abc import Mapping, Sequence
from html import escape

from messaging.lab.figures import percentile
from messaging.lab.loads import Load
from messaging.lab.simulating import Result

_WIDTH, _HEIGHT, _COLUMNS, _LEFT, _TOP = 260, 130, 3, 46, 34
_STEPS = 60
_QUIET, _NOISY = "#2563eb", "#dc2626"
_FLOOR = 0.001


def picture(results: Mapping[str, Result], load: Load) -> str:
    """The picture as SVG. Each line is the 95th percentile of those who were due in one sixtieth of the time."""
    end = max((each.at for each in load.arrivals), default=1.0) or 1.0
    lines = {
        name: [_line(result, load, end, noisy=noisy) for noisy in (False, True)] for name, result in results.items()
    }
    most = max((wait for pair in lines.values() for line in pair for _, wait in line), default=1.0)
    top = max(1.0, 10 ** math.ceil(math.log10(max(most, _FLOOR))))
    rows = math.ceil(len(lines) / _COLUMNS)
    width, height = _COLUMNS * (_WIDTH + _LEFT) + 10, rows * (_HEIGHT + _TOP + 20) + 30
    title = (
        f"Load {escape(load.name)}: 95th percentile of waiting, seconds, by when it was due "
        f'(<tspan fill="{_QUIET}">quiet</tspan>, <tspan fill="{_NOISY}">noisy</tspan> tenants)'
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="10" y="18" font-size="13">{title}</text>',
    ]
    for place, (name, (quiet, noisy)) in enumerate(lines.items()):
        x = (place % _COLUMNS) * (_WIDTH + _LEFT) + _LEFT
        y = (place // _COLUMNS) * (_HEIGHT + _TOP + 20) + _TOP + 14
        parts += _panel(name, quiet, noisy, x=x, y=y, end=end, top=top)
    return "\n".join([*parts, "</svg>\n"])


def _line(result: Result, load: Load, end: float, *, noisy: bool) -> list[tuple[float, float]]:
    steps: dict[int, list[float]] = {}
    for tenant, waits in result.waits.items():
        if (tenant in load.noisy) == noisy:
            for at, wait in waits:
                steps.setdefault(min(_STEPS - 1, int(_STEPS * at / end)), []).append(wait)
    return [((step + 0.5) * end / _STEPS, percentile(sorted(found), 0.95)) for step, found in sorted(steps.items())]


def _panel(
    name: str, quiet: Sequence[tuple[float, float]], noisy: Sequence[tuple[float, float]], *, x: int, y: int, end: float,
    top: float,
) -> list[str]:  # fmt: skip
    span = math.log10(top / _FLOOR)

    def height(wait: float) -> float:
        return y + _HEIGHT - _HEIGHT * math.log10(max(wait, _FLOOR) / _FLOOR) / span

    parts = [
        f'<text x="{x}" y="{y - 6}" font-weight="bold">{escape(name)}</text>',
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" fill="none" stroke="#999"/>',
    ]
    tick = _FLOOR
    while tick <= top * 1.001:
        parts.append(
            f'<line x1="{x}" x2="{x + _WIDTH}" y1="{height(tick):.1f}" y2="{height(tick):.1f}" stroke="#eee"/>'
        )
        parts.append(f'<text x="{x - 4}" y="{height(tick) + 4:.1f}" text-anchor="end" fill="#555">{tick:g}</text>')
        tick *= 10
    for line, colour in ((noisy, _NOISY), (quiet, _QUIET)):
        points = " ".join(f"{x + _WIDTH * at / end:.1f},{height(wait):.1f}" for at, wait in line)
        if points:
            parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
    parts.append(f'<text x="{x + _WIDTH}" y="{y + _HEIGHT + 13}" text-anchor="end" fill="#555">{end:.0f} s</text>')
    return parts
