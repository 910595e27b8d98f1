"""Numbers as lengths, for charts that the templates draw as SVG. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

# The charts' own coordinates; they are stretched to the width there is.
WIDTH = 100.0
HEIGHT = 40.0


@dataclass(frozen=True)
class Bar:
    """One bar: where it begins and how long it is, in the chart's own coordinates."""

    value: int
    start: float
    length: float
    thickness: float = 0.0

    @property
    def drop(self) -> float:
        """Where a standing bar begins, from the chart's top: SVG counts downwards."""
        return HEIGHT - self.length


def bars(values: Sequence[int]) -> list[Bar]:
    """Lying bars, the longest as long as the chart. What is not zero can be seen."""
    most = max(values, default=0)
    return [Bar(value, 0.0, max(1.5, WIDTH * value / most) if value else 0.0) for value in values]


def columns(values: Sequence[int]) -> list[Bar]:
    """Standing bars side by side, the highest as high as the chart. What is not zero can be seen."""
    most, step = max(values, default=0), WIDTH / max(1, len(values))
    heights = [max(2.0, HEIGHT * value / most) if value else 0.0 for value in values]
    return [
        Bar(value, round(step * place, 2), round(height, 2), round(step * 0.72, 2))
        for place, (value, height) in enumerate(zip(values, heights, strict=True))
    ]
