import os

import celery
import django
import sentry_sdk
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()
app = get_wsgi_application()
used = (celery.Celery, sentry_sdk.init)
