"""The product's own web application, sending the naive way."""

from importlib import import_module

from wildrydes.wsgi import application

import_module("bench._naive").install()  # once Django is set up
__all__ = ["application"]
