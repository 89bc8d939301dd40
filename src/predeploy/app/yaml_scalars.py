"""What a plain YAML scalar means: by YAML 1.1, and in our own stricter reading."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from predeploy.lazy import pattern

_BOOL = pattern(r"(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)")
_NULL = pattern(r"(?:~|null|Null|NULL|)")
_INT = pattern(
    r"[-+]?(?:0b[0-1_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*(?::[0-5]?[0-9])+)", re.ASCII
)
_FLOAT = pattern(
    r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
    re.ASCII,
)
_TIME = pattern(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?", re.ASCII)
_DATE = pattern(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_PLAIN_INT = pattern(r"[-+]?(?:0|[1-9][0-9]{0,18})", re.ASCII)
_MAYBE_FLOAT = pattern(r"[-+]?[0-9]+[eE][-+]?[0-9]+", re.ASCII)
_MAYBE_BOOL = pattern(r"(?:y|n|yes|no|on|off|true|false)", re.IGNORECASE)

DIGIT_LIMIT = 1_000
"""Characters of a number; the interpreter refuses to read more than 4300 digits."""


class UnclearScalar(Exception):  # noqa: N818 - a condition, which the caller gives its line
    """A scalar that has no value we would answer for; the text continues a sentence about its line."""


def lenient_value(text: str, tag: str | None = None) -> Any:
    """Return what YAML 1.1 makes of a plain scalar, or of one with a standard tag; dates stay strings."""
    if tag is None:
        tag = _implied(text)
    make = _MAKERS.get(tag)
    if make is None:
        raise UnclearScalar(f"has the tag !!{tag[:60]}, which is not known")
    if tag in ("int", "float") and len(text) > DIGIT_LIMIT:
        raise UnclearScalar("holds a number longer than we read")
    try:
        return make(text)
    except (ValueError, OverflowError):
        raise UnclearScalar(f"has a value that is no {tag}: {text[:60]}") from None


def _implied(text: str) -> str:
    if _NULL.fullmatch(text):
        return "null"
    if _BOOL.fullmatch(text):
        return "bool"
    if text[0] in "+-.0123456789":
        if _INT.fullmatch(text):
            return "int"
        if _FLOAT.fullmatch(text):
            return "float"
    return "str"


def strict_value(text: str) -> Any:
    """Return a plain scalar of our own files: text, a decimal integer, true, false, null or an ISO date."""
    words = {"true": True, "false": False, "null": None}
    if text in words:
        return words[text]
    if text == "":
        raise UnclearScalar("has no value: write null, or quote an empty string")
    if _MAYBE_BOOL.fullmatch(text) or _NULL.fullmatch(text):
        raise UnclearScalar(f"has the value {text}: write true, false or null, or quote it")
    if _PLAIN_INT.fullmatch(text):
        return int(text)
    if _DATE.fullmatch(text):
        return _date(text)
    if _TIME.fullmatch(text) or _MAYBE_FLOAT.fullmatch(text) or text == "=":
        raise UnclearScalar(f"has the value {text[:60]}: quote it")
    if _implied(text) in ("int", "float"):
        raise UnclearScalar(
            f"has the value {text[:60]}: quote it, it would be read as the number{_shown(text)}"
        )
    return text


def _shown(text: str) -> str:
    try:
        return f" {lenient_value(text)}"[:60]
    except UnclearScalar:
        return ""


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UnclearScalar(f"has the value {text}, which is not a day") from None


def _bool(text: str) -> bool:
    if not _BOOL.fullmatch(text):
        raise ValueError(text)
    return text.lower() in ("yes", "true", "on")


def _int(text: str) -> int:
    digits = text.replace("_", "")
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    if ":" in digits:
        return sign * int(_sexagesimal(digits))
    if digits.startswith("0b"):
        return sign * int(digits[2:], 2)
    if digits.startswith("0x"):
        return sign * int(digits[2:], 16)
    return sign * int(digits, 8 if digits.startswith("0") and digits != "0" else 10)


def _float(text: str) -> float:
    digits = text.replace("_", "").lower()
    sign = -1.0 if digits.startswith("-") else 1.0
    digits = digits.lstrip("+-")
    if digits == ".inf":
        return sign * float("inf")
    if digits == ".nan":
        return float("nan")
    return sign * (_sexagesimal(digits) if ":" in digits else float(digits))


def _sexagesimal(digits: str) -> float:
    total: float = 0
    for part in digits.split(":"):
        total = total * 60 + (float(part) if "." in part else int(part))
    return total


def _null(text: str) -> None:
    if not _NULL.fullmatch(text):
        raise ValueError(text)


_MAKERS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "bool": _bool,
    "int": _int,
    "float": _float,
    "null": _null,
    "timestamp": str,
}
