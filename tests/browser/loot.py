"""What a script in the page could carry away, and bring into another browser: the vault's files and
the wraps of its key. It tries the device's key as well."""

from __future__ import annotations

EXPORT = """async () => {
  const opening = indexedDB.open("huifang-keys");
  const done = (request) => new Promise((resolve) => {
    request.onsuccess = () => resolve(request.result);
  });
  const database = await done(opening);
  const store = database.transaction("records").objectStore("records");
  const [names, values] = [await done(store.getAllKeys()), await done(store.getAll())];
  const device = await done(database.transaction("keys").objectStore("keys").get("vault-lin"));
  let taken = "";
  for (const form of ["raw", "jwk"]) {
    try {
      await crypto.subtle.exportKey(form, device);
      taken = form;
    } catch { /* as it should be */ }
  }
  database.close();
  const files = {};
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle("vaults");
  for await (const [name, entry] of folder.entries()) {
    if (entry.kind !== "file") continue;
    files[name] = [...new Uint8Array(await (await entry.getFile()).arrayBuffer())];
  }
  return { records: names.map((name, at) => [name, [...values[at]]]), files, taken };
}"""

IMPORT = """async ({ records, files }) => {
  const opening = indexedDB.open("huifang-keys");
  const database = await new Promise((resolve) => {
    opening.onsuccess = () => resolve(opening.result);
  });
  const write = database.transaction("records", "readwrite");
  const store = write.objectStore("records");
  for (const [name, bytes] of records) store.put(new Uint8Array(bytes), name);
  await new Promise((resolve) => { write.oncomplete = resolve; });
  database.close();
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle("vaults", { create: true });
  for (const [name, bytes] of Object.entries(files)) {
    const stream = await (await folder.getFileHandle(name, { create: true })).createWritable();
    await stream.write(new Uint8Array(bytes));
    await stream.close();
  }
}"""
