"""The WSGI application that gunicorn serves."""

import os
from importlib import import_module

from django.core.wsgi import get_wsgi_application

from wildrydes.kernel.waits import bound_answers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wildrydes.settings")
import_module("wildrydes.celery")  # becomes the app that lower layers reach as celery.current_app
application = get_wsgi_application()
bound_answers()
