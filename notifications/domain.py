"""The pure rules of the company's webhook."""

from datetime import timedelta

# How long the old secret signs along after a rotation.
SECRET_OVERLAP = timedelta(hours=24)
