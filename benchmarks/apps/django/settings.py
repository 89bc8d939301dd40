SECRET_KEY = "for-measuring-only"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "rest_framework", "wagtail"]
ROOT_URLCONF = "urls"
