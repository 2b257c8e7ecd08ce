// What the address brought along: a device's enrolment code (from a QR code), or what the company's own
// sign-in says. It is taken out of the address before anything else happens, so that it stays neither in
// the address bar nor in the history, and handed to Python once.

const BROUGHT = /^#\/(enrol|signed-in|sign-in-failed)\/([\w.-]+)$/.exec(location.hash);
if (BROUGHT) history.replaceState(null, "", location.pathname);

let arrived = BROUGHT ? { kind: BROUGHT[1], value: BROUGHT[2] } : null;

/** The one thing that was brought, once; null otherwise. */
export function takeArrival() {
  const taken = arrived;
  arrived = null;
  return { arrived: taken };
}
