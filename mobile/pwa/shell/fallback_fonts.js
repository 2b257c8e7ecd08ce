// When no loaded font has a character (an emoji in a note, a rare name), Flutter looks for one of 150
// Noto fonts at fontFallbackBaseUrl, and on a refusal asks again at every frame, for ever. There is no
// such place offline: each of these requests is answered with our own font, and Flutter draws a box.

const BASE = globalThis.flet.fontFallbackBaseUrl;
const OURS = "/assets/huifang/NotoSansSC-Regular.otf";

const ask = globalThis.fetch.bind(globalThis);

globalThis.fetch = (resource, options) => {
  const url = typeof resource === "string" ? resource : (resource?.url ?? String(resource));
  return new URL(url, document.baseURI).pathname.startsWith(BASE)
    ? ask(OURS)
    : ask(resource, options);
};
