"""Under `/api/v1/operations`."""

from django.urls import path

from api.operations.views import OperationDetail, OperationList

urlpatterns = [
    path("operations", OperationList.as_view(), name="operations"),
    path("operations/<uuid:operation_id>", OperationDetail.as_view(), name="operation"),
]
