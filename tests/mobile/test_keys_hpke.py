"""Our own HPKE against RFC 9180's printed values, and against the library on the server's side."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from mobile.keys import hpke
from mobile.keys.native import FileShelf, NativeEphemeralKey, NativePrimitives

# RFC 9180, appendix A.1.1 (base mode, sequence number 0).
INFO = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
EPHEMERAL = bytes.fromhex("52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736")
RECIPIENT = bytes.fromhex("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8")
RECIPIENT_PUBLIC = bytes.fromhex("3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d")
ENCAPSULATED = bytes.fromhex("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431")
SHARED = bytes.fromhex("fe0e18c9f024ce43799ae393c7e8fe8fce9d218875e8227b0187c04e7d2ea1fc")
KEY = bytes.fromhex("4531685d41d65f03dc48f6b8302c05b0")
NONCE = bytes.fromhex("56d890e5accaaf011cff4b7d")
PLAINTEXT = b"Beauty is truth, truth beauty"
AAD = b"Count-0"
CIPHERTEXT = bytes.fromhex(
    "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a"
)


@pytest.fixture
def primitives(tmp_path: Path) -> NativePrimitives:
    return NativePrimitives(FileShelf(tmp_path), iterations=1, memory_kib=32)


def test_the_rfcs_shared_secret_and_key_schedule_come_out() -> None:
    agreed = X25519PrivateKey.from_private_bytes(EPHEMERAL).exchange(
        X25519PrivateKey.from_private_bytes(RECIPIENT).public_key()
    )
    assert hpke.shared_secret(agreed, ENCAPSULATED, RECIPIENT_PUBLIC) == SHARED
    assert hpke.key_schedule(SHARED, INFO) == (KEY, NONCE)


async def test_the_rfcs_first_message_comes_out_byte_for_byte(primitives: NativePrimitives) -> None:
    ephemeral = NativeEphemeralKey(X25519PrivateKey.from_private_bytes(EPHEMERAL))
    sealed = await hpke.seal(
        primitives, RECIPIENT_PUBLIC, INFO, PLAINTEXT, aad=AAD, ephemeral=ephemeral
    )
    assert sealed == ENCAPSULATED + CIPHERTEXT


async def test_the_servers_library_opens_what_we_seal_and_only_under_the_same_info(
    primitives: NativePrimitives,
) -> None:
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
    private = X25519PrivateKey.generate()
    recipient = private.public_key().public_bytes_raw()
    plaintext = "回访记录".encode() * 1000
    sealed = await hpke.seal(primitives, recipient, b"change", plaintext)
    assert suite.decrypt(sealed, private, info=b"change") == plaintext
    with pytest.raises(InvalidTag):
        suite.decrypt(sealed, private, info=b"another")


async def test_two_seals_of_one_message_share_nothing(primitives: NativePrimitives) -> None:
    first = await hpke.seal(primitives, RECIPIENT_PUBLIC, INFO, PLAINTEXT)
    second = await hpke.seal(primitives, RECIPIENT_PUBLIC, INFO, PLAINTEXT)
    assert first[:32] != second[:32]
    assert first[32:] != second[32:]


@pytest.mark.parametrize("public", [b"", bytes(31), bytes(33), bytes(32), b"\x01" + bytes(31)])
async def test_a_key_that_is_none_is_refused(primitives: NativePrimitives, public: bytes) -> None:
    with pytest.raises(ValueError):
        await hpke.seal(primitives, public, b"", b"x")
