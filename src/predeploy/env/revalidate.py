"""Whether the pages of an index that a decision rests on are still what they were."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar
from urllib.error import HTTPError
from urllib.request import HTTPSHandler, OpenerDirector, ProxyHandler, Request, build_opener

from predeploy.env.decided import Page, fresh_until

if TYPE_CHECKING:
    from email.message import Message

Asked = TypeVar("Asked")

AT_ONCE = 16
SECONDS = 15.0
LIMIT = 64 * 1024 * 1024
ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.1"
_CERTIFICATES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
_CONDITIONS = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}


def unchanged(pages: tuple[Page, ...], env: Mapping[str, str]) -> tuple[Page, ...] | None:
    """Return the pages with their new times; ``None`` where one changed, or could not be asked for.

    ``env`` holds the proxies and certificates of the build. Nobody is logged in: an index that wants that
    counts as changed.
    """
    return _each(_asked, pages, env)


def first_seen(urls: tuple[str, ...], env: Mapping[str, str]) -> tuple[Page, ...] | None:
    """Return pages as they are now; ``None`` where one cannot be had. See :func:`unchanged` for ``env``."""
    return _each(_first, urls, env)


def _each(
    ask: Callable[[Asked, OpenerDirector], Page | None], items: tuple[Asked, ...], env: Mapping[str, str]
) -> tuple[Page, ...] | None:
    """Return what came of asking for each, several at a time; ``None`` where one gave nothing."""
    try:
        opener = _opener(env)
    except OSError:
        return None
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        pages = tuple(pool.map(lambda item: ask(item, opener), items))
    known = tuple(page for page in pages if page is not None)
    return known if len(known) == len(items) else None


def _first(url: str, opener: OpenerDirector) -> Page | None:
    asked = {"accept": ACCEPT}
    try:
        with opener.open(Request(url, headers=asked), timeout=SECONDS) as response:  # noqa: S310 - http only
            told = {name.lower(): value for name, value in response.headers.items()}
            return Page(
                url=url,
                asked=asked,
                validators={name: told[name] for name in _CONDITIONS if name in told},
                digest=hashlib.sha256(response.read(LIMIT)).hexdigest(),
                fresh_until=fresh_until(told, time.time()),
            )
    except HTTPError as error:
        with error:
            missing = Page(url=url, asked=asked, validators={}, digest="", fresh_until=0, there=False)
            return missing if error.code == 404 else None
    except (OSError, ValueError):
        return None


def _opener(env: Mapping[str, str]) -> OpenerDirector:
    import ssl

    place = next((env[name] for name in _CERTIFICATES if env.get(name)), None)
    context = ssl.create_default_context(cafile=place)
    proxies = {}
    for scheme in ("http", "https"):
        proxy = env.get("PIP_PROXY") or env.get(f"{scheme}_proxy") or env.get(f"{scheme.upper()}_PROXY")
        if proxy:
            proxies[scheme] = proxy
    return build_opener(ProxyHandler(proxies), HTTPSHandler(context=context))


def _asked(page: Page, opener: OpenerDirector) -> Page | None:
    """Ask for one page; return it with its new time where it is as it was."""
    comparable = page.validators or page.digest or not page.there
    if not page.url.startswith(("http://", "https://")) or not comparable:
        return None
    headers = {
        **page.asked,
        **{_CONDITIONS[name]: value for name, value in page.validators.items()},
    }
    try:
        with opener.open(Request(page.url, headers=headers), timeout=SECONDS) as response:  # noqa: S310 - http only
            same = page.there and _is_same(page, response.headers, response.read(LIMIT))
            return _renewed(page, response.headers) if same else None
    except HTTPError as error:
        with error:
            same = error.code == (304 if page.there else 404)
            return _renewed(page, error.headers) if same else None
    except (OSError, ValueError):
        return None


def _is_same(page: Page, headers: Message, body: bytes) -> bool:
    if page.validators.get("etag") and headers.get("etag") == page.validators["etag"]:
        return True
    return bool(page.digest) and hashlib.sha256(body).hexdigest() == page.digest


def _renewed(page: Page, headers: Message) -> Page:
    told = {name.lower(): value for name, value in headers.items()}
    return replace(page, fresh_until=fresh_until(told, time.time()))
