// Loads Pyodide and the app's archive, runs the entry module, then carries packets between Flet's
// Python half and its Dart half. Nothing here leaves the origin: no package index, no CDN.

import { untar } from "./untar.js";

const fletJs = {};
const listeners = new Set();
const calls = new Map();
let lastCall = 0;
let pageStatus = null;
const AGAIN_MS = 5000;

// What Python imports as `huifang_page`; mobile/pwa/page.py is its typed face.
const page = {
  call(name, args) {
    const id = ++lastCall;
    return new Promise((resolve, reject) => {
      calls.set(id, { resolve, reject });
      self.postMessage({ kind: "call", id, name, args });
    });
  },
  listen(callback) {
    listeners.add(callback);
    if (pageStatus) callback("page_status", pageStatus); // what was asked before may be out of date
  },
};

function settle({ id, value, refusal }) {
  const call = calls.get(id);
  calls.delete(id);
  if (refusal) call.reject(Object.assign(new Error(refusal.message), { name: refusal.name }));
  else call.resolve(value);
}

function send(message) {
  // A proxy of Python bytes: toJs() makes a fresh array, whose buffer may be given away.
  const bytes = message.toJs();
  self.postMessage(bytes, [bytes.buffer]);
}

// With a snapshot the imports are done, the random numbers are those of the machine that built it, and
// what its importers know of folders and archives is of files that are not here. Packages with compiled libraries (snapshot.mjs calls them late) come at their first use.
const RUN = `
import importlib, random, runpy, sys
importlib.invalidate_caches()
for folder in ("/home/pyodide", "/home/pyodide/__pypackages__"):
    if folder not in sys.path:
        sys.path.insert(0, folder)
for module in sys.modules.values():
    if type(module).__name__ == "Late":
        type(module).started = True
random.seed()
runpy.run_module(entry_module, run_name="__main__")
`;
// Their libraries take a moment to compile: the one in which Flutter is not yet there.
const LATE = `
import sys
for module in list(sys.modules.values()):
    if type(module).__name__ == "Late":
        getattr(module, "__version__", None)
`;
const MODULES = { flet_js: fletJs, huifang_page: page };
// The snapshot refers to the two modules by name; all else is plain data.
const revive = (value) => MODULES[value?.module] ?? value;

/** Pyodide's memory begins with 30 MB and does not grow for a larger snapshot by itself. */
async function roomy(create, settings, snapshot) {
  const [module, memory] = await Promise.all([create(settings), snapshot]);
  while (memory && module.HEAP8.length < memory.byteLength) {
    module._malloc(memory.byteLength - module.HEAP8.length); // the snapshot then overwrites it all
  }
  return module;
}

const mark = (name) => performance.mark(`huifang-python-${name}`);

async function get(url) {
  const reply = await fetch(url);
  if (!reply.ok) throw new Error(`${url}: ${reply.status}`);
  return reply.arrayBuffer();
}

/** Brings what the start did without. A first visit may lose the network meanwhile: asked until it is here. */
async function bringTheRest(pyodide, { laterUrl, laterFiles }) {
  const here = "/home/pyodide";
  const getAtLast = (url) =>
    get(url).catch(() => new Promise((again) => setTimeout(() => again(getAtLast(url)), AGAIN_MS)));
  for (const [path, url] of Object.entries(laterFiles)) {
    pyodide.FS.mkdirTree(`${here}/${path.slice(0, path.lastIndexOf("/"))}`);
    pyodide.FS.writeFile(`${here}/${path}`, new Uint8Array(await getAtLast(url)), { canOwn: true });
  }
  untar(await getAtLast(laterUrl), pyodide.FS, here);
  await pyodide.runPythonAsync("import importlib; importlib.invalidate_caches()");
  mark("rest");
}

async function boot(config) {
  const { entryModule, archiveUrl, pyodideUrl, snapshotUrl, documentUrl } = config;
  const archive = get(archiveUrl);
  const snapshot = snapshotUrl ? get(snapshotUrl) : undefined;
  for (const wanted of [archive, snapshot]) wanted?.catch(() => {}); // reported where it is awaited
  const [{ loadPyodide }, { default: create }] = await Promise.all([
    import(`${pyodideUrl}pyodide.mjs`),
    import(`${pyodideUrl}pyodide.asm.mjs`),
  ]);
  mark("loader");
  const pyodide = await loadPyodide({
    createPyodideModule: (settings) => roomy(create, settings, snapshot),
    stdout: (text) => console.log(text),
    stderr: (text) => console.warn(text),
    ...(snapshot && { _loadSnapshot: snapshot, _snapshotDeserializer: revive }),
  });
  mark("runtime");
  self.postMessage({ kind: "step", step: "runtime" });
  untar(await archive, pyodide.FS, "/home/pyodide");
  mark("files");
  fletJs.documentUrl = documentUrl;
  for (const [name, module] of Object.entries(MODULES)) pyodide.registerJsModule(name, module);
  pyodide.globals.set("entry_module", entryModule);
  self.postMessage({ kind: "step", step: "program" });
  await pyodide.runPythonAsync(RUN);
  if (typeof fletJs.start_connection !== "function") {
    throw new Error(`${entryModule} ended without calling ft.run`);
  }
  await fletJs.start_connection(send);
  mark("program");
  self.postMessage({ kind: "started" });
  await pyodide.runPythonAsync(LATE);
  mark("libraries");
  if (config.laterUrl) await bringTheRest(pyodide, config);
}

self.onmessage = ({ data }) => {
  if (data instanceof Uint8Array) fletJs.send(data);
  else if (data.kind === "boot") {
    boot(data).catch((error) => self.postMessage({ kind: "failed", reason: String(error.message ?? error) }));
  } else if (data.kind === "answer") settle(data);
  else if (data.kind === "event") {
    if (data.name === "page_status") pageStatus = data.detail;
    for (const listen of listeners) listen(data.name, data.detail);
  }
};
