"""SHA-256 without OpenSSL, which ``hashlib`` loads first and which costs more than our few digests."""

from __future__ import annotations

import sys

if sys.version_info >= (3, 12):
    try:
        from _sha2 import sha256 as _sha256
    except ImportError:  # another interpreter, or one that was built with OpenSSL's alone
        from hashlib import sha256 as _sha256
else:
    try:
        from _sha256 import sha256 as _sha256  # type: ignore[import-not-found]
    except ImportError:
        from hashlib import sha256 as _sha256


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of some bytes as hexadecimal digits."""
    digits: str = _sha256(data).hexdigest()
    return digits
