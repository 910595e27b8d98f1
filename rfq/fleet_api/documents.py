"""How the endpoints are described in the fleet's OpenAPI document."""

from drf_spectacular.utils import extend_schema

from rfq.fleet_api.serializers import AnswerRequest, AskedPage, InquirySerializer, ReceiptSerializer, RequestsQuery

_TAG = ["fleet"]

requests_docs = extend_schema(
    operation_id="pull_requests", tags=_TAG, parameters=[RequestsQuery], responses={200: AskedPage}
)
request_docs = extend_schema(operation_id="get_request", tags=_TAG, responses={200: InquirySerializer})
answer_docs = extend_schema(
    operation_id="answer_request", tags=_TAG, request=AnswerRequest, responses={201: ReceiptSerializer}
)
