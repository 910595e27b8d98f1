"""Small HTML pages for people: no scripts, no outside resources."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from html import escape

from starlette.responses import HTMLResponse

from simulators.dials import EVERYONE, DialBoard, Dials

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:84rem;padding:0 1rem;color:#1d1b2e;background:#fbfaff}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}div{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd8ee;vertical-align:top}
td{max-width:28rem;overflow-wrap:break-word}
th{background:#efeafc;white-space:nowrap}.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
code{background:#efeafc;padding:0 .25rem}
p.empty{color:#6b6785}
"""


def page(title: str, *parts: str) -> HTMLResponse:
    """A page of ready-made HTML parts."""
    head = f"<meta charset=utf-8><meta name=viewport content='width=device-width'><title>{escape(title)}</title>"
    body = f"<h1>{escape(title)}</h1>" + "".join(parts)
    policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return HTMLResponse(f"<!doctype html><html lang=en>{head}<style>{_STYLE}</style>{body}</html>", headers=policy)


def table(heading: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table with a heading; every cell is escaped, numbers stand right."""
    kept = list(rows)
    if not kept:
        return f"<h2>{escape(heading)}</h2><p class=empty>Nothing yet.</p>"
    names = [escape(column.replace("_", " ")) for column in columns]
    numeric = [_is_number(cell) for cell in kept[0]]
    head = "".join(f"<th{' class=n' if right else ''}>{name}</th>" for name, right in zip(names, numeric, strict=True))
    lines = "".join("<tr>" + "".join(_cell(cell) for cell in row) + "</tr>" for row in kept)
    return f"<h2>{escape(heading)}</h2><div><table><tr>{head}</tr>{lines}</table></div>"


def dials_table(board: DialBoard) -> str:
    """The settings that differ from the defaults."""
    rows = []
    usual = asdict(Dials())
    for account in {EVERYONE, *board.accounts()}:
        changed = {name: value for name, value in asdict(board.get(account)).items() if value != usual[name]}
        shown = ", ".join(f"{name} = {value}" for name, value in changed.items()) or "all at their defaults"
        rows.append(("everyone" if account == EVERYONE else account, shown))
    return table("Dials", ("for", "setting"), sorted(rows))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(value: object) -> str:
    if _is_number(value):
        return f"<td class=n>{value:,}</td>"
    return f"<td>{escape('' if value is None else str(value))}</td>"
