import pytest


@pytest.fixture(autouse=True)
def _quick_passwords(settings):
    """Hashing is slow on purpose; how slow is not what is tested here."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
