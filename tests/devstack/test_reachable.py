import pytest

from wildrydes.devstack.ports import Ports
from wildrydes.devstack.reachable import UnreachableServer, check_servers


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("DATABASE_URL", "postgres://nobody@127.0.0.1:{port}/nowhere"),
        ("DATABASE_URL", "postgres://nobody@%2Fnowhere/db"),
        ("REDIS_URL", "redis://127.0.0.1:{port}/0"),
        ("REDIS_URL", "redis+socket:///nowhere/s?virtual_host=0"),
        ("REDIS_URL", "nonsense"),
    ],
)
def test_a_server_that_does_not_answer_is_named_in_one_line(variable, url):
    with pytest.raises(UnreachableServer) as refused:
        check_servers({variable: url.format(port=Ports.free().web)})
    text = str(refused.value)
    assert variable in text
    assert "\n" not in text
    assert len(text) < 400


def test_without_addresses_there_is_nothing_to_ask():
    check_servers({})
