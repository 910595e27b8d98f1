"""Requests for quotes and what came back. In the tenant's schema; the fleet's rows are plain UUIDs.

Of a request `public` knows its id, its tenant, its deadline and who was asked (`fleet.models.Call`, `Inquiry`).
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from fleet.capabilities import SpeedClass
from fleet.rides import MAX_PASSENGERS, MAX_TEXT
from rfq.domain import AnswerKind, Reason, State
from rfq.ranking import StrategyName
from wildrydes.kernel.ids import new_id
from wildrydes.kernel.money import CURRENCIES


class RfqState(models.TextChoices):
    """`domain.State` as the database knows it; a trigger refuses every other move than the declared ones."""

    OPEN = State.OPEN.value
    CLOSED = State.CLOSED.value
    ACCEPTED = State.ACCEPTED.value
    WITHDRAWN = State.WITHDRAWN.value


class CloseReason(models.TextChoices):
    """`domain.Reason` as the database knows it."""

    DEADLINE = Reason.DEADLINE.value, "The deadline has passed"
    ALL_ANSWERED = Reason.ALL_ANSWERED.value, "All unicorns that were asked have answered"
    ENOUGH_OFFERS = Reason.ENOUGH_OFFERS.value, "There are as many offers as were wanted"
    NOBODY_NEAR = Reason.NOBODY_NEAR.value, "No unicorn that would do is near"
    ACCEPTED = Reason.ACCEPTED.value, "An offer was accepted"
    WITHDRAWN = Reason.WITHDRAWN.value, "The client withdrew it"


class StrategyChoice(models.TextChoices):
    """`ranking.StrategyName` as the database knows it."""

    CHEAPEST = StrategyName.CHEAPEST.value, "Cheapest first"
    FASTEST = StrategyName.FASTEST.value, "Earliest arrival first"
    BEST_VALUE = StrategyName.BEST_VALUE.value, "Best value by the company's weights"
    ALL = StrategyName.ALL.value, "All, as they came"


class Rfq(models.Model):
    """A request for quotes. Whoever changes it holds its row `FOR UPDATE`; an answer is stored holding it `FOR SHARE`.

    Amounts are integer minor units of `currency` (ISO 4217), distances metres, times UTC by the database's clock.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user_id = models.UUIDField()
    operation_id = models.UUIDField()
    correlation_id = models.UUIDField(db_index=True)
    state = models.CharField(max_length=9, choices=RfqState, default=RfqState.OPEN)

    pickup_latitude = models.FloatField()
    pickup_longitude = models.FloatField()
    pickup_label = models.CharField(max_length=MAX_TEXT, blank=True)
    dropoff_latitude = models.FloatField()
    dropoff_longitude = models.FloatField()
    dropoff_label = models.CharField(max_length=MAX_TEXT, blank=True)
    passengers = models.PositiveSmallIntegerField()
    pickup_at = models.DateTimeField()
    reference = models.CharField(max_length=MAX_TEXT, blank=True, help_text="The client's own text.")
    distance_m = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)

    slowest = models.CharField(max_length=6, blank=True, choices=[(each.value, each.value) for each in SpeedClass])
    extras = ArrayField(models.CharField(max_length=20), default=list)
    radius_m = models.PositiveIntegerField()
    wanted_offers = models.PositiveSmallIntegerField()
    strategy = models.CharField(max_length=10, choices=StrategyChoice)

    requested_at = models.DateTimeField()
    deadline_at = models.DateTimeField(help_text="Until when answers are taken.")
    asked = models.PositiveSmallIntegerField(null=True, help_text="How many unicorns; null until they are.")
    scattered_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    close_reason = models.CharField(max_length=13, choices=CloseReason, blank=True)
    accepted_offer_id = models.UUIDField(null=True)
    booking_id = models.UUIDField(null=True, unique=True, help_text="The ride that the accepted offer became.")

    class Meta:
        verbose_name = "request for quotes"
        verbose_name_plural = "requests for quotes"
        indexes = [models.Index(fields=["user_id", "id"], name="rfq_user_id")]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=RfqState.values), name="rfq_state_is_known"),
            models.CheckConstraint(condition=Q(currency__in=sorted(CURRENCIES)), name="rfq_currency_is_known"),
            models.CheckConstraint(
                condition=Q(passengers__gte=1, passengers__lte=MAX_PASSENGERS), name="rfq_passengers_in_range"
            ),
            models.CheckConstraint(
                condition=Q(state="open", closed_at__isnull=True) | (~Q(state="open") & Q(closed_at__isnull=False)),
                name="rfq_closed_when_not_open",
            ),
            models.CheckConstraint(
                condition=Q(state="accepted", accepted_offer_id__isnull=False, booking_id__isnull=False)
                | (~Q(state="accepted") & Q(accepted_offer_id__isnull=True, booking_id__isnull=True)),
                name="rfq_accepted_has_offer_and_ride",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} request {self.id}"


class AnswerChoice(models.TextChoices):
    """`domain.AnswerKind` as the database knows it."""

    OFFER = AnswerKind.OFFER.value
    DECLINE = AnswerKind.DECLINE.value


class Invitation(models.Model):
    """One unicorn that was asked, and whether it answered in time. `id` is the correlation id it knows the request by."""

    id = models.UUIDField(primary_key=True, editable=False)
    rfq = models.ForeignKey(Rfq, on_delete=models.CASCADE, related_name="invitations")
    unicorn_id = models.UUIDField()
    unicorn_name = models.CharField(max_length=60)
    distance_m = models.PositiveIntegerField(help_text="From the unicorn to the pick-up when it was asked.")
    ring = models.PositiveSmallIntegerField(help_text="In which circle of the search it was found, from 0.")
    asked_at = models.DateTimeField(db_default=Now())
    answer = models.CharField(max_length=7, choices=AnswerChoice, blank=True)
    answered_at = models.DateTimeField(null=True)
    late_at = models.DateTimeField(null=True, help_text="When its first answer came that was too late.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rfq", "unicorn_id"], name="invitation_asked_once")]

    def __str__(self) -> str:
        return f"{self.unicorn_name}: {self.answer or 'no answer'}"


class Offer(models.Model):
    """What a unicorn would do it for. It stands until `valid_until`."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    rfq = models.ForeignKey(Rfq, on_delete=models.CASCADE, related_name="offers")
    invitation = models.OneToOneField(Invitation, on_delete=models.CASCADE, related_name="offer")
    unicorn_id = models.UUIDField()
    unicorn_name = models.CharField(max_length=60)
    price_minor = models.PositiveBigIntegerField()
    eta_seconds = models.PositiveIntegerField(help_text="From the pick-up time, or from accepting, until it is there.")
    extras = ArrayField(models.CharField(max_length=20), default=list)
    received_at = models.DateTimeField()
    valid_until = models.DateTimeField()
    rank = models.PositiveSmallIntegerField(null=True, help_text="Its place when the request was closed, from 1.")
    score = models.FloatField(null=True)

    def __str__(self) -> str:
        return f"{self.unicorn_name}: {self.price_minor}"


class RankingPolicy(models.Model):
    """What the company makes of offers: one row at most; without it the defaults count."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    strategy = models.CharField(max_length=10, choices=StrategyChoice, default=StrategyChoice.BEST_VALUE)
    weight_price = models.PositiveSmallIntegerField(default=60)
    weight_arrival = models.PositiveSmallIntegerField(default=30)
    weight_extras = models.PositiveSmallIntegerField(default=10)

    class Meta:
        verbose_name_plural = "ranking policies"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="ranking_policy_is_one_row")]

    def __str__(self) -> str:
        return self.strategy
