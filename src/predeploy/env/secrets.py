"""What must not be seen: one registry a run, and the masking of all that leaves it.

A value is *loose* (masked wherever it appears, inside of words too), *bounded* (masked where it is a word of
its own) or not masked, by :func:`treatment`: short and common values would shred the output and hide nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from predeploy.env.secret_words import COMMON, PLACEHOLDERS, PUBLIC_NAMES
from predeploy.lazy import pattern

if TYPE_CHECKING:
    from predeploy.env.secret_forms import Matcher

MASK = "***"
SHORTEST = 6
"""Characters from which any value given by ``--env`` is a secret."""
SHORTEST_NAMED = 4
"""Characters from which a value is one whose variable is called a secret, or that is a password of a URL."""
LOOSE_FROM = 8
"""Characters from which a secret is masked inside of words too."""
TOKEN_FROM = 12
"""Characters from which a lone user name in a web address is taken for a token."""
LEAVES = 1_000
"""Values looked at of a variable that holds JSON."""
URLS = 50_000
"""URLs with a login looked at in one text."""
LOGINS = 500
"""Different logins of URLs that are known by their words; of further ones only the URLs are masked."""
PIECE = 64 * 1024
"""Bytes after which output is passed on although the end of its line has not come."""

Treatment = Literal["loose", "bounded"]

_SECRET_NAME = pattern(
    r"SECRET|TOKEN|PASSW|PASSPHRASE|PRIVATE|CREDENTIAL|AUTH|SALT|COOKIE|SIGNATURE|WEBHOOK|LICEN[CS]E"
    r"|API_?KEY|ACCESS_?KEY|(?:^|_)(?:KEY|PASS|PWD|PIN|DSN)(?:$|_)",
    2,  # re.IGNORECASE, without importing re for it
)
_NUMBER = pattern(r"[\d.,:_+-]+")
# Greedy, so that a password holding an "@" goes as a whole.
_USERINFO = pattern(r"""(?<=[A-Za-z0-9+.-]://)[^\s/?#'"<>]+@""")
_ESCAPED_USERINFO = pattern(r"""(?<=:\\/\\/)[^\s/?#'"<>]+@""")
# Begins with what is rare: a file may be 64 MB of letters.
_LOGIN = pattern(r"""://([^\s/?#'"<>]+)@""")
_SCHEME = pattern(r"[A-Za-z0-9+.-]{1,30}\Z")
_HEADER = pattern(
    r"""(uthorization["']?\s{0,3}[:=]\s{0,3}["']?(?:(?:basic|bearer|token|digest)\s{1,3})?)[A-Za-z0-9+/=._~-]{4,}""",
    2,
)


def mask_credentials(text: str) -> str:
    """Return ``text`` without the logins in URLs (``scheme://***@``) and in authorization headers."""
    if "://" in text:
        text = _USERINFO.sub(f"{MASK}@", text)
    if ":\\/\\/" in text:
        text = _ESCAPED_USERINFO.sub(f"{MASK}@", text)
    if "uthorization" in text or "UTHORIZATION" in text:
        text = _HEADER.sub(rf"\1{MASK}", text)
    return text


def treatment(value: str, *, named: bool) -> Treatment | None:
    """Return how a value is masked; ``named``: its variable is called a secret, or it stood for one.

    Never masked are words that configuration is full of, values of too few characters, and numbers that
    nobody called a secret.
    """
    bare = value.strip()
    length = len(bare)
    if length < (SHORTEST_NAMED if named else SHORTEST) or bare.lower() in COMMON | PLACEHOLDERS:
        return None
    if len(set(bare)) < 3 or MASK in bare:
        return None
    if _NUMBER.fullmatch(bare):
        return "bounded" if named or length >= 10 else None
    return "loose" if length >= LOOSE_FROM else "bounded"


class Secrets:
    """Everything a run knows that must not be seen; filled while it goes, asked from several threads.

    Called with a text it returns the text as it may be shown.
    """

    def __init__(self) -> None:
        self._loose: set[str] = set()
        self._bounded: set[str] = set()
        self._variables: dict[str, set[str]] = {}
        self._logins: set[str] = set()
        self._compiled: Matcher | None = None
        self._lock = Lock()

    # --- what is one --------------------------------------------------------------------------------

    def variables(self, env: Mapping[str, str]) -> None:
        """Register variables of the app, by their names and values."""
        for name, value in env.items():
            self.variable(name, value)

    def variable(self, name: str, value: str) -> None:
        """Register one variable; of a public one only the credentials in a URL."""
        self.urls(value)
        if name.upper() in PUBLIC_NAMES:
            return
        named = _SECRET_NAME.search(name) is not None
        self.value(value, named=named)
        with self._lock:
            if named or treatment(value, named=False):
                self._variables.setdefault(name, set()).add(value)

    def value(self, value: str, *, named: bool = True) -> None:
        """Register one value, each of its lines, and the leaves of JSON; ``named``: it is called a secret."""
        found = dict.fromkeys((value, value.strip(), *value.splitlines()), named)
        found |= dict(_leaves(value))
        kinds = {text: treatment(text, named=called) for text, called in found.items()}
        with self._lock:
            before = len(self._loose), len(self._bounded)
            self._loose |= {text for text, kind in kinds.items() if kind == "loose"}
            self._bounded |= {text for text, kind in kinds.items() if kind == "bounded"}
            if before != (len(self._loose), len(self._bounded)):
                self._compiled = None

    def login(self, user: str, password: str) -> None:
        """Register a password, and both together as basic authentication encodes them."""
        if password.startswith(("$", "{", "%(", "<")) or password == user:
            return  # a variable's name, or a login that everybody knows
        self.value(password)
        if treatment(password, named=True):
            self.value(f"{user}:{password}")

    def urls(self, text: str) -> None:
        """Register the credentials of every URL in a text."""
        if "://" not in text or "@" not in text:
            return
        for match in islice(_LOGIN.finditer(text), URLS):
            if match[1] in self._logins or len(self._logins) >= LOGINS:
                continue
            scheme = _SCHEME.search(text, max(0, match.start() - 30), match.start())
            if scheme:
                self._logins.add(match[1])
                self._userinfo(scheme[0].lower(), match[1])

    def _userinfo(self, scheme: str, userinfo: str) -> None:
        from urllib.parse import unquote

        user, colon, password = userinfo.partition(":")
        if colon and password:
            self.login(user, password)
            self.login(unquote(user), unquote(password))
        token = not password or password.lower() in PLACEHOLDERS or len(user) >= 20
        web = scheme.rpartition("+")[2] in ("http", "https")
        if token and web and len(user) >= TOKEN_FROM and user.lower() not in PLACEHOLDERS:
            for text in {user, unquote(user)} if not user.startswith(("$", "{")) else ():
                self.login("", text)

    def content(self, data: bytes) -> None:
        """Register the credentials of the URLs in a file."""
        if b"://" in data and b"@" in data:
            self.urls(data.decode("utf-8", "surrogateescape"))

    # --- what may be shown --------------------------------------------------------------------------

    def __bool__(self) -> bool:
        """Return whether anything was registered."""
        return bool(self._loose or self._bounded or self._variables)

    def __call__(self, text: str) -> str:
        """Return ``text`` without what must not be seen."""
        if self._loose or self._bounded:
            data = text.encode("utf-8", "surrogatepass")
            masked = self.matcher.redact(data)
            text = text if masked is data else masked.decode("utf-8", "surrogatepass")
        return mask_credentials(text)

    def cleaned(self, data: bytes) -> bytes:
        """Return a file's content without secrets; of a binary one with its length unchanged."""
        if b"\0" in data[:8192]:
            return self.matcher.redact(data, same_length=True)
        text = self.matcher.redact(data).decode("utf-8", "surrogateescape")
        return mask_credentials(text).encode("utf-8", "surrogateescape")

    def of_variable(self, name: str, value: str) -> str:
        """Return what may be shown of a variable's value: nothing of one that is called a secret."""
        return MASK if self.given(name, value) else self(value)

    def given(self, name: str, value: str) -> bool:
        """Return whether this is the secret value of a variable of the app."""
        return value in self._variables.get(name, ())

    def name_of(self, value: str) -> str | None:
        """Return the variable of the app that has this secret value."""
        return next((name for name, values in self._variables.items() if value in values), None)

    def pieces(self, text: str) -> Iterator[tuple[str, bool]]:
        """Yield a text in pieces, each with whether it must not be seen."""
        data = text.encode("utf-8", "surrogatepass")
        for piece, hidden in self.matcher.pieces(data):
            shown = piece.decode("utf-8", "surrogatepass")
            position = 0
            for match in _USERINFO.finditer(shown) if not hidden else ():
                yield shown[position : match.start()], False
                yield match[0].removesuffix("@"), True
                position = match.end() - 1
            yield shown[position:], hidden

    @property
    def matcher(self) -> Matcher:
        """The search for everything registered so far."""
        compiled = self._compiled
        if compiled is not None:
            return compiled
        from predeploy.env.secret_forms import Matcher, forms

        with self._lock:
            loose = {form for value in self._loose for form in forms(value)}
            short = {form for value in self._bounded for form in forms(value)}
            self._compiled = compiled = Matcher(loose, short - loose)
            return compiled

    def stream(self) -> Stream:
        """Return a redactor of output that comes in pieces."""
        return Stream(self)


def _leaves(value: str) -> Iterator[tuple[str, bool]]:
    """Yield the texts inside of a JSON object that a variable holds, as keys of cloud services do."""
    if not value.lstrip().startswith("{"):
        return
    import json

    try:
        todo: list[tuple[str, Any]] = [("", json.loads(value))]
    except (ValueError, RecursionError):
        return
    for _ in range(LEAVES):
        if not todo:
            return
        key, item = todo.pop()
        if isinstance(item, dict):
            todo += item.items()
        elif isinstance(item, list):
            todo += [(key, below) for below in item]
        elif isinstance(item, str) and _SECRET_NAME.search(key):
            yield from dict.fromkeys((item, *item.splitlines()), True).items()


class Stream:
    """Redacts a process's output as it comes: what may be the beginning of a secret waits for the rest.

    Bytes are passed on in whole lines, or after :data:`PIECE` of them.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._held = b""
        self._before = b""

    def take(self, data: bytes) -> bytes:
        """Return what may be passed on after the next bytes."""
        held = self._held + data
        cut = held.rfind(b"\n") + 1
        if cut:
            # Two bytes are no beginning: too many lines would wait. They are looked at with the next line.
            begun = self._secrets.matcher.begun(held[:cut], least=3)
            cut = held.rfind(b"\n", 0, cut - begun) + 1 if begun else cut
        if not cut and len(held) > PIECE:
            cut = len(held) - self._secrets.matcher.begun(held, least=1)
        if not cut:
            self._held = held
            return b""
        self._held = held[cut:]
        return self._passed(held[:cut])

    def _passed(self, data: bytes) -> bytes:
        masked = self._secrets.matcher.redact(data, before=self._before)
        self._before = self._secrets.matcher.ending(data, 2)
        return masked

    def rest(self) -> bytes:
        """Return what was held back, at the end."""
        held, self._held = self._held, b""
        return self._passed(held) if held else b""

    def pending(self) -> bytes:
        """Return what is held back as it may be shown now: a beginning of a secret is masked too."""
        held, matcher = self._held, self._secrets.matcher
        begun = matcher.begun(held, least=3)
        shown = held[: len(held) - begun] if begun else held
        return matcher.redact(shown, before=self._before) + (MASK.encode() if begun else b"")
