// What the page does for Python, which runs in a worker and sees neither the window nor its permissions.
// Python calls by name (mobile/pwa/page.py) and gets an answer or a named refusal; the page tells it of
// events through `emit`. Add a call here only if no Flet control offers it.

import { takeArrival } from "./arrival.js";
import { activateUpdate, offlineStatus } from "./offline.js";
import { reveal } from "./splash.js";
import { remember, take } from "./typed_ahead.js";

const CALLS = {
  /** Asks that the browser never clears this origin's storage by itself. Asking again is harmless. */
  async persist_storage() {
    const persisted = (await navigator.storage?.persist?.()) ?? false;
    return { persisted, ...(await estimate()) };
  },

  /** The same facts without asking. */
  async storage_status() {
    const persisted = (await navigator.storage?.persisted?.()) ?? false;
    return { persisted, ...(await estimate()) };
  },

  /** Whether the app starts without a network, and whether a new version waits. */
  offline_status: offlineStatus,

  /** Lets the waiting version take over; the page reloads by itself. False: there was none. */
  activate_update: activateUpdate,

  /** A fresh fix: never one from a cache. Refusals: PermissionDenied, Unavailable, Timeout. */
  position({ timeout_ms }) {
    return new Promise((resolve, reject) => {
      if (!navigator.geolocation) return reject(refusal("Unavailable", "no geolocation"));
      navigator.geolocation.getCurrentPosition(
        ({ coords, timestamp }) =>
          resolve({
            latitude: coords.latitude,
            longitude: coords.longitude,
            accuracy_m: coords.accuracy,
            taken_at_ms: timestamp,
          }),
        ({ code, message }) =>
          reject(refusal([, "PermissionDenied", "Unavailable", "Timeout"][code], message)),
        { enableHighAccuracy: true, maximumAge: 0, timeout: timeout_ms },
      );
    });
  },

  page_status: async () => pageStatus(),

  /** The secret that was typed while the app loaded, or null; with `wait`, once it is known which. */
  typed_ahead: take,

  /** In which language the next start asks for it; empty: it does not. */
  remember_lock: remember,

  /** What came of a secret typed ahead is drawn: the splash goes. */
  async reveal() {
    requestAnimationFrame(() => requestAnimationFrame(reveal));
  },

  /** What the address brought along, once: `{ arrived: { kind, value } | null }`. */
  arrival: async () => takeArrival(),

  /** Leaves the app for another site, which will send the browser back. */
  async leave_for({ address }) {
    location.assign(address);
  },

  async reload() {
    location.reload();
  },
};

function refusal(name, message) {
  return Object.assign(new Error(message), { name });
}

async function estimate() {
  const { usage = 0, quota = 0 } = (await navigator.storage?.estimate?.()) ?? {};
  return { usage_bytes: usage, quota_bytes: quota };
}

function pageStatus() {
  return {
    online: navigator.onLine,
    visible: document.visibilityState === "visible",
    languages: [...navigator.languages],
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
    installed: matchMedia("(display-mode: standalone)").matches,
  };
}

/** Runs one call for the worker and posts its outcome back. */
export async function answer(worker, { id, name, args }) {
  try {
    if (!Object.hasOwn(CALLS, name)) throw refusal("UnknownCall", name);
    worker.postMessage({ kind: "answer", id, value: await CALLS[name](args ?? {}) });
  } catch (error) {
    const { name: kind, message } = error;
    worker.postMessage({ kind: "answer", id, refusal: { name: kind, message } });
  }
}

/** Tells Python when the network or the page's visibility changes, and when the page is leaving. */
export function watchPage(emit) {
  const tell = () => emit("page_status", pageStatus());
  addEventListener("online", tell);
  addEventListener("offline", tell);
  document.addEventListener("visibilitychange", tell);
  addEventListener("pagehide", () => emit("leaving"));
}
