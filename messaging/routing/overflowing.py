"""Overflow episodes: who is moved, and who is back. The steward looks; each change is a row, and known everywhere in seconds."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import connection

from messaging.routing import choices
from messaging.routing.choices import Choice, Rules
from messaging.routing.measures import measured
from messaging.routing.models import EpisodeStage, OverflowEpisode
from messaging.routing.strategies.contract import Sender
from messaging.routing.strategies.judging import Measures, Stage, State, Trigger, judge
from tenants.registry.models import Tenant

_log = structlog.get_logger(__name__)
# The producer's side: what waits, as the rows know it. Delayed work (retries, deadlines) is no backlog.
_BACKLOG = """
    SELECT d.tenant_id, d.queue_class, count(*) FROM public.messaging_delivery d
      JOIN public.registry_tenant t ON t.id = d.tenant_id
     WHERE (t.tier_id = ANY(%s) OR d.tenant_id = ANY(%s)) AND d.claim_id IS NULL AND d.not_before <= statement_timestamp()
     GROUP BY 1, 2
"""
Key = tuple[UUID, str]


def is_needed(rules: Rules) -> bool:
    """Whether anybody may overflow, or has."""
    return bool(rules.episodes) or "overflow" in rules.in_force


def look(rules: Rules, *, now: datetime, depths: Mapping[str, int]) -> int:
    """Judge everybody who may overflow and write down what changed; answers how many stages did.

    `depths` is how many messages the overflow queues hold. In a transaction, in `public`; `now` is the database's clock.
    """
    episodes = {
        (each.tenant_id, each.queue_class): each for each in OverflowEpisode.objects.exclude(stage=EpisodeStage.OVER)
    }
    seen = _measures(rules, episodes)
    tenants = _tenants({tenant_id for tenant_id, _ in seen})
    changes = 0
    for key, measures in seen.items():
        sender = tenants.get(key[0])
        if sender is None:
            continue
        choice, episode = rules.of(key[0], sender.tier, key[1]), episodes.get(key)
        if episode is not None:
            measures = replace(measures, left_behind=depths.get(episode.queue, 0))
        changes += _judge_one(key, sender, choice, episode, measures, now)
    if changes:
        choices.changed()
    return changes


def _judge_one(
    key: Key, sender: Sender, choice: Choice, episode: OverflowEpisode | None, seen: Measures, now: datetime
) -> int:
    before = _state(episode)
    if choice.name != "overflow":
        if episode is None:
            return 0
        # The choice was changed meanwhile: nothing more is sent there, and it is over when the queue is empty.
        after = State(Stage.RETURNING if seen.left_behind else Stage.NORMAL, None, before.trigger)
    else:
        after = judge(before, seen, choice.options, now=now.timestamp())
    if episode is None:
        if after.stage is Stage.NORMAL:
            return 0
        _open(key, sender, choice, after, seen)
        return 1
    _update(episode, after, seen, now)
    return int(after.stage is not before.stage)


def _open(key: Key, sender: Sender, choice: Choice, state: State, seen: Measures) -> None:
    queue = choice.strategy.queues_of_tenant(sender, key[1], choice.options)[-1]
    OverflowEpisode.objects.create(
        tenant_id=key[0],
        queue_class=key[1],
        queue=queue,
        trigger=str(state.trigger),
        backlog=seen.backlog,
        most_waiting=seen.backlog,
        seconds=seen.seconds,
        errors=seen.errors,
    )
    _log.warning("overflow.moved", tenant=sender.key, queue=queue, trigger=str(state.trigger), backlog=seen.backlog)


def _update(episode: OverflowEpisode, state: State, seen: Measures, now: datetime) -> None:
    values: dict[str, Any] = {
        "stage": EpisodeStage.OVER if state.stage is Stage.NORMAL else EpisodeStage(state.stage.value),
        "calm_since": None if state.calm_since is None else _moment(state.calm_since, now),
        "most_waiting": max(episode.most_waiting, seen.backlog),
    }
    if state.stage is Stage.MOVED:
        values["returning_at"] = None
    elif episode.stage == EpisodeStage.MOVED:
        values["returning_at"] = now
    if state.stage is Stage.NORMAL:
        values["closed_at"] = now
    changed = {name: value for name, value in values.items() if getattr(episode, name) != value}
    if changed:
        OverflowEpisode.objects.filter(id=episode.id).update(**changed)
    if "stage" in changed:
        _log.info("overflow.stage", queue=episode.queue, stage=str(values["stage"]))


def _state(episode: OverflowEpisode | None) -> State:
    if episode is None:
        return State()
    calm = None if episode.calm_since is None else episode.calm_since.timestamp()
    return State(Stage(episode.stage), calm, Trigger(episode.trigger))


def _moment(timestamp: float, now: datetime) -> datetime:
    return now + timedelta(seconds=timestamp - now.timestamp())


def _measures(rules: Rules, episodes: Mapping[Key, OverflowEpisode]) -> dict[Key, Measures]:
    """Of everybody who may overflow and has messages or figures, and of everybody who has overflowed."""
    tiers = sorted({tier for (tier, _), choice in rules.tiers.items() if choice.name == "overflow"})
    tenants = {tenant_id for (tenant_id, _), choice in rules.tenants.items() if choice.name == "overflow"}
    asked = [*tenants, *(tenant_id for tenant_id, _ in episodes)]
    with connection.cursor() as cursor:
        cursor.execute(_BACKLOG, [tiers, asked])
        waiting = {(tenant_id, queue_class): int(count) for tenant_id, queue_class, count in cursor.fetchall()}
    told = measured()
    return {
        key: replace(told.get(key, Measures()), backlog=waiting.get(key, 0)) for key in {*waiting, *told, *episodes}
    }


def _tenants(ids: set[UUID]) -> dict[UUID, Sender]:
    rows = Tenant.objects.filter(id__in=ids).values_list("id", "slug", "tier_id")
    return {tenant_id: Sender(slug, tier) for tenant_id, slug, tier in rows}
