"""Settings of the API's libraries: the same on every machine."""

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tenants.identity.api.authentication.AccessTokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["api.parsing.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "api.schema.ApiSchema",
    "EXCEPTION_HANDLER": "api.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%S.%fZ",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Wild Rydes for Business",
    "DESCRIPTION": (
        "Book unicorn rides for your people. Work is accepted with `202` and done in the background: follow the operation "
        "that `Location` names. Every error is a problem document (RFC 9457). Times are ISO 8601 in UTC, amounts are integers "
        "of the currency's minor unit (ISO 4217)."
    ),
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SERVERS": [{"url": "/", "description": "Your company's own address"}],
    "ENUM_NAME_OVERRIDES": {
        "OperationStatusEnum": "api.models.OperationStatus",
        "OfferStateEnum": "rfq.presentation.OFFER_STATES",
        "RfqStateEnum": "rfq.models.RfqState",
        "RankingStrategyEnum": "rfq.models.StrategyChoice",
    },
}
