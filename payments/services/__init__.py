"""What payments can be asked to do."""

from payments.services.captures import begin_capture, begin_resolution, remember_ref, request_capture, settle_capture
from payments.services.givingup import give_up_capture, note_unfinished
from payments.services.notifications import begin_hearing, give_up_hearing, receive_notification, settle_hearing
from payments.services.refunds import begin_refund, give_up_refund, settle_refund
from payments.services.withdrawals import keep_payment, request_refund

__all__ = [
    "begin_capture",
    "begin_hearing",
    "begin_refund",
    "begin_resolution",
    "give_up_capture",
    "give_up_hearing",
    "give_up_refund",
    "keep_payment",
    "note_unfinished",
    "receive_notification",
    "remember_ref",
    "request_capture",
    "request_refund",
    "settle_capture",
    "settle_hearing",
    "settle_refund",
]
