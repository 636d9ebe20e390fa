"""Personal data that is nobody's: right in form and check digits, in ranges kept for examples where there are such."""

from __future__ import annotations

import random
from collections.abc import Callable

NAMES = ("Ada", "Björn", "Chidi", "Daria", "Emeka", "Fatima", "Giorgos", "Hana", "Ivan", "Joana", "Kenji", "Lucía")
FAMILIES = ("Andersson", "Baker", "Costa", "Dubois", "Eze", "Fischer", "García", "Haddad", "Ito", "Jensen", "Kowalski")


def email(rng: random.Random) -> str:
    return f"{rng.choice(NAMES[:1] + NAMES[2:5]).lower()}.{rng.choice(FAMILIES[:6]).lower()}{rng.randrange(100)}@example.{rng.choice(('com', 'org', 'net'))}"


def phone(rng: random.Random) -> str:
    """Numbers kept for fiction in North America."""
    return f"+1 {rng.randrange(201, 990)}-555-01{rng.randrange(100):02}"


def ip_address(rng: random.Random) -> str:
    """Of the networks kept for documentation."""
    return f"{rng.choice(('192.0.2', '198.51.100', '203.0.113'))}.{rng.randrange(1, 255)}"


def card_number(rng: random.Random) -> str:
    """Sixteen digits whose last one makes the sum of Luhn."""
    digits = [4, *(rng.randrange(10) for _ in range(14))]
    doubled = sum(d if n % 2 else (2 * d - 9 if d > 4 else 2 * d) for n, d in enumerate(digits))
    number = "".join(map(str, [*digits, -doubled % 10]))
    return " ".join(number[n : n + 4] for n in range(0, 16, 4))


def iban(rng: random.Random) -> str:
    """A German number with right check digits (ISO 7064, 97 of 97)."""
    account = "".join(str(rng.randrange(10)) for _ in range(18))
    return f"DE{98 - int(account + '131400') % 97:02}{account}"


def social_security(rng: random.Random) -> str:
    """US form; numbers that begin with 9 are never given out."""
    return f"9{rng.randrange(100):02}-{rng.randrange(10, 70)}-{rng.randrange(1, 10_000):04}"


KINDS: dict[str, tuple[Callable[[random.Random], str], str]] = {
    "email": (email, "Write to {name} at {value} for more."),
    "phone": (phone, "{name} can be reached by phone: {value}"),
    "ip_address": (ip_address, "Last login of {name} from {value}"),
    "card_number": (card_number, "Paid by {name} with card {value}"),
    "iban": (iban, "Please transfer to {name}, IBAN {value}"),
    "social_security": (social_security, "Applicant: {name}, SSN {value}"),
}


def sentences(rng: random.Random) -> list[tuple[str, str, str]]:
    """One to three: (sentence, kind, value)."""
    made = []
    for kind in rng.sample(tuple(KINDS), rng.randrange(1, 4)):
        value = KINDS[kind][0](rng)
        made.append(
            (KINDS[kind][1].format(name=f"{rng.choice(NAMES)} {rng.choice(FAMILIES)}", value=value), kind, value)
        )
    return made
