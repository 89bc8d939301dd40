"""What comes from an app, its tools or a saved file, made harmless: one function per output syntax.

Every renderer sends every text through one of these. All begin with :func:`printable`, so that no form shows
a terminal escape, a control character, or a character that reorders or hides others. What has lines of its
own also holds no command of a CI system, since any form may be printed into the log of one.
"""

from __future__ import annotations

from predeploy.lazy import pattern

_ESCAPES = pattern(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]"  # CSI
    r"|\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC: titles, links, the clipboard
    r"|[PX^_][^\x1b]*(?:\x1b\\)?"  # strings that some terminals act upon
    r"|.)?"
)
_CONTROL = pattern(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_UNSEEN = pattern(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufdd0-\ufdef\ufff0-\ufffb\ufffe\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Direction marks and overrides, line separators, and what takes no room: two names could look the same."""
_SURROGATE = pattern("[\ud800-\udfff]")
_NOT_XML = pattern("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_COMMAND = pattern(r"(?<!\S)::(?=\s*[A-Za-z])|##(?=\[|[a-z]+\[)")
"""What GitHub, Azure and TeamCity take for a command in a log, wherever our wrapping puts it."""


def printable(text: str) -> str:
    """Return text without escapes and control characters; unseen characters are spelt out."""
    if text.isascii() and text.isprintable():
        return text
    text = _CONTROL.sub("", _ESCAPES.sub("", text))
    if text.isascii():
        return text
    return _SURROGATE.sub("\ufffd", _UNSEEN.sub(_spelt, text))


def _spelt(match: object) -> str:
    character = match[0]  # type: ignore[index]
    return f"<U+{ord(character):04X}>"


def terminal(text: str) -> str:
    """Return text for a terminal or a log: also no command of a CI system."""
    text = printable(text)
    return _COMMAND.sub(_parted, text) if "::" in text or "##" in text else text


def _parted(match: object) -> str:
    first, second = match[0]  # type: ignore[index]
    return f"{first} {second}"


def line(text: str) -> str:
    """Return text for one line of a terminal or a log."""
    return " ".join(terminal(text).split())


def workflow_data(text: str) -> str:
    """Return text for the message of a GitHub workflow command."""
    return terminal(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def workflow_property(text: str) -> str:
    """Return text for a property of a GitHub workflow command."""
    return workflow_data(text).replace(":", "%3A").replace(",", "%2C")


_MARKDOWN = pattern(r"[\\`*_\[\]|~$]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;", "#": "&#35;"}


def markdown(text: str) -> str:
    """Return text for a paragraph or a table cell of Markdown: no markup, link, mention or line end."""
    flat = line(text)
    escaped = "".join(_ENTITIES.get(character, character) for character in flat)
    escaped = _MARKDOWN.sub(r"\\\g<0>", escaped)
    return escaped.replace("://", ":&#47;&#47;").replace("www.", "www&#46;")


def markdown_code(text: str) -> str:
    """Return text as a code span of Markdown that may stand in a table."""
    flat = line(text).replace("|", "\\|")
    if not flat:
        return ""
    fence = "`" * (_longest_run(flat) + 1)
    room = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{room}{flat}{room}{fence}"


def markdown_block(text: str) -> str:
    """Return text as a fenced block of Markdown."""
    shown = terminal(text)
    fence = "`" * max(3, _longest_run(shown) + 1)
    return f"{fence}text\n{shown.rstrip()}\n{fence}"


def _longest_run(text: str) -> int:
    longest = run = 0
    for character in text:
        run = run + 1 if character == "`" else 0
        longest = max(longest, run)
    return longest


def xml(text: str) -> str:
    """Return text that XML can hold; the writer of the document escapes its markup."""
    return _NOT_XML.sub("\ufffd", terminal(text))


def html(text: str) -> str:
    """Return text for HTML; the template engine escapes its markup."""
    return terminal(text)


def sarif(text: str) -> str:
    """Return text for a SARIF message, where brackets make links and braces are places."""
    shown = printable(text).replace("{", "{{").replace("}", "}}")
    return shown.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


def plain(text: str) -> str:
    """Return text for a JSON document that a website shows as it is."""
    return printable(text)
