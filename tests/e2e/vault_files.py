"""The app's files as they lie in the browser, read from outside it, as whoever holds the phone
could; and the key to them, as whoever knows the PIN as well."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import apsw
from playwright.sync_api import Page

from mobile.store.pool import MemoryDisk, MemoryFiles
from mobile.store.vault import open_vault

T = TypeVar("T")

_EVERY_FILE = """async () => {
  const found = {};
  const look = async (folder, path) => {
    for await (const [name, entry] of folder.entries()) {
      if (entry.kind === "directory") { await look(entry, `${path}${name}/`); continue; }
      const bytes = new Uint8Array(await (await entry.getFile()).arrayBuffer());
      let text = "";
      for (let at = 0; at < bytes.length; at += 32768) {
        text += String.fromCharCode(...bytes.subarray(at, at + 32768));
      }
      found[path + name] = btoa(text);
    }
  };
  await look(await navigator.storage.getDirectory(), "");
  return found;
}"""

# What mobile/keys does, said again in the page's own words. The device's key never leaves the
# browser: without it, and without the PIN, the wrap is noise.
_UNWRAP = """async ([vault, pin]) => {
  const database = await new Promise((resolve, reject) => {
    const opening = indexedDB.open("huifang-keys");
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  const get = (store, name) => new Promise((resolve, reject) => {
    const asked = database.transaction(store).objectStore(store).get(name);
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const wrap = JSON.parse(new TextDecoder().decode(await get("records", `wrap-${vault}`)));
  const device = await get("keys", `vault-${vault}`);
  const { subtle } = crypto;
  const secret = new TextEncoder().encode(pin);
  const base = await subtle.importKey("raw", secret, "PBKDF2", false, ["deriveKey"]);
  const { iterations } = wrap.kdf;
  const how = { name: "PBKDF2", hash: "SHA-256", salt: bytes(wrap.kdf.salt), iterations };
  const aes = { name: "AES-GCM", length: 256 };
  const stretched = await subtle.deriveKey(how, base, aes, false, ["decrypt"]);
  const additionalData = new TextEncoder().encode("huifang vault key v1\\0" + vault);
  const open = (key, sealed) => subtle.decrypt(
    { name: "AES-GCM", iv: sealed.slice(0, 12), additionalData }, key, sealed.slice(12));
  const inner = new Uint8Array(await open(device, bytes(wrap.sealed[0])));
  const key = new Uint8Array(await open(stretched, inner));
  database.close();
  return { key: [...key], extractable: device.extractable };
}"""


def every_file(page: Page) -> dict[str, bytes]:
    """All files of the app's private file system, by path, also those that it has open."""
    found: dict[str, str] = page.evaluate(_EVERY_FILE)
    return {path: base64.b64decode(content) for path, content in found.items()}


def unwrapped(page: Page, vault: str, pin: str) -> tuple[bytes, bool]:
    """The vault's key, and whether the device's key could be taken out of the browser."""
    answer: dict[str, Any] = page.evaluate(_UNWRAP, [vault, pin])
    return bytes(answer["key"]), bool(answer["extractable"])


def natively(
    files: dict[str, bytes], vault: str, key: bytes, look: Callable[[apsw.Connection], T]
) -> T:
    """What `look` sees in the vault when a native SQLite opens copies of its files."""
    copies = {path.rsplit("/", 1)[-1]: content for path, content in files.items()}

    async def open_and_look() -> T:
        disk = MemoryFiles(disk=MemoryDisk(copies))
        await disk.claim(vault)
        return look(open_vault(disk, vault, key))

    # In a thread of its own: Playwright's event loop is running in this one.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, open_and_look()).result()
