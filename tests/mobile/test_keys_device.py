"""The device's identity, its profiles, and where its own keys lie."""

from __future__ import annotations

import stat
from base64 import urlsafe_b64decode
from datetime import UTC, datetime
from pathlib import Path

from mobile.keys.keyring import Keyring
from mobile.keys.native import DirectoryRecords, KeyringShelf, NativePrimitives, native_keys
from mobile.keys.port import Profile, Protection

PIN = "314159"


def raw(jwk: dict[str, str]) -> bytes:
    return urlsafe_b64decode(jwk["x"] + "=")


async def test_the_identity_is_made_once_and_signs_what_others_can_check(tmp_path: Path) -> None:
    first, later = native_keys(tmp_path), native_keys(tmp_path)
    jwk = await first.public_jwk()
    assert (jwk["kty"], jwk["crv"]) == ("OKP", "Ed25519")
    assert await later.public_jwk() == jwk
    signature = await later.sign(b"receipt")
    assert await first.verify(raw(jwk), signature, b"receipt")
    assert not await first.verify(raw(jwk), signature, b"another receipt")
    assert not await first.verify(bytes(32), signature, b"receipt")
    assert not await first.verify(b"short", signature, b"receipt")


async def test_two_installations_are_two_devices(tmp_path: Path) -> None:
    one, other = native_keys(tmp_path / "one"), native_keys(tmp_path / "other")
    assert await one.public_jwk() != await other.public_jwk()


async def test_device_keys_in_files_are_for_their_owner_only(tmp_path: Path) -> None:
    keys = native_keys(tmp_path)
    assert keys.protection is Protection.KEY_FILE
    await keys.public_jwk()
    await keys.create_vault_key("lin", PIN)
    assert modes_of_files(tmp_path) == [0o600] * 3


def modes_of_files(folder: Path) -> list[int]:
    return [stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()]


class SystemKeyring:
    """A system keyring as the package `keyring` shows it: text by service and account."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, account: str) -> str | None:
        return self.kept.get((service, account))

    def set_password(self, service: str, account: str, password: str) -> None:
        self.kept[service, account] = password

    def delete_password(self, service: str, account: str) -> None:
        del self.kept[service, account]


async def test_a_system_keyring_holds_the_device_keys_and_loses_them_when_forgotten(
    tmp_path: Path,
) -> None:
    system = SystemKeyring()
    primitives = NativePrimitives(KeyringShelf(system, "here"), iterations=1, memory_kib=32)
    keys = Keyring(primitives, DirectoryRecords(tmp_path))
    key = await keys.create_vault_key("lin", PIN)
    assert (await keys.unlock("lin", PIN)).key == key
    assert keys.protection is Protection.KEYRING
    assert set(system.kept) == {("huifang", "here:vault-lin")}
    await keys.forget("lin")
    assert system.kept == {}


async def test_the_last_person_to_open_the_app_is_first_on_its_sign_in_page(tmp_path: Path) -> None:
    keys = native_keys(tmp_path)
    lin = Profile(
        "lin", "https://crm.example", "u1", "林晓", last_opened_at=datetime(2026, 3, 1, tzinfo=UTC)
    )
    wang = Profile(
        "wang",
        "https://crm.example",
        "u2",
        "王强",
        language="en",
        last_opened_at=datetime(2026, 3, 2, tzinfo=UTC),
    )
    new = Profile("zhao", "https://crm.example", "u3", "赵敏")
    for profile in (lin, new, wang):
        await keys.save_profile(profile)
    assert await native_keys(tmp_path).profiles() == [wang, lin, new]
    await keys.forget_profile("wang")
    assert await keys.profiles() == [lin, new]


async def test_a_profile_written_by_a_newer_app_is_still_read(tmp_path: Path) -> None:
    keys = native_keys(tmp_path)
    await keys.save_profile(Profile("lin", "https://crm.example", "u1", "林晓"))
    record = next((tmp_path / "records").iterdir())
    record.write_text(record.read_text().replace("{", '{"theme": "dark", ', 1))
    assert [profile.display_name for profile in await keys.profiles()] == ["林晓"]


def test_a_secret_is_stretched_with_argon2id_over_64_mib_and_its_own_salt() -> None:
    primitives = NativePrimitives(KeyringShelf(SystemKeyring(), "here"))
    kdf, another = primitives.fresh_kdf(), primitives.fresh_kdf()
    assert (kdf.name, kdf.memory_kib, kdf.iterations, kdf.lanes) == ("argon2id", 65536, 3, 4)
    assert len(kdf.salt) == 16
    assert kdf.salt != another.salt
