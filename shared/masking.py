"""How personal values look until someone needs them (ux: timed access; S4 #156 need-to-know)."""

from __future__ import annotations

from shared.declare import Personal

_DOTS = "••••"


def mask(value: str, personal: Personal) -> str:
    """`value` with its middle hidden by the kind of personal data it is; kinds that stay readable
    come back as is.

    Phone: first three and last two digits. E-mail: first letter and the domain. Address: its first
    six characters. Masking is for the eye: it is not what keeps data from someone who may not have
    it.
    """
    if personal is Personal.PHONE:
        return value[:3] + _DOTS + value[-2:] if len(value) >= 7 else _DOTS
    if personal is Personal.EMAIL:
        name, at, domain = value.partition("@")
        return f"{name[:1]}{_DOTS}{at}{domain}" if at else _DOTS
    if personal is Personal.ADDRESS:
        return value[:6] + "…" if len(value) > 6 else value
    return value
