"""The outputs are what pip 26, uv 0.13, poetry 2, git 2.39 and npm 9 print; only hosts are shortened."""

# ruff: noqa: RUF001 - what the tools print, as they print it

from __future__ import annotations

import pytest

from predeploy.env.transient import is_disk_full, is_transient, transient_line

PIP_RETRY = (
    "WARNING: Retrying (Retry(total={left}, connect=None, read=None, redirect=None, status=None)) after connection "
    "broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f>: Failed to "
    "establish a new connection: [Errno 111] Connection refused')': /simple/six/\n"
)
PIP_TIMEOUT = (
    "WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection broken "
    "by 'ReadTimeoutError(\"HTTPSConnectionPool(host='pypi.org', port=443): Read timed out. (read timeout=1.0)\")': "
    "/simple/six/\n"
)
PIP_NOTHING = (
    "ERROR: Could not find a version that satisfies the requirement six (from versions: {versions})\n"
    "ERROR: No matching distribution found for six\n"
)

TRANSIENT = {
    "pip refused": PIP_RETRY.format(left=1) + PIP_RETRY.format(left=0) + PIP_NOTHING.format(versions="none"),
    "pip timeout": PIP_TIMEOUT + PIP_NOTHING.format(versions="none"),
    "pip index down, find-links up": PIP_RETRY.format(left=0) + PIP_NOTHING.format(versions="1.16.0"),
    "pip download": "ERROR: Could not install packages due to an OSError: HTTPSConnectionPool(host='files.example', "
    "port=443): Max retries exceeded with url: /six.whl (Caused by NewConnectionError('...'))\n",
    "pip read": "  raise ReadTimeoutError(self._pool, None, 'Read timed out.')\n"
    "pip._vendor.urllib3.exceptions.ReadTimeoutError: HTTPSConnectionPool(host='files.example', port=443): Read "
    "timed out.\n",
    "pip 503": "ERROR: HTTP error 503 while getting https://files.example/six.whl\n",
    "uv dns": "error: Request failed after 1 retry in 1.5s\n  cause: Failed to fetch: https://pypi.org/simple/six/\n"
    "  cause: error sending request for url (https://pypi.org/simple/six/)\n  cause: client error (Connect)\n"
    "  cause: dns error\n  cause: failed to lookup address information: Name or service not known\n",
    "uv 503": "  cause: HTTP status server error (503 Service Unavailable) for url (https://pypi.org/simple/six/)\n",
    "uv timeout": "  cause: Failed to download distribution due to network timeout. Try increasing UV_HTTP_TIMEOUT\n",
    "uv older": "  Caused by: error sending request for url (https://pypi.org/simple/six/)\n  Caused by: dns error\n",
    "poetry": "All attempts to connect to pypi.org failed.\n\nProbable Causes:\n - the server is not responding\n",
    "poetry pool": "ConnectionError\n\n  HTTPSConnectionPool(host='pypi.org', port=443): Max retries exceeded with "
    "url: /pypi/six/json (Caused by NameResolutionError(...))\n",
    "pipenv": "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='pypi.org', port=443): Max retries\n",
    "git dns": "fatal: unable to access 'https://h.example/x.git/': Could not resolve host: h.example\n",
    "git refused": "fatal: unable to access 'http://127.0.0.1:1/x.git/': Failed to connect to 127.0.0.1 port 1 after "
    "0 ms: Couldn't connect to server\n",
    "git 503": "fatal: unable to access 'https://h.example/x.git/': The requested URL returned error: 503\n",
    "git tls": "fatal: unable to access 'https://h/x.git/': gnutls_handshake() failed: An unexpected TLS packet\n",
    "git reset": "fatal: unable to access 'https://h/x.git/': Recv failure: Connection reset by peer\n",
    "npm reset": "npm error code ECONNRESET\nnpm error syscall read\nnpm error errno ECONNRESET\n",
    "npm dns": "npm ERR! code ENOTFOUND\nnpm ERR! syscall getaddrinfo\n",
    "npm 503": "npm error code E503\nnpm error 503 Service Unavailable - GET https://registry.example/left-pad\n",
    "npm timeout": "npm error code FETCH_ERROR\nnpm error network timeout at: https://registry.example/left-pad\n",
    "npm refused": "npm error {\nnpm error   code: 'ECONNREFUSED',\nnpm error   syscall: 'connect',\n",
    "npm tls": "npm error code ERR_SSL_WRONG_VERSION_NUMBER\n",
    "nltk dns": "[nltk_data] Error loading punkt: <urlopen error [Errno -2] Name or\n[nltk_data]     service not "
    "known>\nError installing package. Retry? [n/y/e]\nEOFError: EOF when reading a line\n",
    "nltk, broken before the cause": "[nltk_data] Error loading averaged_perceptron_tagger_eng:\n[nltk_data]     "
    "<urlopen error [Errno 111] Connection refused>\n",
    "nltk proxy": "[nltk_data] Error loading punkt: HTTP Error 403: Forbidden\n",
}

