"""Words that are no secret even where a variable or a URL holds them."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


COMMON = _words(
    """
    true false yes no on off none null nil auto default enabled disabled enable disable debug info
    warning error critical trace verbose quiet production development staging testing test tests local
    localhost prod dev ci docker cloud web worker release server client main master app apps application
    python python3 pip uv poetry pipenv conda django flask fastapi streamlit gunicorn uvicorn celery
    heroku google platformsh functions http https postgres postgresql mysql sqlite sqlite3 redis
    memcached mongodb rabbitmq amqp simple sync async thread threads process gevent eventlet utf-8 utf8
    c.utf-8 en_us.utf-8 utc accept warn reject fail unknown note detect plan install verify boot exact
    modelled heuristic decisive skipped failed ignored interrupted transient timeout crashed exited
    finding findings evidence platform platforms requirements requirements.txt pyproject pyproject.toml
    pipfile pipfile.lock poetry.lock uv.lock procfile runtime.txt environment.yml setup.py setup.cfg
    manage.py main.py app.py streamlit_app.py build builds package packages module modules version
    versions name names path paths line lines file files status message reason source import imports
    install installed command commands process processes
    """
)
"""Lower case; the words of configuration, of the hosts and of our own answers."""

PLACEHOLDERS = _words(
    """
    password passwd pass pw pwd secret token key user username login admin root guest test example
    changeme change-me change_me your-password yourpassword your_password mypassword postgres mysql
    redis x x-oauth-basic x-token-auth oauth2 oauth2accesstoken oauth __token__ git aws anonymous xxx
    xxxx xxxxx xxxxxx
    """
)
"""Lower case; what stands in URLs of documentation, or names a kind of login."""

PUBLIC_NAMES = _words(
    """
    DEBUG PORT HOST ENV ENVIRONMENT LOG_LEVEL LOGLEVEL TZ LANG LC_ALL PATH PYTHONPATH WEB_CONCURRENCY
    DJANGO_SETTINGS_MODULE DJANGO_DEBUG DJANGO_ENV ALLOWED_HOSTS STATIC_ROOT STATIC_URL FLASK_APP
    FLASK_ENV FLASK_DEBUG APP_ENV NODE_ENV PYTHONUNBUFFERED PYTHONDONTWRITEBYTECODE PYTHONHASHSEED
    PYTHONFAULTHANDLER PYTHONWARNINGS DISABLE_COLLECTSTATIC DEBUG_COLLECTSTATIC BUILD_WITH_GEO_LIBRARIES
    NLTK_DATA GOOGLE_FUNCTION_TARGET GOOGLE_FUNCTION_SIGNATURE_TYPE GOOGLE_FUNCTION_SOURCE
    GOOGLE_ENTRYPOINT GOOGLE_RUNTIME_VERSION GOOGLE_PYTHON_VERSION GOOGLE_PYTHON_PACKAGE_MANAGER
    FUNCTION_TARGET FUNCTION_SIGNATURE_TYPE GOOGLE_CLOUD_PROJECT GUNICORN_CMD_ARGS
    """
)
"""Variables that hosts and frameworks document as settings; only credentials in their URLs are masked."""
