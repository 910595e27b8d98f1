"""The saga's table as Markdown and as a Mermaid state diagram, for the docs."""

from bookings.saga import TABLE, Decision, Ignore, Move, Refuse, Rules, State, Trigger, is_final

_HEAD = """# The saga of a ride

Drawn from `bookings/saga.py` by `manage.py saga --write`; a test keeps it in step.
"""


def document() -> str:
    """The whole page."""
    parts = [_HEAD, _diagram(), "## States\n", _states(), "## State by event\n", _legend(), _grid(), _notes()]
    return "\n".join(parts)


def _diagram() -> str:
    """Mermaid; moves that lead back to their own state are left to the table."""
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> requested"]
    arrows: dict[tuple[State, State], list[Trigger]] = {}
    for state, rules in TABLE.items():
        for trigger, decision in rules.on.items():
            if isinstance(decision, Move) and decision.to != state:
                arrows.setdefault((state, decision.to), []).append(trigger)
    lines += [f"    {a} --> {b}: {', '.join(triggers)}" for (a, b), triggers in arrows.items()]
    lines += [f"    {state} --> [*]" for state in TABLE if is_final(state)]
    return "\n".join([*lines, "```", ""])


def _states() -> str:
    lines = ["| state | meaning | deadline | undone by |", "|---|---|---|---|"]
    lines += [_state_row(state, rules) for state, rules in TABLE.items()]
    return "\n".join([*lines, ""])


def _state_row(state: State, rules: Rules) -> str:
    return f"| `{state}` | {rules.meaning} | {rules.deadline or '-'} | {', '.join(rules.compensation) or '-'} |"


def _legend() -> str:
    return "Each cell: the next state and what is done on the way; `·` nothing is due; `✗` refused. The reasons are below.\n"


def _grid() -> str:
    lines = ["| event | " + " | ".join(f"`{state}`" for state in TABLE) + " |", "|---" * (len(TABLE) + 1) + "|"]
    for trigger in Trigger:
        cells = [_cell(state, rules.on[trigger]) for state, rules in TABLE.items()]
        lines.append(f"| {trigger} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _cell(state: State, decision: Decision) -> str:
    if isinstance(decision, Ignore):
        return "·"
    if isinstance(decision, Refuse):
        return "✗"
    target = "stays" if decision.to == state else f"→ **{decision.to}**"
    return "<br>".join([target, *decision.actions])


def _notes() -> str:
    """Why nothing is due, or why it is refused: each reason with the cells it stands for."""
    reasons: dict[str, list[str]] = {}
    for state, rules in TABLE.items():
        for trigger, decision in rules.on.items():
            if isinstance(decision, Ignore | Refuse):
                sign = "·" if isinstance(decision, Ignore) else "✗"
                reasons.setdefault(f"{sign} {decision.why}", []).append(f"{state}: {trigger}")
    lines = ["| reason | where |", "|---|---|"]
    lines += [f"| {reason} | {'; '.join(cells)} |" for reason, cells in reasons.items()]
    return "\n".join([*lines, ""])
