"""What payments can be asked to do."""

from payments.services.captures import begin_capture, begin_resolution, request_capture, settle_capture
from payments.services.givingup import give_up_capture, note_unfinished
from payments.services.refunds import begin_refund, give_up_refund, settle_refund
from payments.services.withdrawals import request_refund

__all__ = [
    "begin_capture",
    "begin_refund",
    "begin_resolution",
    "give_up_capture",
    "give_up_refund",
    "note_unfinished",
    "request_capture",
    "request_refund",
    "settle_capture",
    "settle_refund",
]
