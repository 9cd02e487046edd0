"""What the package refuses is shown with its message."""

import pytest

from dkg import cipher
from dkg.reproduction import refusal


def refuse(kind):
    raise kind("not with me")


def test_the_message_of_a_refusal_is_returned():
    for kind in (ValueError, OSError, RuntimeError, cipher.CipherError):
        assert refusal(refuse, kind) == "not with me"
    assert "invalid literal" in refusal(int, "x", base=10)


def test_a_call_that_is_not_refused_is_an_error():
    with pytest.raises(AssertionError, match="int was not refused"):
        refusal(int, "1")


def test_other_errors_are_no_refusals():
    with pytest.raises(TypeError):
        refusal(refuse, TypeError)
