"""How personal values look until someone needs them (ux: timed access; S4 #156 need-to-know)."""

from __future__ import annotations

from shared.declare import Personal

_DOTS = "••••"
MASKED = frozenset({Personal.PHONE, Personal.EMAIL, Personal.ADDRESS})
"""What is hidden until someone asks for it, which is put on record."""


def mask(value: str, personal: Personal) -> str:
    """`value` with its middle hidden by the kind of personal data it is; kinds that stay readable
    come back as is.

    Phone: first three and last two digits. E-mail: first letter and the domain. Address: its first
    six characters, and no more than half of it. Masking is for the eye: it is not what keeps data
    from someone who may not have it.
    """
    if not value:
        return value
    if personal is Personal.PHONE:
        return value[:3] + _DOTS + value[-2:] if len(value) >= 7 else _DOTS
    if personal is Personal.EMAIL:
        name, at, domain = value.partition("@")
        return f"{name[:1]}{_DOTS}{at}{domain}" if at else _DOTS
    if personal is Personal.ADDRESS:
        return value[: min(6, len(value) // 2)] + "…"
    return value
