"""The same greeting as an HTTP function for Cloud Functions."""

import functions_framework

from greeting import greeting


@functions_framework.http
def hello(request):
    return greeting("functions-framework")
