"""Small HTML pages for people: no scripts, no outside resources."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from html import escape

from starlette.responses import HTMLResponse

from simulators.dials import EVERYONE, DialBoard, Dials

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1d1b2e;background:#fbfaff}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd8ee;vertical-align:top;overflow-wrap:anywhere}
th{background:#efeafc}td.n{text-align:right;font-variant-numeric:tabular-nums}code{background:#efeafc;padding:0 .25rem}
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
    lines = ["<tr>" + "".join(_cell(cell) for cell in row) + "</tr>" for row in rows]
    if not lines:
        return f"<h2>{escape(heading)}</h2><p class=empty>Nothing yet.</p>"
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    return f"<h2>{escape(heading)}</h2><table><tr>{head}</tr>{''.join(lines)}</table>"


def dials_table(board: DialBoard) -> str:
    """The settings that differ from the defaults."""
    rows = []
    usual = asdict(Dials())
    for account in {EVERYONE, *board.accounts()}:
        changed = {name: value for name, value in asdict(board.get(account)).items() if value != usual[name]}
        shown = ", ".join(f"{name} = {value}" for name, value in changed.items()) or "all at their defaults"
        rows.append(("everyone" if account == EVERYONE else account, shown))
    return table("Dials", ("for", "setting"), sorted(rows))


def _cell(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"<td class=n>{value:,}</td>"
    return f"<td>{escape('' if value is None else str(value))}</td>"
