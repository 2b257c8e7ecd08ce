// The order in which the page comes alive.

import "./arrival.js";
import "./config.js";
import "./fallback_fonts.js";
import { keepOffline } from "./offline.js";
import { watchPage } from "./bridge.js";
import { becomeTheOnlyTab } from "./one_tab.js";
import { emit, startPython, stopPython } from "./python.js";
import { ask, progress, resume } from "./splash.js";

const retry = async (sentence, options) => {
  await ask(sentence, options);
  location.reload();
};

async function start() {
  if (!globalThis.isSecureContext) return retry("insecure");
  if (!globalThis.WebAssembly || !globalThis.BroadcastChannel) return retry("outdated");
  await becomeTheOnlyTab({
    elsewhere: () => ask("elsewhere").then(resume),
    lost: () => {
      stopPython();
      retry("taken");
    },
  });
  progress("shell");
  startPython(globalThis.huifang, (detail) => retry("failed", { detail }));
  const flutter = document.createElement("script");
  flutter.src = "flutter_bootstrap.js";
  flutter.onerror = () => retry("failed");
  document.body.append(flutter);
  watchPage(emit);
  await keepOffline(emit);
}

start();
