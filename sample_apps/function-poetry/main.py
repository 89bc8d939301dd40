"""An HTTP function whose dependencies stand in pyproject.toml."""

import functions_framework
from markupsafe import escape


@functions_framework.http
def greet(request):
    return f"Hello {escape(request.args.get('name', 'World'))}!"
