"""A function of Firebase that answers requests."""

from firebase_functions import https_fn


@https_fn.on_request()
def hello(request):
    return https_fn.Response(f"Hello {request.args.get('name', 'World')}!")
