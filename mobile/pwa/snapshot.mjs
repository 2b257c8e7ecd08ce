// node snapshot.mjs PYODIDE_FOLDER STDLIB.zip PROGRAM.tar AHEAD.json UNTAR.js OUT
// Starts the browser's Python, imports what the app will need, and writes its memory to OUT: a start in
// the browser then copies 40 MB instead of running 600 modules. OUT.json names the files of the modules
// that the memory holds. AHEAD: { modules: [name], controls: [name], late: [name] }.
//
// Equal inputs give equal bytes: no hash seed, no clock, no random numbers but those set here.

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [, , pyodideFolder, stdlib, program, ahead, untarScript, output] = process.argv;
Date.now = () => Date.UTC(2026, 0, 1);
performance.now = () => 0;

const script = readFileSync(untarScript, "utf8");
const { untar } = await import(`data:text/javascript,${encodeURIComponent(script)}`);
const { loadPyodide } = await import(pathToFileURL(`${pyodideFolder}/pyodide.mjs`));
const pyodide = await loadPyodide({
  indexURL: pyodideFolder,
  stdLibURL: stdlib,
  env: { PYTHONHASHSEED: "0" },
  _makeSnapshot: true,
});
untar(new Uint8Array(readFileSync(program)).buffer, pyodide.FS, "/home/pyodide");
// What python_worker.js registers under these names at each start takes the place of these two.
for (const name of ["flet_js", "huifang_page"]) pyodide.registerJsModule(name, { module: name });
pyodide.globals.set("ahead", readFileSync(ahead, "utf8"));
const held = pyodide.runPython(`
import contextlib, gc, importlib, json, random, sys, types

class Late(types.ModuleType):
    """A package with a library of its own, which no snapshot can hold: imported at its first use.
    Until the app starts that is an ImportError, so that what needs it at once is not held either."""
    started = False

    def __getattr__(self, name):
        if not Late.started:
            raise ImportError(f"{self.__name__} comes with the start")
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        real = importlib.import_module(self.__name__)
        vars(self).update(vars(real))
        return getattr(real, name)

sys.path[:0] = ["/home/pyodide", "/home/pyodide/__pypackages__"]
asked = json.loads(ahead)
for name in asked["late"]:
    sys.modules[name] = Late(name)
import flet, flet.messaging.pyodide_connection, runpy
for name in asked["controls"]:
    getattr(flet, name, None)
for name in asked["modules"]:
    with contextlib.suppress(ImportError):  # native halves, and what needs a late package at once
        importlib.import_module(name)
origins = {str(getattr(module.__spec__, "origin", "")) for module in sys.modules.values() if getattr(module, "__spec__", None)}
assert not [name for name in origins if name.endswith(".so")], "a library was loaded"
del ahead, asked, name
random.seed(0)
gc.collect()
gc.freeze()
json.dumps(sorted(origins))
`);
// Objects that the app's modules hold: the two modules above, else plain data.
const snapshot = pyodide.makeMemorySnapshot({ serializer: (value) => value });
writeFileSync(`${output}.json`, held);
writeFileSync(output, snapshot);
