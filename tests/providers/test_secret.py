"""What must not be shown is not shown."""

from __future__ import annotations

import copy
import hmac
import logging
import pickle
import unicodedata
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.errors import NotAuthorised
from banana_pipe.providers.secret import MAX_SHOWN, Token, shown
from tests.canary import CANARY

TOKEN = Token(CANARY)


@dataclass(frozen=True)
class _Holder:
    token: Token


def test_no_way_of_writing_a_token_shows_it(caplog: pytest.LogCaptureFixture) -> None:
    """str, repr, format, a dataclass around it and a log record all give the mask."""
    logging.getLogger("test").warning("with %s and %r", TOKEN, TOKEN)
    written = [str(TOKEN), repr(TOKEN), f"{TOKEN}", f"{TOKEN!s:>5}", f"{TOKEN:>5}", repr(_Holder(TOKEN)), caplog.text]
    assert all("***" in text and CANARY not in text for text in written)


def test_a_token_is_neither_pickled_nor_copied() -> None:
    """A pickle is a file with the token in it."""
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not copied"):
            attempt(TOKEN)


def test_a_token_has_no_dictionary_to_look_into() -> None:
    """What walks over `__dict__` (a debugger's page, a JSON encoder) finds nothing."""
    assert not hasattr(TOKEN, "__dict__")


@pytest.mark.parametrize("text", ["", "   ", "two words", "line\nbreak", "schlüssel", "a\x00b"])
def test_a_text_that_no_header_can_carry_is_refused_unseen(text: str) -> None:
    """A header with a line break in it would be two headers; the message must not show what was pasted."""
    with pytest.raises(NotAuthorised) as caught:
        Token(text)
    assert not text.strip() or text not in str(caught.value)


def test_an_account_is_told_by_its_token_and_does_not_tell_it() -> None:
    """The same for the same token, in any process; 64 bits of a keyed hash, with nothing of the token in them."""
    account = TOKEN.account()
    assert account == Token(f" {CANARY}\n").account() == hmac_of(CANARY)
    assert account != Token(f"{CANARY}x").account()
    assert len(account) == 16
    assert not any(CANARY[start : start + 4] in account for start in range(len(CANARY) - 3))


def hmac_of(text: str) -> str:
    return hmac.new(b"banana-pipe account 1", text.encode(), "sha256").hexdigest()[:16]


def test_white_space_around_a_token_goes() -> None:
    """`echo token > file` ends with a line break."""
    assert Token(f" {CANARY}\n").header() == f"Bearer {CANARY}"


@given(st.text())
def test_what_strangers_say_is_one_visible_line(text: str) -> None:
    """No control character, no bidi mark, no lone surrogate reaches a terminal."""
    plain = shown(text, TOKEN)
    assert len(plain) <= MAX_SHOWN
    assert all(unicodedata.category(letter)[0] != "C" for letter in plain)
    plain.encode("utf-8")


@given(st.text(max_size=600), st.text(max_size=600))
def test_an_echoed_token_is_masked_wherever_it_stands(before: str, after: str) -> None:
    """Also where the text is cut: half a token is a secret too."""
    assert CANARY[:12] not in shown(before.replace("canary", "") + CANARY + after.replace("canary", ""), TOKEN)
