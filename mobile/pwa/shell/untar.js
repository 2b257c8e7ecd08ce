// Lays the app's archive out in Pyodide's file system. Python's own tarfile takes ten times as long for
// these 1300 small files, at every start. Reads what mobile/pwa/archive.py writes: ustar, files only.

const BLOCK = 512;
const text = new TextDecoder();

export function untar(buffer, fs, root) {
  const made = new Set();
  let at = 0;
  while (at + BLOCK <= buffer.byteLength) {
    const header = new Uint8Array(buffer, at, BLOCK);
    const name = field(header, 0, 100);
    if (!name) break; // the archive ends with empty blocks
    const prefix = field(header, 345, 155);
    const size = parseInt(field(header, 124, 12), 8);
    const path = `${root}/${prefix ? `${prefix}/` : ""}${name}`;
    const folder = path.slice(0, path.lastIndexOf("/"));
    if (!made.has(folder)) {
      fs.mkdirTree(folder);
      made.add(folder);
    }
    // canOwn: the file is a view of the one buffer, nothing is copied.
    fs.writeFile(path, new Uint8Array(buffer, at + BLOCK, size), { canOwn: true });
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
}

function field(header, start, length) {
  const bytes = header.subarray(start, start + length);
  const end = bytes.indexOf(0);
  return text.decode(end < 0 ? bytes : bytes.subarray(0, end)).trim();
}
