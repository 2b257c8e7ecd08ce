// The page before the app: progress while it loads, and the few sentences that must be said when it
// cannot start. Both languages stand together, since no setting has been read yet.

import { inUse, offer, settled, withdraw } from "./typed_ahead.js";

const TEXTS = {
  shell: { value: 10, zh: "正在打开界面…", en: "Opening the interface…" },
  runtime: { value: 40, zh: "正在准备运行环境…", en: "Preparing the runtime…" },
  program: { value: 60, zh: "正在载入应用…", en: "Loading the app…" },
  connected: { value: 85, zh: "马上就好…", en: "Almost there…" },
};

const SENTENCES = {
  elsewhere: {
    zh: "回访已在另一个标签页打开。同一时间只能在一处使用，以免记录冲突。",
    en: "Huifang is open in another tab. It runs in one place at a time, so that records stay whole.",
    action: "在此处打开 · Use it here",
  },
  taken: {
    zh: "已在另一个标签页继续使用，已保存的内容都在。",
    en: "You went on in another tab. Everything that was saved is there.",
    action: "回到此处 · Come back here",
  },
  failed: {
    zh: "应用未能启动。已保存的内容不受影响。",
    en: "The app could not start. Nothing that was saved is lost.",
    action: "重试 · Try again",
  },
  insecure: {
    zh: "请通过 https 地址打开：不安全的连接下无法加密保存数据。",
    en: "Please open the https address: without it nothing can be stored encrypted.",
    action: "重试 · Try again",
  },
  outdated: {
    zh: "此浏览器版本过旧，请更新后再试。",
    en: "This browser is too old for the app. Please update it and try again.",
    action: "重试 · Try again",
  },
};

const part = (id) => document.getElementById(id);

// Flutter empties the body when it begins, long before there is anything of the app to see.
const splash = part("splash");
document.documentElement.append(splash);
offer();

const firstTime = !navigator.serviceWorker?.controller;

function write(texts) {
  part("splash-zh").textContent = texts.zh;
  part("splash-en").textContent = texts.en;
}

/** Shows (and marks, for measurements) that a step has begun. The bar never moves backwards. */
export function progress(step) {
  performance.mark(`huifang-${step}`);
  if (step === "shell" && firstTime) return download();
  const bar = part("splash-progress");
  if (!bar || TEXTS[step].value <= bar.value) return;
  bar.value = TEXTS[step].value;
  write(TEXTS[step]);
}

/** The first start fetches everything, with nothing to count: say so, and let the bar run. */
function download() {
  part("splash-progress").removeAttribute("value");
  write({
    zh: "首次打开，正在下载应用（约 23 MB）。之后没有网络也能打开。",
    en: "First start: downloading the app (about 23 MB). From then on it opens without a network.",
  });
}

/** Stops and says why, with one thing to do. Resolves when the person does it. */
export function ask(sentence, { detail = "" } = {}) {
  document.documentElement.append(splash);
  withdraw();
  part("splash-progress").hidden = true;
  write(SENTENCES[sentence]);
  if (detail) part("splash-en").textContent += ` (${detail})`;
  const button = part("splash-action");
  button.textContent = SENTENCES[sentence].action;
  button.hidden = false;
  document.documentElement.dataset.huifang = sentence;
  button.focus();
  return new Promise((done) => button.addEventListener("click", done, { once: true }));
}

/** Back from a question to the loading bar. */
export function resume() {
  part("splash-action").hidden = true;
  part("splash-progress").hidden = false;
  write(TEXTS.shell);
  delete document.documentElement.dataset.huifang;
  offer();
}

/** The app has drawn: uncover it, once nobody types on the splash. A second call is harmless. */
export async function uncover() {
  const typing = inUse();
  await settled();
  if (typing) return; // what was typed is on its way: Python says when its outcome is drawn
  reveal();
}

/** Takes the splash away. A second call is harmless. */
export function reveal() {
  if (!splash.isConnected || !part("splash-action").hidden) return;
  splash.remove();
  document.body.inert = false;
  document.documentElement.dataset.huifang = "ready";
  performance.mark("huifang-ready");
}
