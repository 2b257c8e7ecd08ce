"""The vault in a real browser: durable, encrypted, and the same file natively.

The app under tests/browser/apps/vault_app carries out verbs; the files are read from outside it,
as whoever holds the phone could.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from playwright.sync_api import Playwright

from mobile.pwa.builder import build_web_app
from mobile.pwa.wheels import DEFAULT_CACHE
from mobile.store.pool import MemoryDisk, MemoryFiles
from mobile.store.vault import faults, open_vault
from shared.errors import Code, Refusal
from tests.browser.harness import ORIGIN, Browser, Site, Tab, copy_profile, keep_app
from tests.browser.loot import EXPORT, IMPORT
from tests.mobile import test_keys_hpke as rfc9180

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
PIN, WRONG = "314159", "271828"
NAME = "林晓的客户：上海第一人民医院"
FILES = ("lin.db", "lin.db-wal", "lin.db-journal")

# An answer that never comes is a failure with a name, not a run that stands still.
ASK = """([ask, verb, args]) => new Promise((resolve, reject) => {
  setTimeout(() => reject(new Error(`no answer to ${verb}`)), 60_000);
  const channel = new BroadcastChannel("huifang-proof");
  channel.onmessage = (event) => {
    const message = JSON.parse(event.data);
    if (message.answer === ask) { channel.close(); resolve(message); }
  };
  channel.postMessage(JSON.stringify({ ask, verb, args }));
})"""

STORED = """async (name) => {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle("vaults");
  const file = await (await folder.getFileHandle(name)).getFile();
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 32768) {
    text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  }
  return btoa(text);
}"""


class App:
    """The app in one tab, and the origin's files as they lie there."""

    _asked = itertools.count(1)

    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        tab.wait_text("listening")

    def answer(self, verb: str, **args: Any) -> dict[str, Any]:
        asked = [next(self._asked), verb, args]
        answer: dict[str, Any] = self.tab.page.evaluate(ASK, asked)
        assert "failed" not in answer, answer["failed"]
        return answer

    def ask(self, verb: str, **args: Any) -> Any:
        answer = self.answer(verb, **args)
        assert "value" in answer, answer
        return answer["value"]

    def refused(self, verb: str, **args: Any) -> tuple[str, dict[str, Any]]:
        answer = self.answer(verb, **args)
        assert "refused" in answer, answer
        return answer["refused"], answer["details"]

    def stored(self, name: str) -> bytes:
        return base64.b64decode(self.tab.page.evaluate(STORED, name))


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The vault app, with the code that it is there to prove."""
    source = tmp_path_factory.mktemp("vault_app")
    shutil.copytree(HERE / "apps" / "vault_app", source, dirs_exist_ok=True)
    for part in ("shared", "mobile/keys", "mobile/store"):
        shutil.copytree(
            REPOSITORY / part, source / part, ignore=shutil.ignore_patterns("__pycache__")
        )
    (source / "mobile" / "__init__.py").touch()
    built = tmp_path_factory.mktemp("vault_web") / "web"
    build_web_app(built, cache=DEFAULT_CACHE, progress=lambda *_: None, app_dir=source)
    return built


@pytest.fixture(scope="module")
def seasoned(playwright: Playwright, dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A profile whose browser has kept the app's own files: to be copied, not opened."""
    profile = tmp_path_factory.mktemp("visited")
    with Site(dist) as site:
        keep_app(playwright, profile, site.address)
    return profile


@pytest.fixture
def phone(
    dist: Path, seasoned: Path, browser_on: Callable[..., Browser], tmp_path: Path
) -> Iterator[Callable[[], App]]:
    """`phone()` opens the app anew on the same device; an earlier tab of it is gone by then."""
    copy_profile(seasoned, tmp_path / "phone")
    with Site(dist) as site:
        browser = browser_on("phone", leads_to=site.address)
        yield lambda: App(browser.visit(ORIGIN))


def natively(copy: dict[str, bytes], key: bytes) -> int:
    """Rows that a native SQLite finds in the copied files."""

    async def count() -> int:
        files = MemoryFiles(disk=MemoryDisk(copy))
        await files.claim("lin")
        connection = open_vault(files, "lin", key)
        assert faults(connection) == []
        found: int = connection.execute("select count(*) from customer where name=?", (NAME,)).get
        return found

    # In a thread of its own: Playwright's event loop is running in this one.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, count()).result()


