"""Tokens, passwords and the server's own keys: pure parts of who someone is."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from shared.errors import Code, Refusal
from sync_server.services.passwords import HashCost, PasswordHashes
from sync_server.services.server_keys import (
    keys_at,
    new_keys,
    read_keys,
    readable_by_others,
    write_keys,
)
from sync_server.services.tokens import AccessClaims, AccessTokens, new_refresh_token, refresh_hash

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
CLAIMS = AccessClaims(
    org_id="org", staff_id="staff", role="technician", device_id="device", thumbprint="jkt"
)
CHEAP = HashCost(memory_kib=64, iterations=1, lanes=1)


def code_of(refused: pytest.ExceptionInfo[Refusal]) -> Code:
    return refused.value.code


def test_a_token_says_who_for_a_quarter_of_an_hour() -> None:
    tokens = AccessTokens(Ed25519PrivateKey.generate(), timedelta(minutes=15))
    token = tokens.issue(CLAIMS, NOW)
    assert tokens.read(token, NOW + timedelta(minutes=14, seconds=59)) == CLAIMS
    with pytest.raises(Refusal) as refused:
        tokens.read(token, NOW + timedelta(minutes=15))
    assert code_of(refused) is Code.TOKEN_EXPIRED


def test_a_token_of_another_server_is_no_token() -> None:
    tokens = AccessTokens(Ed25519PrivateKey.generate(), timedelta(minutes=15))
    foreign = AccessTokens(Ed25519PrivateKey.generate(), timedelta(minutes=15)).issue(CLAIMS, NOW)
    header, payload, signature = tokens.issue(CLAIMS, NOW).split(".")
    unsigned = jwt.encode({"iss": "huifang", "sub": "staff"}, "", algorithm="none")
    for bad in (foreign, f"{header}.{payload}.{signature[:-4]}AAAA", unsigned, "", "x", "a.b.c"):
        with pytest.raises(Refusal) as refused:
            tokens.read(bad, NOW)
        assert code_of(refused) is Code.TOKEN_INVALID


def test_a_token_that_leaves_a_claim_out_is_no_token() -> None:
    key = Ed25519PrivateKey.generate()
    tokens = AccessTokens(key, timedelta(minutes=15))
    whole = jwt.decode(tokens.issue(CLAIMS, NOW), options={"verify_signature": False})
    for missing in whole:
        part = {name: value for name, value in whole.items() if name != missing}
        with pytest.raises(Refusal) as refused:
            tokens.read(jwt.encode(part, key, algorithm="EdDSA"), NOW)
        assert code_of(refused) is Code.TOKEN_INVALID


def test_only_the_hash_of_a_refresh_token_is_kept() -> None:
    first, second = new_refresh_token(), new_refresh_token()
    assert first != second and len(first) >= 43
    assert first not in refresh_hash(first)
    assert refresh_hash(first) == refresh_hash(first) != refresh_hash(second)


def test_a_password_matches_itself_in_any_spelling_of_a_chinese_keyboard() -> None:
    hashes = PasswordHashes(CHEAP)
    stored = hashes.make("abc12345")
    assert hashes.matches("abc12345", stored)
    assert hashes.matches("ａｂｃ１２３４５", stored)
    assert not hashes.matches("abc12346", stored)
    assert "abc12345" not in stored
    assert hashes.make("abc12345") != stored


def test_nobody_has_no_password() -> None:
    assert not PasswordHashes(CHEAP).matches("abc12345", None)


def test_what_stands_in_for_a_missing_account_costs_as_much_as_a_real_hash() -> None:
    hashes = PasswordHashes(CHEAP)
    made, stands_in = hashes.make("abc12345").split("$"), hashes._nobody.split("$")
    assert stands_in[:4] == made[:4]  # kind, version and cost
    assert [len(part) for part in stands_in] == [len(part) for part in made]
    # A text that can't be read is refused at once, with a word about what is wrong with it.
    with pytest.raises(InvalidKey, match="do not match"):
        Argon2id.verify_phc_encoded(b"abc12345", hashes._nobody)
    assert not set(stands_in[4:]) & set(PasswordHashes(CHEAP)._nobody.split("$"))


def test_a_hash_of_another_cost_is_noticed() -> None:
    stored = PasswordHashes(CHEAP).make("abc12345")
    dearer = PasswordHashes(HashCost(memory_kib=128, iterations=1, lanes=1))
    assert dearer.outdated(stored) and dearer.matches("abc12345", stored)
    assert not PasswordHashes(CHEAP).outdated(stored)


@pytest.mark.parametrize(
    ("password", "names"),
    [("Password123", ()), ("１２３４５６７８", ()), ("zhangwei-2026", ("ZhangWei", "张伟")),
     ("我是张伟呀一二三", ("zhangwei", "张伟"))],
)  # fmt: skip
def test_a_password_that_others_try_first_is_not_taken(
    password: str, names: tuple[str, ...]
) -> None:
    with pytest.raises(Refusal) as refused:
        PasswordHashes(CHEAP).chosen(password, *names)
    assert code_of(refused) is Code.FIELD_INVALID
    assert password not in str(refused.value.details)
    PasswordHashes(CHEAP).chosen("a delight, really", "li", "李")  # in too many words to count


@pytest.mark.parametrize("password", ["", "short", "x" * 201])
def test_a_password_of_a_useless_length_is_refused(password: str) -> None:
    with pytest.raises(Refusal) as refused:
        PasswordHashes(CHEAP).make(password)
    assert code_of(refused) is Code.FIELD_INVALID
    assert password == "" or password not in str(refused.value.details)


def test_keys_are_made_once_and_only_their_owner_may_read_them(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "huifang.keys"
    keys = keys_at(path)
    assert keys_at(path).public == keys.public
    assert keys_at(path).data == keys.data
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not readable_by_others(path)
    path.chmod(0o644)
    assert readable_by_others(path)


def test_keys_are_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "huifang.keys"
    keys = keys_at(path)
    with pytest.raises(FileExistsError):
        write_keys(path, new_keys())
    assert read_keys(path).public == keys.public


def test_a_damaged_key_file_is_named_and_its_content_is_not(tmp_path: Path) -> None:
    path = tmp_path / "huifang.keys"
    keys_at(path)
    whole = json.loads(path.read_text())
    for broken in ({}, {**whole, "version": 9}, {**whole, "lookup": "AAAA"}, {**whole, "data": {}}):
        path.write_text(json.dumps(broken))
        with pytest.raises(Refusal) as refused:
            read_keys(path)
        assert code_of(refused) is Code.FILE_UNREADABLE
        assert whole["seal"] not in str(refused.value)


def test_keys_do_not_show_when_printed() -> None:
    assert "PrivateKey" not in repr(new_keys())
