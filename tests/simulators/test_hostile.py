"""No input gives a 500: whatever is thrown at the simulators is a 2xx or a 4xx."""

from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.simulators.conftest import Simulator

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
ROUTES = [
    ("payments", "POST", "/v1/charges", ["amount", "currency", "source", "reference", "metadata"]),
    ("payments", "POST", "/v1/charges/ch_{}/refunds", ["amount", "reference"]),
    ("payments", "GET", "/v1/charges/{}", []),
    ("payments", "GET", "/v1/charges?reference={}&idempotency_key={}", []),
    ("payments", "GET", "/v1/ledger?account={}", []),
    ("payments", "PUT", "/dials/{}", ["latency", "error_rate", "down", "operations", "seed"]),
    ("payments", "POST", "/dials/next", ["outcome", "outcomes", "times", "account", "operation"]),
    ("finance", "POST", "/hooks/{}", ["type", "data"]),
    ("finance", "PUT", "/inboxes/{}", ["secret"]),
    ("finance", "GET", "/inboxes/{}", []),
    ("unicorns", "PUT", "/v1/unicorns/770f0a1f-4b4d-5431-ac33-c11aa0d58c21", ["latitude", "longitude", "status"]),
    ("unicorns", "GET", "/v1/unicorns/{}", []),
]


@pytest.mark.parametrize(("name", "method", "path", "fields"), ROUTES)
def test_no_input_gives_a_500(
    request: pytest.FixtureRequest, name: str, method: str, path: str, fields: list[str]
) -> None:
    simulator: Simulator = request.getfixturevalue(name)

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        part=st.text(min_size=1, max_size=12).map(lambda text: quote(text.encode("utf-8", "surrogatepass"), safe="")),
        body=st.dictionaries(st.sampled_from(fields or ["x"]), JSON) | JSON,
        key=st.text(st.characters(min_codepoint=32, max_codepoint=255, blacklist_characters="\x7f"), max_size=8),
    )
    def throw(part: str, body: object, key: str) -> None:
        headers = {"Authorization": "Bearer sk_sim_hostile", "Idempotency_Key": key, "Webhook_Id": key}
        answer = simulator.call(method, path.replace("{}", part), body if method != "GET" else None, **headers)
        assert 200 <= answer.status < 500, answer.body

    throw()
