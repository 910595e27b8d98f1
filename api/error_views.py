"""Django's own error handlers, named as `handler400` … `handler500` by both URL configurations.

The API answers problem documents; people who use the console get Django's plain pages.
"""

import sys

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from api import errors
from api.problems import domain_error, internal_error, problem_response
from wildrydes.kernel.errors import Forbidden, NotFound

_FOR_PEOPLE = ("/admin/", "/invitations/")


def _is_for_people(request: HttpRequest) -> bool:
    return request.path_info.startswith(_FOR_PEOPLE)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: Django could not make sense of the request."""
    if _is_for_people(request):
        return defaults.bad_request(request, exception)
    return problem_response(request, domain_error(exception) or errors.BadRequest("The request is malformed."))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    if _is_for_people(request):
        return defaults.permission_denied(request, exception)
    return problem_response(request, Forbidden("Your role does not allow this."))


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: no such route. Nothing about the routes that exist is told."""
    if _is_for_people(request):
        return defaults.page_not_found(request, exception)
    return problem_response(request, NotFound("There is nothing at this address. The API is described at /api/docs."))


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 when it was the database that could not be reached. Django has logged the exception."""
    raised = sys.exc_info()[1]
    told = None if raised is None else domain_error(raised)
    if told is None and _is_for_people(request):
        return defaults.server_error(request)
    return problem_response(request, told or internal_error())
