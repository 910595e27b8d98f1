"""The OpenAPI document and a page to read it, on every tenant's host. Both are public: they hold nothing of a tenant's."""

from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer

from api.errors import MethodNotAllowed
from api.problems import problem_response

_YAML = "application/yaml"
_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"


@lru_cache(maxsize=2)
def _document(as_yaml: bool) -> bytes:
    renderer = OpenApiYamlRenderer() if as_yaml else OpenApiJsonRenderer()
    generator = SchemaGenerator(urlconf=settings.ROOT_URLCONF)  # type: ignore[no-untyped-call]
    schema = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    rendered: bytes = renderer.render(schema, renderer_context={})
    return rendered


def schema_document(request: HttpRequest) -> HttpResponse:
    """The document as JSON, or as YAML when `Accept` names it or `?format=yaml` asks for it."""
    if request.method not in ("GET", "HEAD"):
        return _refused(request)
    as_yaml = request.GET.get("format") == "yaml" or "yaml" in request.headers.get("Accept", "")
    response = HttpResponse(_document(as_yaml), content_type=_YAML if as_yaml else "application/json")
    response["Vary"] = "Accept"
    return response


def documentation(request: HttpRequest) -> HttpResponse:
    """A page on which the API can be read and tried; its scripts are served from here, nothing from elsewhere."""
    if request.method not in ("GET", "HEAD"):
        return _refused(request)
    response = render(request, "api/docs.html", {"tenant": request.tenant})  # type: ignore[attr-defined]  # the middleware's
    response["Content-Security-Policy"] = _POLICY
    return response


def _refused(request: HttpRequest) -> HttpResponse:
    response = problem_response(request, MethodNotAllowed("Read this with GET."))
    response["Allow"] = "GET, HEAD"
    return response
