"""The herd as a picture: one dot per unicorn around the city's centre."""

import math
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from simulators.unicorns.herd import Herd

_SIZE = 480
_COLOURS = {"available": "#6d3fd6", "off_duty": "#b9b4c9"}


def drawn_map(unicorns: Iterable[Mapping[str, Any]], herd: Herd) -> str:
    """An inline SVG, north up; who was pinned outside of the circle's square is not shown."""
    scale = _SIZE / (2.2 * herd.radius_km)
    narrowing = math.cos(math.radians(herd.latitude))
    dots = []
    for unicorn in unicorns:
        east = (unicorn["longitude"] - herd.longitude) * 111.32 * narrowing
        north = (unicorn["latitude"] - herd.latitude) * 111.32
        x, y = _SIZE / 2 + east * scale, _SIZE / 2 - north * scale
        label = escape(f"{unicorn['name']}, {unicorn['capacity']} seats, {unicorn['status']}")
        colour = _COLOURS[unicorn["status"]]
        dots.append(f"<circle cx='{x:.1f}' cy='{y:.1f}' r='5' fill='{colour}'><title>{label}</title></circle>")
    middle, radius = _SIZE / 2, herd.radius_km * scale
    ring = f"<circle cx='{middle}' cy='{middle}' r='{radius:.1f}' fill='#f3effd' stroke='#c9bdf0'/>"
    centre = f"<path d='M{middle - 6} {middle}h12M{middle} {middle - 6}v12' stroke='#1d1b2e'/>"
    caption = f"{herd.radius_km:g} km around {herd.latitude:.4f}, {herd.longitude:.4f}"
    return (
        f"<svg viewBox='0 0 {_SIZE} {_SIZE}' width='{_SIZE}' role='img' aria-label='Map of the herd'>"
        f"{ring}{centre}{''.join(dots)}</svg><p>{escape(caption)}</p>"
    )
