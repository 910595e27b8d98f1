"""Unicorns that wander: where each one is follows from the seed and the time alone."""

import hashlib
import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_NAMESPACE = uuid.UUID("6f1d4c0e-6b1f-5d0e-9c55-8d2f6a1b7e10")
_FIRST = "Amber Aurora Blaze Clover Comet Dusk Ember Fable Frost Ginger Halo Indigo Jade Juno Lark Luna Maple Misty Nova Opal"
_LAST = "Brightmane Cloudhoof Dawnrider Fairwind Glimmer Moonbeam Nightsong Quickstep Starfall Sunhorn Silverhoof Windrunner"
_KM_PER_DEGREE = 111.32
STATUSES = ("available", "off_duty")
CAPACITIES = (1, 2, 2, 2, 4, 4, 6)
SPEEDS = ("trot", "canter", "canter", "gallop")
EXTRAS = (
    *("free_drinks", "child_seat", "wheelchair_ramp", "blanket"),
    *("music", "quiet", "pets_welcome", "rainbow_trail"),
)


class Draw:
    """Numbers that look random and follow from a seed and an index, the same on every machine."""

    def __init__(self, seed: int, index: int) -> None:
        self._start = f"{seed}:{index}"

    def fraction(self, purpose: str) -> float:
        """From 0 up to, not including, 1."""
        digest = hashlib.sha256(f"{self._start}:{purpose}".encode()).digest()
        return int.from_bytes(digest[:7], "big") / 2**56


@dataclass(frozen=True, kw_only=True, slots=True)
class Herd:
    """A fleet around a city's centre.

    Attributes:
        count: how many.
        latitude: of the centre, in degrees.
        longitude: of the centre, in degrees.
        radius_km: nobody strays further than this.
        seed: another seed, another herd.
    """

    count: int = 60
    latitude: float = 36.1147
    longitude: float = -115.1728
    radius_km: float = 8.0
    seed: int = 1

    def ids(self) -> list[str]:
        """The unicorns' ids, stable for a seed."""
        return [str(uuid.uuid5(_NAMESPACE, f"{self.seed}:{index}")) for index in range(self.count)]

    def unicorn(self, index: int, *, now: float, pin: Mapping[str, Any]) -> dict[str, Any]:
        """One unicorn at a moment (seconds since 1970), with what was pinned in place of what would be."""
        draw = Draw(self.seed, index)
        latitude, longitude = self._position(draw, now)
        # One in ten is off duty; who it is changes by the hour.
        off_duty = draw.fraction(f"duty {int(now // 3600)}") < 0.1
        first, last = _FIRST.split(), _LAST.split()
        return {
            "id": str(uuid.uuid5(_NAMESPACE, f"{self.seed}:{index}")),
            "object": "unicorn",
            "name": f"{first[index % len(first)]} {last[index // len(first) % len(last)]}",
            "capacity": CAPACITIES[int(draw.fraction("capacity") * len(CAPACITIES))],
            "speed_class": SPEEDS[int(draw.fraction("speed") * len(SPEEDS))],
            # Each has a third of them, more or less.
            "extras": [extra for extra in EXTRAS if draw.fraction(extra) < 0.33],
            "status": pin.get("status", "off_duty" if off_duty else "available"),
            "latitude": pin.get("latitude", latitude),
            "longitude": pin.get("longitude", longitude),
            "updated_at": datetime.fromtimestamp(int(now), UTC).isoformat().replace("+00:00", "Z"),
            "pinned": sorted(pin),
        }

    def _position(self, draw: Draw, now: float) -> tuple[float, float]:
        # A slow ellipse (a quarter to a full hour around) about a home within the inner part of the circle.
        home = self.radius_km * 0.75 * math.sqrt(draw.fraction("distance"))
        bearing = 2 * math.pi * draw.fraction("bearing")
        stroll = self.radius_km * (0.05 + 0.2 * draw.fraction("stroll"))
        turn = 2 * math.pi * (now / (900 + 2700 * draw.fraction("period")) + draw.fraction("phase"))
        north = home * math.cos(bearing) + stroll * math.cos(turn)
        east = home * math.sin(bearing) + stroll * math.sin(turn) * draw.fraction("shape")
        latitude = self.latitude + north / _KM_PER_DEGREE
        longitude = self.longitude + east / (_KM_PER_DEGREE * math.cos(math.radians(self.latitude)))
        return round(latitude, 6), round(longitude, 6)