def test_webcrypto_seals_as_the_rfc_prints_it_and_its_keys_cannot_be_taken_out(
    phone: Callable[[], App],
) -> None:
    app = phone()
    sealed = app.ask(
        "hpke_with_fixed_key",
        private=rfc9180.EPHEMERAL.hex(),
        public=rfc9180.ENCAPSULATED.hex(),
        recipient=rfc9180.RECIPIENT_PUBLIC.hex(),
        info=rfc9180.INFO.hex(),
        plaintext=rfc9180.PLAINTEXT.hex(),
        aad=rfc9180.AAD.hex(),
    )
    assert bytes.fromhex(sealed) == rfc9180.ENCAPSULATED + rfc9180.CIPHERTEXT

    server = X25519PrivateKey.generate()
    public = server.public_key().public_bytes_raw()
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
    text = NAME.encode() * 1000
    message = bytes.fromhex(
        app.ask("seal", recipient=public.hex(), info=b"change".hex(), plaintext=text.hex())
    )
    assert suite.decrypt(message, server, info=b"change") == text
    with pytest.raises(InvalidTag):
        suite.decrypt(message, server, info=b"another")
    assert app.ask("seal_to_nobody") == "ValueError"

    said = app.ask("identity", message=b"receipt".hex())
    device = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(said["jwk"]["x"] + "="))
    device.verify(bytes.fromhex(said["signature"]), b"receipt")
    key = Ed25519PrivateKey.generate()
    signed = {
        "public": key.public_key().public_bytes_raw().hex(),
        "signature": key.sign(b"lease").hex(),
    }
    assert app.ask("verify", message=b"lease".hex(), **signed) is True
    assert app.ask("verify", message=b"forged".hex(), **signed) is False

    app.ask("create", secret=PIN)
    taken = app.ask("taking_keys_out")
    assert taken == {"identity": "InvalidAccessError", "vault-lin": "InvalidAccessError"}
    app.tab.reload()
    assert App(app.tab).ask("identity", message="")["jwk"] == said["jwk"]


def test_the_browsers_file_is_durable_holds_no_plain_text_and_opens_natively(
    phone: Callable[[], App],
) -> None:
    app = phone()
    assert app.ask("about")["durable"] is True
    app.ask("create", secret=PIN)
    assert app.ask("settings") == {
        "journal_mode": "wal",
        "synchronous": 2,
        "locking_mode": "exclusive",
        "secure_delete": 1,
        "cipher": "chacha20",
    }
    assert app.ask("fill", name=NAME, rows=2000) == 2000
    in_use = {name: app.stored(name) for name in FILES}
    assert len(in_use["lin.db-wal"]) > 100_000
    assert app.ask("checkpoint") == []
    at_rest = {name: app.stored(name) for name in FILES}
    assert len(at_rest["lin.db"]) > 100_000
    assert len(at_rest["lin.db-wal"]) == 0
    for plain in (NAME.encode(), NAME[:4].encode(), b"customer", b"SQLite format 3"):
        for copy in (in_use, at_rest):
            assert plain not in b"".join(copy.values())

    key = bytes.fromhex(app.ask("keys_of", secret=PIN)[0])
    assert natively(at_rest, key) == 2000
    assert natively(in_use, key) == 2000
    with pytest.raises(Refusal) as caught:
        natively(at_rest, bytes(32))
    assert caught.value.code is Code.VAULT_WRONG_KEY

    assert app.refused("claim_from_another_place") == ("vault_locked_elsewhere", {})
    app.tab.reload()
    app = App(app.tab)
    assert app.ask("unlock", secret=PIN) == 2000

    app.ask("renew")
    app.ask("checkpoint")
    renewed = {name: app.stored(name) for name in FILES}
    with pytest.raises(Refusal) as caught:
        natively(renewed, key)
    assert caught.value.code is Code.VAULT_WRONG_KEY
    (new_key,) = app.ask("keys_of", secret=PIN)
    assert natively(renewed, bytes.fromhex(new_key)) == 2000
    app.ask("lock")
    assert app.refused("open_with", key=key.hex())[0] == "vault_wrong_key"
    assert app.ask("unlock", secret=PIN) == 2000


def test_a_killed_tab_loses_no_commit_and_keeps_no_half_transaction(
    phone: Callable[[], App],
) -> None:
    app = phone()
    app.ask("create", secret=PIN)
    app.ask("single_commits", name=NAME, rows=1000)
    assert app.ask("log_append", sealed=["aa" * 100, "bb"]) == [1, 2]
    app.ask("fill_and_hang", name="half", rows=3000)
    app.tab.kill()

    app = phone()
    assert app.ask("unlock", secret=PIN) == 1000
    assert app.ask("checkpoint") == []
    assert app.ask("log_entries") == [[1, "aa" * 100], [2, "bb"]]
    assert app.ask("log_entries", discard_through=1) == [[2, "bb"]]
    assert app.ask("log_append", sealed=["cc"]) == [3]


