"""Passwords of database URLs stay out of everything that is written or shown.

A process that learns a store's address calls `protect`. From then on every record, message and document
it writes goes through `redact_bytes`, and every error text through `redact`, which also blanks
the password of any URL it meets, known or not.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

MASK = "***"
MIN_BARE = 6
"""A shorter password, or one of letters alone (`postgres`), is blanked within its URL only: by itself
it would blank parts of ordinary words, and names that a recording is read by."""

_URL_PASSWORD = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@'\"]*:)([^\s@'\"]+)(@)", re.IGNORECASE)
_known: dict[str, str] = {}


def protect(address: str) -> None:
    """Remember the passwords of an address: of the URL that it is, or of those that stand in it."""
    passwords = {found[2] for found in _URL_PASSWORD.finditer(address)}
    with contextlib.suppress(ValueError):
        passwords.add(urlsplit(address).password or "")
    for password in filter(None, passwords):
        for form in {password, unquote(password)}:
            _known[f":{form}@"] = f":{MASK}@"
            if len(form) >= MIN_BARE and not form.isalpha():
                _known[form] = MASK


def redact(text: str) -> str:
    """The text without any password of a URL and without those that were protected."""
    for secret, mask in _known.items():
        text = text.replace(secret, mask)
    return _URL_PASSWORD.sub(rf"\1{MASK}\3", text)


def redact_bytes(data: bytes) -> bytes:
    """A record on its way to a file, without the protected passwords."""
    for secret, mask in _known.items():
        data = data.replace(secret.encode(), mask.encode())
    return data


def redact_file(path: Path) -> None:
    """Rewrite a log in which a protected password stands; leave every other alone."""
    if not _known:
        return
    before = path.read_bytes()
    after = redact_bytes(before)
    if after != before:
        path.write_bytes(after)
