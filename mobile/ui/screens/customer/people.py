"""The people at a customer: main contact first, numbers masked, one tap to say that they hold."""

from __future__ import annotations

from collections.abc import Callable

import flet as ft

from mobile.ui import formats
from mobile.ui.components import buttons, marks, privacy, surfaces, words
from mobile.ui.components.messages import say
from mobile.ui.hooks import keyed
from mobile.ui.screens.customer.profile import Masked
from mobile.ui.state import Shell
from mobile.ui.texts import choice, t
from mobile.ui.theme import GAP
from mobile.usecases import customer_records
from mobile.usecases.customer_page import CustomerPage
from shared.entities import Contact

Opens = Callable[[str], None]


@ft.component
def People(shell: Shell, page: CustomerPage, open_: Opens) -> ft.Control:
    """A card each."""
    writing = customer_records.may_add_customers(shell.role)
    rows = [_card(shell, contact, open_, writing) for contact in page.contacts]
    add = buttons.tonal(
        shell,
        "add-contact",
        t("customer.contact.add"),
        lambda: open_(f"/customers/{page.customer.id}/contacts/new"),
        icon=ft.Icons.PERSON_ADD_ALT,
    )
    if not rows:
        return surfaces.empty(
            ft.Icons.PERSON_OUTLINE,
            t("customer.contacts.empty"),
            t("customer.contacts.empty.text"),
            add if writing else None,
        )
    if writing:
        rows.append(add)
    return ft.Column(
        rows, spacing=12, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH
    )


def _card(shell: Shell, contact: Contact, open_: Opens, writing: bool) -> ft.Control:
    badges: list[ft.Control] = []
    if contact.primary:
        badges.append(marks.badge(t("customer.contact.primary"), "strong", ft.Icons.STAR_OUTLINE))
    if contact.decides:
        badges.append(marks.badge(t("customer.contact.decides"), "active"))
    if contact.preferred_channel:
        badges.append(marks.badge(choice("preferred_channel", contact.preferred_channel)))
    lines: list[ft.Control] = [words.title(contact.name)]
    if contact.position:
        lines.append(words.faint(contact.position))
    if badges:
        lines.append(ft.Row(badges, wrap=True, spacing=GAP))
    lines.append(
        keyed(
            f"phone {contact.id}", privacy.Phone, shell, contact.phone, "contact", contact.id,
            contact.customer_id, f"phone-{contact.id}",
        )
    )  # fmt: skip
    if contact.email:
        lines.append(
            keyed(
                f"email {contact.id}", Masked, shell, "email", contact.email, "contact",
                contact.id, contact.customer_id,
            )
        )  # fmt: skip
    if contact.note:
        lines.append(words.body(contact.note))
    lines.append(_verified(shell, contact))
    if writing:
        lines.append(_actions(shell, contact, open_))
    return surfaces.card(lines)


def _verified(shell: Shell, contact: Contact) -> ft.Control:
    if contact.verified_at is None:
        return words.faint(t("customer.contact.unverified"))
    return words.faint(t("customer.check.last", when=formats.ago(contact.verified_at, shell.now())))


def _actions(shell: Shell, contact: Contact, open_: Opens) -> ft.Control:
    def verify() -> None:
        customer_records.verify_contact(shell.store, contact)
        say(shell, t("customer.verified"))

    return ft.Row(
        [
            buttons.quiet(
                shell,
                f"edit-{contact.id}",
                t("action.edit"),
                lambda: open_(f"/customers/{contact.customer_id}/contacts/{contact.id}"),
                icon=ft.Icons.EDIT_OUTLINED,
            ),
            buttons.tonal(
                shell, f"verify-{contact.id}", t("customer.check.verify"), verify,
                icon=ft.Icons.CHECK,
            ),
        ],
        wrap=True,
        spacing=GAP,
        alignment=ft.MainAxisAlignment.END,
    )  # fmt: skip