FINAL = {
    "nothing": "",
    "pip no such version": PIP_NOTHING.format(versions="1.15.0, 1.16.0"),
    "pip no such name": PIP_NOTHING.format(versions="none"),
    "pip recovered": PIP_RETRY.format(left=4) + PIP_NOTHING.format(versions="1.15.0, 1.16.0"),
    "pip recovered, then a conflict": PIP_TIMEOUT.replace("total=0", "total=4")
    + "ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/topics/dependency-resolution/\n",
    "pip 404": "ERROR: HTTP error 404 while getting https://files.example/six.whl\n",
    "pip hashes": "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n",
    "pip build": "error: subprocess-exited-with-error\n  × Getting requirements to build wheel did not run\n",
    "uv no such name": "error: No solution found when resolving dependencies\n  cause: Because nope was not found in "
    "the package registry and you require nope==1.0, we can conclude that your requirements are unsatisfiable.\n",
    "uv 404": "  cause: HTTP status client error (404 Not Found) for url (https://pypi.org/simple/six/)\n",
    "git 404": "fatal: unable to access 'https://h/x.git/': The requested URL returned error: 404\n",
    "git auth": "fatal: could not read Username for 'https://github.com': terminal prompts disabled\n",
    "nltk no such data": "[nltk_data] Error loading nope: Package 'nope' not found in index\nError installing package. "
    "Retry? [n/y/e]\nEOFError: EOF when reading a line\n",
    "npm 404": "npm error code E404\nnpm error 404 Not Found - GET https://registry.example/nope - Not found\n",
    "app": 'psycopg.OperationalError: connection failed: connection to server at "127.0.0.1", port 5432 failed: '
    "Connection refused\n",
}


@pytest.mark.parametrize("name", TRANSIENT)
def test_network_trouble(name: str) -> None:
    assert is_transient(TRANSIENT[name])


@pytest.mark.parametrize("name", FINAL)
def test_everything_else(name: str) -> None:
    assert not is_transient(FINAL[name])


@pytest.mark.parametrize(
    "line",
    [
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n",
        "error: Failed to install: failed to write to file: No space left on device (os error 28)\n",
        "OSError: [Errno 122] Disk quota exceeded: '/home/me/x'\n",
    ],
)
def test_a_full_disk_is_told_apart(line: str) -> None:
    assert is_disk_full(line)
    assert not is_transient(line)


@pytest.mark.parametrize("name", [*TRANSIENT, *FINAL])
def test_nothing_else_is_a_full_disk(name: str) -> None:
    assert not is_disk_full({**TRANSIENT, **FINAL}[name])


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("nltk proxy", "[nltk_data] Error loading punkt: HTTP Error 403: Forbidden"),
        ("npm dns", "npm ERR! code ENOTFOUND"),
        ("git reset", "fatal: unable to access 'https://h/x.git/': Recv failure: Connection reset by peer"),
    ],
)
def test_the_line_that_shows_it(name: str, line: str) -> None:
    assert transient_line("first\n" + TRANSIENT[name] + "last\n") == line


def test_without_such_a_line_it_is_the_last() -> None:
    assert transient_line("a\n  b \n\n") == "b"
    assert transient_line("") == ""
