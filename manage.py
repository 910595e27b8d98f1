#!/usr/bin/env python
"""Django's command line."""

import os
import sys
from importlib import import_module

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from wildrydes.kernel.errors import ConfigurationError

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wildrydes.settings")
    try:
        import_module("wildrydes.celery")  # becomes the app that lower layers reach as celery.current_app
        execute_from_command_line(sys.argv)
    except (ConfigurationError, ImproperlyConfigured) as error:
        sys.exit(f"{error}")
