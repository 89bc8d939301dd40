"""A function whose only dependency stands in a Pipfile."""

import functions_framework
import requests


@functions_framework.http
def status(request):
    return str(requests.get("http://127.0.0.1:9/", timeout=1).status_code)
