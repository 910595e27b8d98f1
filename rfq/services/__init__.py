"""What can be done with requests for quotes. In the caller's transaction and the tenant's schema, but for `take_answer`."""

from rfq.services.accepting import Taken, reopen_for, take_offer
from rfq.services.answering import Answer, OfferMade, Receipt, take_answer
from rfq.services.closing import close_if_complete
from rfq.services.considering import consider_answer
from rfq.services.policies import set_policy
from rfq.services.requesting import QuotesWanted, request_quotes
from rfq.services.scattering import scatter
from rfq.services.withdrawing import withdraw, withdraw_by_operation

__all__ = [
    "Answer",
    "OfferMade",
    "QuotesWanted",
    "Receipt",
    "Taken",
    "close_if_complete",
    "consider_answer",
    "reopen_for",
    "request_quotes",
    "scatter",
    "set_policy",
    "take_answer",
    "take_offer",
    "withdraw",
    "withdraw_by_operation",
]
