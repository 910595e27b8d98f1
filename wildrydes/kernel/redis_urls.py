"""One address of Redis for everyone: Celery and redis-py write a Unix socket's address in different ways."""

from urllib.parse import parse_qs, urlsplit


def client_url(celery_url: str) -> str:
    """The address as redis-py takes it: `redis+socket:///path?virtual_host=0` becomes `unix:///path?db=0`, others stay."""
    parts = urlsplit(celery_url)
    if parts.scheme != "redis+socket":
        return celery_url
    database = parse_qs(parts.query).get("virtual_host", ["0"])[0].strip("/") or "0"
    credentials = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return f"unix://{credentials}{parts.path}?db={database}"
