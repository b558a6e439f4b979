"""What must not be shown: the API token, and control characters in what strangers say.

Unaware of where the token comes from and of what it opens.
"""

from __future__ import annotations

import hmac
import unicodedata
from typing import NoReturn

from banana_pipe.errors import NotAuthorised

MASK = "***"
MAX_SHOWN = 500
_TOO_SHORT_TO_REDACT = 8
_ACCOUNT_KEY = b"banana-pipe account 1"
_ACCOUNT_BYTES = 8
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


class Token:
    """An API token. `str`, `repr` and `format` give `***`; it is neither pickled nor copied.

    Raises NotAuthorised for a text that no header can carry; the message does not show it.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        value = value.strip()
        if not value or not all("!" <= character <= "~" for character in value):
            raise NotAuthorised(
                "the API token is not one: it is empty, or has a space, a line break or a letter outside ASCII in it",
                hint="copy it again from the provider's console, without quotes",
            )
        self._value = value

    def header(self) -> str:
        """The value of the Authorization header. For providers/http.py alone."""
        return f"Bearer {self._value}"

    def account(self) -> str:
        """Whose token this is, as far as can be told without asking: 16 hex digits, for the ledger.

        A keyed hash, cut to 64 bits: a long random token cannot be had back from it. Two tokens of one
        account count as two accounts.
        """
        return hmac.digest(_ACCOUNT_KEY, self._value.encode("ascii"), "sha256")[:_ACCOUNT_BYTES].hex()

    def redact(self, text: str) -> str:
        """*text* with `***` in the token's place, should somebody have echoed it."""
        # A token of a few letters (a mock's) would blank out half of every answer.
        return text if len(self._value) < _TOO_SHORT_TO_REDACT else text.replace(self._value, MASK)

    def __repr__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a token is not copied or pickled")


def shown(text: str, token: Token | None) -> str:
    """A stranger's *text*, fit for a terminal: one line, nothing unseen in it, at most 500 characters."""
    # First of all: what is cut or cleaned would no longer be recognised.
    redacted = token.redact(text) if token is not None else text
    seen = "".join(" " if unicodedata.category(letter) in _UNSEEN else letter for letter in redacted[: 4 * MAX_SHOWN])
    plain = " ".join(seen.split())
    return plain if len(plain) <= MAX_SHOWN else plain[: MAX_SHOWN - 1] + "…"
