// Registers the service worker, and only once the app has drawn: fetching the whole shell a second time
// for the cache while the first start still runs makes that start several times slower.

let registration = null;
let problem = "";
let reloadOnChange = false;

/** Resolves when the worker is registered (its files may still be loading). Emits `offline_status`. */
export async function keepOffline(emit) {
  if (!navigator.serviceWorker) {
    problem = "unsupported";
    return;
  }
  await drawn();
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    if (reloadOnChange) location.reload();
  });
  const tell = async () => emit("offline_status", await offlineStatus());
  try {
    registration = await navigator.serviceWorker.register("service_worker.js", {
      updateViaCache: "none",
    });
  } catch (error) {
    // Without a network the installed worker goes on serving; only a first registration needs one.
    registration = (await navigator.serviceWorker.getRegistration()) ?? null;
    problem = registration ? "" : error.name;
  }
  const watch = (installing) => installing?.addEventListener("statechange", tell);
  watch(registration?.installing);
  registration?.addEventListener("updatefound", () => watch(registration.installing));
  // An installed app may stay open for weeks; coming back to it is a good moment to look.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") registration?.update().catch(() => {});
  });
  await tell();
}

/** `ready`: starts offline. `update`: a newer version is stored and waits for `activateUpdate`. */
export async function offlineStatus() {
  return {
    ready: Boolean(registration?.active),
    update: Boolean(registration?.active && registration.waiting),
    installing: Boolean(registration?.installing),
    problem,
    version: globalThis.huifang.version,
  };
}

export async function activateUpdate() {
  if (!registration?.waiting) return false;
  reloadOnChange = true;
  registration.waiting.postMessage("activate");
  return true;
}

function drawn() {
  return new Promise((resolve) => {
    const look = () =>
      document.documentElement.dataset.huifang === "ready"
        ? resolve()
        : setTimeout(look, 250);
    look();
  });
}
