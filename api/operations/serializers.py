"""The shape of an operation."""

from typing import Any

from rest_framework import serializers

from api.models import Operation, OperationStatus
from api.pagination import PageQuery
from api.serializers import ProblemSerializer


def represent(operation: Operation) -> dict[str, Any]:
    """The operation as clients see it. `result` and `error` are there only when it has one."""
    body: dict[str, Any] = {
        "id": operation.id,
        "kind": operation.kind,
        "status": str(operation.status),
        "steps": operation.steps,
        "created_at": operation.created_at,
        "updated_at": operation.updated_at,
        "deadline_at": operation.deadline_at,
        "cancel_requested_at": operation.cancel_requested_at,
        "finished_at": operation.finished_at,
        "links": {"self": operation.path, "resource": operation.resource_path},
    }
    if operation.result is not None:
        body["result"] = operation.result
    if operation.error is not None:
        body["error"] = operation.error
    return body


class StepSerializer(serializers.Serializer[Any]):
    """Something that has been reached."""

    name = serializers.CharField()
    at = serializers.DateTimeField()


class OperationLinksSerializer(serializers.Serializer[Any]):
    """Paths on the same host."""

    self = serializers.CharField(help_text="This operation.")
    resource = serializers.CharField(help_text="What it makes or changes.")


class OperationSerializer(serializers.Serializer[Any]):
    """Work that was accepted, and what became of it."""

    id = serializers.UUIDField()
    kind = serializers.CharField(help_text="What is done, such as `booking`.")
    status = serializers.ChoiceField(OperationStatus.choices)
    steps = StepSerializer(many=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    deadline_at = serializers.DateTimeField(help_text="By when it has ended.")
    cancel_requested_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    links = OperationLinksSerializer()
    result = serializers.DictField(required=False, help_text="When it succeeded: the resource.")
    error = ProblemSerializer(required=False, help_text="When it did not: why not.")


class OperationQuery(PageQuery):
    """Filters of the list."""

    status = serializers.ChoiceField(OperationStatus.choices, required=False)
    kind = serializers.CharField(required=False, max_length=40)
