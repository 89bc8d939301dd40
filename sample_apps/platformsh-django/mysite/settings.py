"""The database is known from the deploy hook on: there are no relationships during the build."""

import base64
import json
import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = os.environ.get("PLATFORM_PROJECT_ENTROPY", "only-on-this-machine")
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.staticfiles", "notes"]
ROOT_URLCONF = "mysite.urls"
WSGI_APPLICATION = "mysite.wsgi.application"
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "static"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

relationships = json.loads(base64.b64decode(os.environ.get("PLATFORM_RELATIONSHIPS", "e30=")))
if "database" in relationships:
    database = relationships["database"][0]
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": database["path"],
            "USER": database["username"],
            "PASSWORD": database["password"],
            "HOST": database["host"],
            "PORT": database["port"],
        }
    }
