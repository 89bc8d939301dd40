"""Telling trouble of the network or the disk from a defect of the app, by what a tool printed."""

from __future__ import annotations

import re

from predeploy.lazy import pattern

_STATUS = r"(?:429|50[0234]|52[0-9])"

_NODE = r"(?:ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|ESOCKETTIMEDOUT|ERR_SOCKET_TIMEOUT)"

_NLTK = (
    rf"(?:<urlopen|HTTP Error (?:403|407|{_STATUS})|timed out|Remote end closed|IncompleteRead|"
    r"Connection (?:reset|aborted|refused))"
)

_CERTAIN = pattern(
    "|".join(
        (
            r"Temporary failure in name resolution",
            # uv
            r"error sending request for url",
            r"(?:cause|Caused by): (?:dns error|tcp connect error|operation timed out|connection error)",
            r"client error \((?:Connect|SendRequest)\)",
            r"due to network timeout",
            r"error (?:decoding response body|following redirect) for url",
            r"(?:cause|Caused by): (?:error reading a body from connection|connection closed before message)",
            rf"HTTP status (?:server|client) error \({_STATUS}\b",
            # pip; its retry warnings name the same errors, but in the middle of a line
            r"^ERROR: .*HTTPS?ConnectionPool\(host=.*(?:Max retries exceeded|Read timed out)",
            r"^(?:pip\._vendor\.)?urllib3\.exceptions\.(?:ReadTimeoutError|ProtocolError|MaxRetryError)\b",
            rf"HTTP error {_STATUS} while getting",
            r"^ERROR: .*(?:Connection broken: |Exceeded \d+ redirects)",
            r"^ERROR: Download failed after \d+ attempts? because not enough bytes",
            r"^error: incomplete-download",
            # an index's page that is none, on which pip breaks
            r"pip/_internal/index/collector\.py\", line \d+, in parse_links\b",
            rf"\b{_STATUS} (?:Server|Client) Error: .* for url",
            # poetry, pipenv
            r"^[ \t]*HTTPS?ConnectionPool\(host=.*(?:Max retries exceeded|Read timed out)",
            r"All attempts to connect to \S+ failed",
            r"requests\.exceptions\.(?:ConnectionError|ConnectTimeout|ReadTimeout|ChunkedEncodingError|SSLError)",
            # git, curl
            r"Could not resolve (?:host|proxy)\b",
            r"Failed to connect to \S+ port \d+",
            r"Recv failure: Connection (?:reset by peer|timed out)",
            rf"The requested URL returned error: {_STATUS}\b",
            r"gnutls_handshake\(\) failed|SSL_ERROR_SYSCALL|SSL_connect: SSL_ERROR",
            r"(?:Operation|Connection) timed out after \d+ milliseconds",
            r"fetch-pack: unexpected disconnect|RPC failed; (?:curl \d+|HTTP 5\d\d)",
            r"ssh: (?:connect to host \S+ port \d+: |Could not resolve hostname)",
            # nltk.downloader, whose lines are broken at seventy columns
            rf"^\[nltk_data\] Error [^\n]*(?:\n\[nltk_data\]  [^\n]*)*?{_NLTK}",
            # npm
            rf"^npm (?:error|ERR!) (?:code|errno) (?:E{_STATUS}\b|{_NODE}|ERR_SSL_\w+|EPROTO)",
            rf"^npm (?:error|ERR!)\s+(?:code: '{_NODE}'|network timeout at)",
        )
    ),
    re.MULTILINE,
)
"""What a tool prints only when it gave up because of the network."""

_PIP_GAVE_UP = pattern(r"No matching distribution found for")
_PIP_LAST_RETRY = pattern(r"Retrying \(Retry\(total=0,.*after connection broken by")
_PIP_ANY_TROUBLE = pattern(r"Retrying \(Retry\(total=\d+,.*after connection broken by|Could not fetch URL ")
_PIP_FOUND_NOTHING = pattern(r"\(from versions: none\)")


_UV_CAUSE = pattern(r"^\s*(?:cause|Caused by): ")


def transient_line(output: str) -> str:
    """Return the line that shows it was the network with its causes, or the last one that says something."""
    found = _CERTAIN.search(output) or _PIP_LAST_RETRY.search(output)
    if found is not None:
        lines = output[output.rfind("\n", 0, found.start()) + 1 :].split("\n")
        said = [lines[0]]
        if _UV_CAUSE.match(lines[0]):
            for line in lines[1:]:
                if not _UV_CAUSE.match(line):
                    break
                said.append(_UV_CAUSE.sub("", line))
        return ": ".join(" ".join(line.split()) for line in said)
    return next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "")


_NO_NETWORK = pattern(
    r"network is unreachable|temporary failure in name resolution|name or service not known|"
    r"could not resolve host|no route to host|failed to resolve '|getaddrinfo failed|"
    r"\bEAI_AGAIN\b|\bENETUNREACH\b|nodename nor servname",
    re.IGNORECASE,
)


def lacks_network(output: str) -> bool:
    """Return whether a program says that it has no way out of its own loopback."""
    return _NO_NETWORK.search(output) is not None


_DISK_FULL = pattern(r"No space left on device|Disk quota exceeded", re.IGNORECASE)


def is_disk_full(output: str) -> bool:
    """Return whether something could not be written for want of space."""
    return _DISK_FULL.search(output) is not None


def is_transient(output: str) -> bool:
    """Return whether a failed pip, uv, poetry, pipenv, git or npm was kept from an index or a download.

    pip says ``No matching distribution found`` both for a version that does not exist and for an index that
    is down. It is the latter when pip ran out of retries, or had any trouble and saw no version at all.
    """
    if _CERTAIN.search(output):
        return True
    if not _PIP_GAVE_UP.search(output):
        return False
    nothing = _PIP_FOUND_NOTHING.search(output) and _PIP_ANY_TROUBLE.search(output)
    return bool(nothing or _PIP_LAST_RETRY.search(output))


def index_was_silent(output: str) -> bool:
    """Return whether pip found no version at all, and says nothing about why.

    It keeps quiet about an index that answers with an error, unless it is told to be verbose.
    """
    return bool(_PIP_GAVE_UP.search(output) and _PIP_FOUND_NOTHING.search(output)) and not is_transient(
        output
    )


_PIP_TROUBLE = pattern(
    rf"^.*Could not fetch URL \S+: (?:{_STATUS} (?:Server|Client) Error|.*(?:Max retries exceeded|"
    r"too many \d+ error responses|connection error)).*$",
    re.MULTILINE,
)


def pip_trouble(output: str) -> str:
    """Return the line in which a verbose pip says that an index answered with an error, else nothing."""
    found = _PIP_TROUBLE.search(output)
    return " ".join(found[0].split()) if found is not None else ""
