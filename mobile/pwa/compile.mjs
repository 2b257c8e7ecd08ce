// node compile.mjs PYODIDE_FOLDER IN.tar OUT.tar
// Compiles each .py of a tar with the very Python that will run it, and writes a tar of .pyc files
// (PEP 552, hash-based and unchecked: no time stamps, and nothing to look up when one is imported).

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [, , pyodideFolder, input, output] = process.argv;
const { loadPyodide } = await import(pathToFileURL(`${pyodideFolder}/pyodide.mjs`));
// A fixed hash seed: sets of constants are stored in their iteration order.
const pyodide = await loadPyodide({ indexURL: pyodideFolder, env: { PYTHONHASHSEED: "0" } });

pyodide.FS.writeFile("/in.tar", readFileSync(input));
pyodide.runPython(`
import importlib._bootstrap_external as external
import importlib.util
import io
import tarfile

with tarfile.open("/in.tar") as sources, tarfile.open("/out.tar", "w") as compiled:
    for member in sources.getmembers():
        source = sources.extractfile(member).read()
        code = compile(source, member.name, "exec", dont_inherit=True)
        pyc = external._code_to_hash_pyc(code, importlib.util.source_hash(source), False)
        entry = tarfile.TarInfo(member.name + "c")
        entry.size = len(pyc)
        compiled.addfile(entry, io.BytesIO(pyc))
`);
writeFileSync(output, pyodide.FS.readFile("/out.tar"));
