// The secret may be typed while the app still loads: a plain field on the splash, on a device that has a
// vault. What is typed stays in this page's memory until Python asks for it, once; it is written nowhere.
// The field gives way to the app's own lock as soon as that is there, unless someone has begun to type.

// In localStorage: the language to ask in, and with it that there is something to unlock.
const KNOWN = "huifang-lock";
const TEXTS = {
  zh: { label: "PIN 或口令", action: "解锁", busy: "正在解锁…" },
  en: { label: "PIN or passphrase", action: "Unlock", busy: "Unlocking…" },
};

const form = document.getElementById("splash-lock");
const field = document.getElementById("splash-secret");
const button = document.getElementById("splash-unlock");
let begun = false; // someone has touched the field, and it has been neither sent nor left empty
let given = null;
let over = false;
const waiting = [];

/** Shows the field if there is a lock here. */
export function offer() {
  const language = localStorage.getItem(KNOWN);
  if (!language || over || given !== null) return;
  const texts = TEXTS[language.split("-")[0]] ?? TEXTS.zh;
  form.lang = language;
  form.hidden = false;
  document.getElementById("splash-secret-label").textContent = texts.label;
  button.textContent = texts.action;
}

export function withdraw() {
  form.hidden = true;
}

/** Whether the splash has to stay for whoever is typing. */
export const inUse = () => begun && !form.hidden;

/** Resolves when the field is no longer in use. */
export function settled() {
  return inUse() ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve();
}

/** What was typed and sent, once; null if nothing was. With `wait`, once it is known which. */
export async function take({ wait }) {
  if (wait) await settled();
  const secret = given;
  given = null;
  over ||= wait;
  return { secret };
}

/** Remembers for the next start in which language to ask; empty: there is nothing to unlock. */
export async function remember({ language }) {
  if (language) localStorage.setItem(KNOWN, language);
  else localStorage.removeItem(KNOWN);
}

function settle() {
  for (const resolve of waiting.splice(0)) resolve();
}

field.addEventListener("focus", () => {
  begun = true;
  // Flutter's own fields take the cursor as soon as they are drawn, splash or not.
  document.body.inert = true;
});
field.addEventListener("blur", () => {
  begun = field.value !== "";
  if (!begun) settle();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!field.value) return;
  given = field.value;
  begun = false;
  field.value = "";
  field.disabled = button.disabled = true;
  button.textContent = (TEXTS[form.lang.split("-")[0]] ?? TEXTS.zh).busy;
  performance.mark("huifang-secret");
  settle();
});
