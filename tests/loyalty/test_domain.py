from hypothesis import given
from hypothesis import strategies as st

from loyalty.domain import points_for


@given(st.integers(0, 10**9))
def test_a_point_for_every_full_hundred(fare):
    assert points_for(fare) * 100 <= fare < (points_for(fare) + 1) * 100
