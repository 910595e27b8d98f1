from hypothesis import given
from hypothesis import strategies as st

from messaging.retry import RetryPolicy


@given(attempt=st.integers(1, 10_000), base=st.floats(0.01, 60), cap=st.floats(0.01, 3600))
def test_a_delay_is_never_longer_than_its_ceiling_nor_the_cap(attempt, base, cap):
    policy = RetryPolicy(base=base, cap=cap)
    assert 0 <= policy.delay(attempt) <= policy.ceiling(attempt) <= cap


def test_ceilings_double_up_to_the_cap():
    policy = RetryPolicy(base=0.5, cap=3.0)
    assert [policy.ceiling(attempt) for attempt in range(1, 6)] == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_the_jitter_is_full():
    policy = RetryPolicy(base=8.0, cap=8.0)
    delays = [policy.delay(1) for _ in range(2_000)]
    assert min(delays) < 0.5
    assert max(delays) > 7.5
    assert 3.6 < sum(delays) / len(delays) < 4.4
