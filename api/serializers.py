"""Base classes that say no to what was not asked for."""

from collections.abc import Mapping
from typing import Any, TypeVar

from rest_framework import serializers
from rest_framework.request import Request

from api.errors import InvalidQuery
from api.problems import flatten

_WRONG_TYPE = "Send a JSON {expected}, not {got}."
_TYPES: tuple[tuple[tuple[type[Any], ...], tuple[type, ...], str], ...] = (
    ((serializers.BooleanField,), (bool,), "boolean"),
    ((serializers.IntegerField,), (int,), "integer"),
    ((serializers.FloatField,), (int, float), "number"),
    (
        (
            serializers.CharField,
            serializers.UUIDField,
            serializers.DateTimeField,
            serializers.DateField,
            serializers.TimeField,
            serializers.DurationField,
        ),
        (str,),
        "string",
    ),
)


def _json_type(value: Any) -> str:
    if value is None:
        return "null"
    names = {
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "a string",
        list: "an array",
        dict: "an object",
    }
    return names.get(type(value), "that")


def _type_error(field: Any, value: Any) -> Any:
    """What is wrong with the JSON type of `value`, in DRF's shape of details; None when nothing is."""
    if value is None:
        return None
    if isinstance(field, serializers.ListField):
        if not isinstance(value, list):
            return None
        found = {index: wrong for index, item in enumerate(value) if (wrong := _type_error(field.child, item))}
        return found or None
    if isinstance(field, serializers.ChoiceField) and not isinstance(field, serializers.MultipleChoiceField):
        taken, expected = tuple({type(choice) for choice in field.choices}), "value of the listed ones"
    else:
        for kinds, python_types, name in _TYPES:
            if isinstance(field, kinds):
                taken, expected = python_types, name
                break
        else:
            return None
    if isinstance(value, taken) and (not isinstance(value, bool) or bool in taken):
        return None
    return [_WRONG_TYPE.format(expected=expected, got=_json_type(value))]


class StrictSerializer(serializers.Serializer[Any]):
    """For bodies: unknown fields are refused, and a value must have its field's JSON type (no "5" for 5, no true for 1)."""

    def to_internal_value(self, data: Any) -> Any:
        """Validate, reporting everything that is wrong at once.

        Raises:
            ValidationError: becomes a 422 problem document with a pointer to each field.
        """
        if not isinstance(data, Mapping):
            return super().to_internal_value(data)
        fields = {name: field for name, field in self.fields.items() if not field.read_only}
        wrong: dict[Any, Any] = {name: ["There is no such field."] for name in data if name not in fields}
        for name, field in fields.items():
            if name in data and (error := _type_error(field, data[name])):
                wrong[name] = error
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            detail = error.detail if isinstance(error.detail, dict) else {"non_field_errors": error.detail}
            raise serializers.ValidationError({**detail, **wrong}) from None
        if wrong:
            raise serializers.ValidationError(wrong)
        return value


class FieldProblemSerializer(serializers.Serializer[Any]):
    """What is wrong with one field or query parameter."""

    pointer = serializers.CharField(required=False, help_text="JSON pointer (RFC 6901) into the body.")
    parameter = serializers.CharField(required=False, help_text="Name of the query parameter.")
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """A problem document (RFC 9457)."""

    type = serializers.URLField(help_text="Says which kind of problem; stable.")
    title = serializers.CharField()
    status = serializers.IntegerField(help_text="The HTTP status.")
    detail = serializers.CharField(help_text="What happened this time and what to do next.")
    instance = serializers.CharField(required=False, help_text="Path of the request.")
    errors = FieldProblemSerializer(many=True, required=False)  # type: ignore[assignment]  # a field, not the property
    request_id = serializers.CharField(required=False)


class QuerySerializer(serializers.Serializer[Any]):
    """For query parameters, which are text: unknown and repeated ones are refused. Read by `read_query`."""


Q = TypeVar("Q", bound=QuerySerializer)


def read_query(request: Request, shape: type[Q]) -> dict[str, Any]:
    """The request's query parameters, validated.

    Raises:
        InvalidQuery: a 400 problem document naming each parameter at fault.
    """
    given = request.query_params
    names = [str(name) for name in given]
    serializer = shape(data={name: given[name] for name in names})
    known = [str(name) for name in serializer.fields]
    wrong = [
        {"parameter": _shown(name), "detail": "There is no such parameter."} for name in names if name not in known
    ]
    wrong += [
        {"parameter": name, "detail": "Give it once."}
        for name in known
        if name in given and len(given.getlist(name)) > 1
    ]
    if not serializer.is_valid():
        wrong += [{"parameter": at.strip("/"), "detail": text} for at, text in flatten(serializer.errors)]
    if wrong:
        raise InvalidQuery("Correct the query parameters listed in `errors`.", errors=wrong)
    return dict(serializer.validated_data)


def _shown(name: str) -> str:
    return name[:100].encode("utf-8", "replace").decode("utf-8")
