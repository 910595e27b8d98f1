"""Every adapter with its provider, as one stage: the same words for the same steps."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from payments.domain import Standing
from payments.providers import adapter_of
from payments.providers.base import Access, ChargeOrder, PaymentProvider, ProviderAnswer, RefundOrder
from tests.simulators.conftest import Simulator, running
from tests.support.crew import eventually
from wildrydes.kernel.http import AllowList, OutboundConfig, configure_outbound

TIMEOUT = 0.7


@dataclass(frozen=True)
class Words:
    """What a provider calls things."""

    simulator: str
    key: str
    source: str
    declined: str
    unknown: str
    steps: dict[str, str]


STEPS = {"charge": "charge", "lookup": "lookup", "refund": "refund", "refund lookup": "lookup"}
SIMULATOR = Words("payments", "sk_sim_", "tok_visa", "tok_declined_expired_card", "pm_Nobodys", STEPS)
STRIPE = Words(
    "stripe", "sk_test_", "pm_card_visa", "pm_card_chargeDeclinedExpiredCard", "src_nobodys",
    {"charge": "confirm", "lookup": "retrieve", "refund": "refund", "refund lookup": "list_refunds"},
)  # fmt: skip
PROVIDERS = {"simulator": SIMULATOR, "simulator_later": SIMULATOR, "stripe": STRIPE}


@dataclass
class Stage:
    """One account at one provider."""

    words: Words
    simulator: Simulator
    access: Access
    account: str
    remembered: dict[str, str] = field(default_factory=dict)

    @property
    def provider(self) -> PaymentProvider:
        return adapter_of(self.access.provider).connect(self.access)

    def order(self, **changes: Any) -> ChargeOrder:
        given = {"amount_minor": 1250, "currency": "USD", "source": self.words.source, "reference": str(uuid.uuid4())}
        return ChargeOrder(idempotency_key=f"charge-{uuid.uuid4()}", **{**given, **changes})

    def with_ref(self, order: ChargeOrder) -> ChargeOrder:
        """As the books have it by now."""
        return replace(order, ref=self.remembered.get(order.idempotency_key, order.ref))

    def charge(self, order: ChargeOrder) -> ProviderAnswer:
        def remember(ref: str) -> None:
            assert self.remembered.setdefault(order.idempotency_key, ref) == ref

        answer = self.provider.charge(self.with_ref(order), remember=remember)
        if answer.ref:
            remember(answer.ref)
        return answer

    def find(self, order: ChargeOrder) -> ProviderAnswer | None:
        return self.provider.find_charge(self.with_ref(order))

    def decided(self, order: ChargeOrder) -> ProviderAnswer:
        """The end of a charge, however it is told."""

        def found() -> ProviderAnswer | None:
            answer = self.find(order)
            return answer if answer and answer.standing is not Standing.PROCESSING else None

        answer: ProviderAnswer = eventually(found, within=15, what="a decision")
        return answer

    def captured(self, **changes: Any) -> tuple[ChargeOrder, ProviderAnswer]:
        order = self.order(**changes)
        self.charge(order)
        return order, self.decided(order)

    def refund_order(self, ref: str, amount: int = 1250, **changes: Any) -> RefundOrder:
        given = {"amount_minor": amount, "currency": "USD", "reference": "r", "charge_ref": ref}
        return RefundOrder(idempotency_key=f"refund-{uuid.uuid4()}", **{**given, **changes})

    def refunded(self, order: RefundOrder) -> ProviderAnswer:
        self.provider.refund(order)

        def found() -> ProviderAnswer | None:
            answer = self.provider.find_refund(order)
            return answer if answer and answer.standing is not Standing.PROCESSING else None

        answer: ProviderAnswer = eventually(found, within=15, what="a refund")
        return answer

    def script(self, *outcomes: str, step: str) -> None:
        body = {"outcomes": list(outcomes), "account": self.account, "operation": self.words.steps[step]}
        assert self.simulator.call("POST", "/dials/next", body).status == 201

    def dials(self, **dials: object) -> None:
        assert self.simulator.call("PUT", f"/dials/{self.account}", dials).status == 200

    def movements(self) -> list[tuple[str, int, str]]:
        """What was taken and given back: kind, amount, currency."""
        headers = {"Authorization": f"Bearer {self.words.key}{self.account}"}
        path = "/simulator/ledger" if self.words is STRIPE else "/v1/ledger"
        rows = self.simulator.call("GET", path, **headers).json()["movements"]
        return [(row["object"], row["amount"], row["currency"].upper()) for row in rows if row["status"] == "succeeded"]


@pytest.fixture(scope="session")
def simulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Simulator]]:
    payments = running("payments", tmp_path_factory.mktemp("conformance"))
    stripe = running("stripe", tmp_path_factory.mktemp("conformance"))
    yield {"payments": next(payments), "stripe": next(stripe)}
    for each in (payments, stripe):
        next(each, None)


@pytest.fixture(params=list(PROVIDERS))
def stage(request: pytest.FixtureRequest, simulators: dict[str, Simulator]) -> Stage:
    configure_outbound(OutboundConfig(allow=AllowList.parse("127.0.0.0/8")))
    words = PROVIDERS[request.param]
    simulator, account = simulators[words.simulator], f"a{uuid.uuid4().hex}"
    access = Access(
        account_id=uuid.uuid4(), tenant_id=uuid.uuid4(), provider=request.param, name=account, timeout=TIMEOUT,
        base_url=simulator.url, api_key=f"{words.key}{account}", webhook_secrets=("whsec_0123456789abcdef",),
        company_source=words.source,
    )  # fmt: skip
    stage = Stage(words=words, simulator=simulator, access=access, account=account)
    stage.dials(settle_ms=20)
    return stage
