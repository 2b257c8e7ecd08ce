// Loads Pyodide and the app's archive, runs the entry module, then carries packets between Flet's
// Python half and its Dart half. Nothing here leaves the origin: no package index, no CDN.

import { untar } from "./untar.js";

const fletJs = {};
const listeners = new Set();
const calls = new Map();
let lastCall = 0;

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

const RUN = `
import runpy, sys
for folder in ("/home/pyodide", "/home/pyodide/__pypackages__"):
    if folder not in sys.path:
        sys.path.insert(0, folder)
runpy.run_module(entry_module, run_name="__main__")
`;

async function boot({ entryModule, archiveUrl, pyodideUrl, documentUrl }) {
  const archive = fetch(archiveUrl).then((reply) => {
    if (!reply.ok) throw new Error(`${archiveUrl}: ${reply.status}`);
    return reply.arrayBuffer();
  });
  archive.catch(() => {}); // reported where it is awaited
  const { loadPyodide } = await import(pyodideUrl);
  const pyodide = await loadPyodide({
    stdout: (text) => console.log(text),
    stderr: (text) => console.warn(text),
  });
  self.postMessage({ kind: "step", step: "runtime" });
  untar(await archive, pyodide.FS, "/home/pyodide");
  fletJs.documentUrl = documentUrl;
  pyodide.registerJsModule("flet_js", fletJs);
  pyodide.registerJsModule("huifang_page", page);
  pyodide.globals.set("entry_module", entryModule);
  self.postMessage({ kind: "step", step: "program" });
  await pyodide.runPythonAsync(RUN);
  if (typeof fletJs.start_connection !== "function") {
    throw new Error(`${entryModule} ended without calling ft.run`);
  }
  await fletJs.start_connection(send);
  self.postMessage({ kind: "started" });
}

self.onmessage = ({ data }) => {
  if (data instanceof Uint8Array) fletJs.send(data);
  else if (data.kind === "boot") {
    boot(data).catch((error) => self.postMessage({ kind: "failed", reason: String(error.message ?? error) }));
  } else if (data.kind === "answer") settle(data);
  else if (data.kind === "event") for (const listen of listeners) listen(data.name, data.detail);
};