def test_a_sealed_copy_of_a_photo_survives_the_tab_and_the_vault(
    phone: Callable[[], App],
) -> None:
    app = phone()
    app.ask("create", secret=PIN)
    size = 262144
    assert app.ask("copy_write", name="one", pieces=5, size=size) > 5 * size
    assert app.ask("copy_write", name="one", pieces=3, size=size) < 4 * size  # in its place
    app.ask("copy_write", name="two", pieces=1, size=7)
    app.tab.kill()

    app = phone()
    app.ask("lose_the_vault")
    assert app.ask("copies") == ["one", "two"]
    assert app.ask("copy_read", name="one", offset=size + 5) == [size, size, 1]
    assert app.ask("copy_read", name="one", offset=-1) == [-1, 4, ord("h")]
    app.ask("copy_remove", name="one")
    app.ask("copy_remove", name="one")
    assert app.ask("copies") == ["two"]
    app.ask("forget")
    assert app.ask("copies") == []


def test_the_tenth_wrong_pin_destroys_the_key_though_the_page_is_reloaded(
    phone: Callable[[], App],
) -> None:
    app = phone()
    app.ask("create", secret=PIN)
    app.ask("lock")
    for remaining in (9, 8, 7, 6):
        assert app.refused("unlock", secret=WRONG) == ("wrong_secret", {"remaining": remaining})
    app.tab.reload()
    app = App(app.tab)
    assert app.ask("about")["tries_left"] == 6
    for remaining in (5, 4, 3, 2, 1):
        assert app.refused("unlock", secret="") == ("wrong_secret", {"remaining": remaining})
    assert app.refused("unlock", secret=WRONG)[0] == "vault_destroyed"
    assert app.refused("unlock", secret=PIN)[0] == "vault_destroyed"
    assert app.ask("taking_keys_out") == {}
    app.ask("forget")
    assert app.ask("about")["vaults"] == []
    app.ask("create", secret=PIN)
    assert app.ask("count") == 0


def test_a_full_quota_is_said_and_loses_nothing(phone: Callable[[], App]) -> None:
    app = phone()
    app.ask("create", secret=PIN)
    saved = app.ask("fill", name=NAME, rows=1000)
    session = app.tab.cdp()
    origin = app.tab.page.evaluate("location.origin")
    used = session.send("Storage.getUsageAndQuota", {"origin": origin})["usage"]
    quota = {"origin": origin, "quotaSize": used + 300_000}
    session.send("Storage.overrideQuotaForOrigin", quota)
    for _ in range(40):
        answer = app.answer("fill", name=NAME, rows=1000)
        if "refused" in answer:
            break
        saved = answer["value"]
    assert answer["refused"] == "disk_full"
    assert app.ask("count") == saved > 1000
    assert app.refused("copy_write", name="late", pieces=8, size=262144)[0] == "disk_full"
    assert app.ask("copies") == []
    session.send("Storage.overrideQuotaForOrigin", {"origin": origin})
    assert app.ask("fill", name=NAME, rows=1) == saved + 1
    app.tab.reload()
    assert App(app.tab).ask("unlock", secret=PIN) == saved + 1


def test_all_that_a_script_can_copy_opens_nowhere_else(
    dist: Path, seasoned: Path, browser_on: Callable[..., Browser], tmp_path: Path
) -> None:
    """Files, wraps and PIN: whatever runs in the page could take them, but never the keys."""
    copy_profile(seasoned, tmp_path / "mine")
    with Site(dist) as site:
        mine = browser_on("mine", leads_to=site.address)
        phone = App(mine.visit(ORIGIN))
        phone.ask("create", secret=PIN)
        phone.ask("fill", name="林晓的客户", rows=3)
        phone.ask("lock")
        loot = phone.tab.page.evaluate(EXPORT)
        assert loot["taken"] == "" and loot["records"] and loot["files"]
        mine.close()
        thief = browser_on("thief", leads_to=site.address).visit(ORIGIN)
        App(thief)
        thief.page.evaluate(IMPORT, loot)
        thief.reload()
        code, details = App(thief).refused("unlock", secret=PIN)
        assert (code, details["reason"]) == ("vault_wrong_key", "no_device_key")


def test_a_copy_of_the_whole_profile_is_the_same_device_to_the_browser(
    dist: Path, seasoned: Path, browser_on: Callable[..., Browser], tmp_path: Path
) -> None:
    """The truth about a browser's keys, as the threat model tells it: scripts can't take them out,
    but Chromium keeps them in the profile's files. The server notices the copy
    (`test_a_device_that_goes_on_in_two_places_is_shut_out_and_alarmed`)."""
    copy_profile(seasoned, tmp_path / "mine")
    with Site(dist) as site:
        mine = browser_on("mine", leads_to=site.address)
        phone = App(mine.visit(ORIGIN))
        phone.ask("create", secret=PIN)
        phone.ask("fill", name="林晓的客户", rows=3)
        phone.ask("lock")
        mine.close()
        copy_profile(tmp_path / "mine", tmp_path / "copy")
        copy = App(browser_on("copy", leads_to=site.address).visit(ORIGIN))
        assert copy.ask("unlock", secret=PIN) == 3
