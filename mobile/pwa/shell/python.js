// Flet's Python side, in a worker. It is started with the page instead of when Flutter asks for it:
// the two loads are about equally long, so that side by side they take half the time.
//
// jsConnect, jsSend and jsDisconnect are the names by which Flet 1.0's client calls this page.

import { answer } from "./bridge.js";
import { progress, uncover } from "./splash.js";

// Flet's wire format: a packet type byte (0 = protocol), then a msgpack pair [action, body].
const PATCH_CONTROL = 2;
const SESSION_CRASHED = 6;

let worker = null;
let started = null;
let toDart = null;
let giveUp = null;
let drawn = false;

/** Begins loading Python. `failed(text)` is called if it cannot start, or its app fails at once. */
export function startPython(config, failed) {
  giveUp = failed;
  worker = new Worker(new URL("python_worker.js", import.meta.url), { type: "module" });
  started = new Promise((resolve, reject) => {
    worker.onerror = (event) => reject(new Error(event.message || "worker"));
    worker.onmessage = ({ data }) => {
      if (data instanceof Uint8Array) return deliver(data);
      if (data.kind === "step") progress(data.step);
      else if (data.kind === "started") resolve();
      else if (data.kind === "failed") reject(new Error(data.reason));
      else if (data.kind === "call") answer(worker, data);
    };
  });
  started.catch((error) => {
    console.error(error);
    failed(error.message.trim().split("\n").pop());
  });
  worker.postMessage({ kind: "boot", ...config, documentUrl: document.URL });
}

/** Tells the Python side that something happened on the page; lost if it has not started. */
export function emit(name, detail = {}) {
  worker?.postMessage({ kind: "event", name, detail });
}

export function stopPython() {
  worker?.terminate();
  worker = null;
}

function deliver(packet) {
  // The app's main() failed before it drew anything: Flutter would wait for its first page for ever.
  if (!drawn && packet[0] === 0 && packet[2] === SESSION_CRASHED) return giveUp("main");
  toDart?.(packet);
  // The first patch is the app's first page; two frames later it is on the screen.
  if (!drawn && packet[0] === 0 && packet[2] === PATCH_CONTROL) {
    drawn = true;
    performance.mark("huifang-drawn");
    requestAnimationFrame(() => requestAnimationFrame(uncover));
  }
}

globalThis.jsConnect = async (_appId, _args, dartOnMessage) => {
  performance.mark("huifang-flutter");
  toDart = dartOnMessage;
  await started;
  worker.postMessage({ kind: "connect" });
  progress("connected");
};

globalThis.jsSend = async (_appId, data) => {
  worker?.postMessage(data, [data.buffer]);
};

globalThis.jsDisconnect = async () => stopPython();
