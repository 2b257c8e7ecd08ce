// The app without a network. The builder writes one line above this one:
//   const BUILD = { version: "<hash of all files>", files: { "/path": "sha256-…" } };
// so that this script changes exactly when the app does, which is how a browser notices an update.
//
// It answers only GETs of those paths. The server's answers (/v1/…) never pass through here.

const CACHE = `shell-${BUILD.version}`;
const MANIFEST = "/shell/build.json"; // an entry of our own in each cache: what it holds, by hash
const AT_ONCE = 4;

// Flutter loads one of two CanvasKits; this is its own test for the engine that takes the smaller one.
const BLINK = typeof Intl.v8BreakIterator !== "undefined";
const wanted = (path) =>
  !path.startsWith("/canvaskit/") || path.startsWith("/canvaskit/chromium/") === BLINK;

self.addEventListener("install", (event) => event.waitUntil(store()));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("message", (event) => {
  if (event.data === "activate") self.skipWaiting();
});
self.addEventListener("fetch", (event) => {
  const path = shellPath(event.request);
  if (path) event.respondWith(serve(path, event.request));
});

function shellPath(request) {
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return null;
  const path = url.pathname === "/" ? "/index.html" : url.pathname;
  return Object.hasOwn(BUILD.files, path) ? path : null;
}

async function serve(path, request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(path)) ?? fetch(request);
}

/** Fills this version's cache. Interrupted, it goes on where it stopped; each file is verified. */
async function store() {
  const cache = await caches.open(CACHE);
  const earlier = await earlierCaches();
  const waiting = Object.keys(BUILD.files).filter(wanted);
  const fill = async () => {
    for (let path = waiting.shift(); path; path = waiting.shift()) {
      if (await cache.match(path)) continue;
      await cache.put(path, (await unchanged(path, earlier)) ?? (await download(path)));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, fill));
  await cache.put(MANIFEST, Response.json(BUILD.files));
}

/** The server is asked each time, but what the page has just loaded is not sent again: on a first visit
 *  that is all of it. Only bytes of this version are taken; a deployment caught half-way must fail here,
 *  not on the road. */
async function download(path) {
  const get = (cache) => fetch(path, { cache, integrity: BUILD.files[path] });
  const reply = await get("no-cache").catch(() => get("no-store")); // a copy that was spoilt
  if (!reply.ok) throw new Error(`${path}: ${reply.status}`);
  return reply;
}

async function earlierCaches() {
  const names = (await caches.keys()).filter((name) => name.startsWith("shell-") && name !== CACHE);
  const opened = await Promise.all(names.map((name) => caches.open(name)));
  const listed = await Promise.all(
    opened.map(async (cache) => {
      const manifest = await cache.match(MANIFEST);
      return manifest && { cache, files: await manifest.json() };
    }),
  );
  return listed.filter(Boolean);
}

async function unchanged(path, earlier) {
  for (const { cache, files } of earlier) {
    if (files[path] === BUILD.files[path]) return cache.match(path);
  }
  return undefined;
}

async function takeOver() {
  for (const name of await caches.keys()) {
    if (name.startsWith("shell-") && name !== CACHE) await caches.delete(name);
  }
  await self.clients.claim();
}
