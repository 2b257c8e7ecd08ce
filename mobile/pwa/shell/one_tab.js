// One tab at a time. The vault's files can be open only once, so a second tab asks before it takes
// the first one's place: it sends a polite word, waits for the lock, and takes it by force only from a
// tab that does not answer (frozen in the background, or stuck).

const LOCK = "huifang-app";
const CHANNEL = "huifang-tabs";
// A page being reloaded holds its lock for a moment after the next one has begun.
const RELOAD_GRACE_MS = 1500;
const POLITE_WAIT_MS = 3000;

/**
 * Resolves once this tab holds the lock, having asked the person through `elsewhere()` if another tab
 * has it. `lost()` is called once, when another tab takes over: stop everything in it.
 */
export async function becomeTheOnlyTab({ elsewhere, lost }) {
  if (!navigator.locks) return;
  const channel = new BroadcastChannel(CHANNEL);
  if (!(await request({ signal: AbortSignal.timeout(RELOAD_GRACE_MS) }, lost, channel))) {
    await elsewhere();
    channel.postMessage("yield");
    if (!(await request({ signal: AbortSignal.timeout(POLITE_WAIT_MS) }, lost, channel))) {
      await request({ steal: true }, lost, channel);
    }
  }
}

/** True when the lock was granted; it is then held until another tab asks for it or this page ends. */
function request(options, lost, channel) {
  return new Promise((granted) => {
    let held = false;
    const hold = () =>
      new Promise((release) => {
        held = true;
        granted(true);
        channel.onmessage = (event) => {
          if (event.data !== "yield") return;
          channel.onmessage = null;
          lost();
          release();
        };
      });
    navigator.locks.request(LOCK, options, hold).catch(() => {
      // Either the wait ran out, or a lock that was held has been stolen.
      if (!held) return granted(false);
      channel.onmessage = null;
      lost();
    });
  });
}
