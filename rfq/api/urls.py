"""Under `/api/v1/`."""

from django.urls import path

from rfq.api.views import RfqDetail, RfqExplanation, RfqList, RfqPolicy, RfqWithdrawal

urlpatterns = [
    path("rfqs", RfqList.as_view(), name="rfqs"),
    path("rfqs/<uuid:rfq_id>", RfqDetail.as_view(), name="rfq"),
    path("rfqs/<uuid:rfq_id>/explanation", RfqExplanation.as_view(), name="rfq-explanation"),
    path("rfqs/<uuid:rfq_id>/withdrawal", RfqWithdrawal.as_view(), name="rfq-withdrawal"),
    path("rfq-policy", RfqPolicy.as_view(), name="rfq-policy"),
]
