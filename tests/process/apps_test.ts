import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path/posix";
import { type LoadMix, runLoad } from "../helpers/load.ts";
import { reloadUnderLoad, targetAt } from "../helpers/reload_load.ts";
import { readyMaster } from "../helpers/running_master.ts";

const APPS = fromFileUrl(new URL("../fixtures/apps/plain/", import.meta.url));

/** What `deno serve` runs. */
const DEFAULT_EXPORT = "default_export.ts";
const defaultExport = `import { lossHandler } from "${APPS}../loss_handler.ts";
const fetch = lossHandler({ pid: Deno.pid, worker: 0 });
export { app as default };
const app = { fetch };`;

/** What a server can be asked that answers as `loss_handler.ts` does. */
const EVERYTHING: LoadMix = {
  "close": 2,
  "keep-alive": 2,
  "idle": 2,
  "post": 1,
  "split-header": 1,
  "pipelined": 1,
  "sse": 1,
};

/** Each app, what its clients do, and whether it is tried on a Unix socket too. */
const KINDS: Readonly<Record<string, readonly [mix: LoadMix, unix: boolean]>> = {
  "serve.ts": [{ ...EVERYTHING, websocket: 1 }, true],
  "serve_port.ts": [EVERYTHING, false],
  "serve_options.ts": [{ "close": 1, "keep-alive": 1 }, false],
  [DEFAULT_EXPORT]: [EVERYTHING, false],
  "listen.ts": [{ "close": 4 }, true],
  "node_http.ts": [EVERYTHING, true],
  "node_http_path.ts": [{ "close": 1, "keep-alive": 2 }, false],
  "node_net.ts": [{ "close": 4 }, true],
};

for (const [app, [mix, unix]] of Object.entries(KINDS)) {
  for (const socket of unix ? ["127.0.0.1:0", "%DIR%/app.sock"] : ["127.0.0.1:0"]) {
    Deno.test(`the app ${app} is reloaded on ${socket} under load without loss`, async () => {
      const { master, addresses: [address = ""] } = await readyMaster({
        ini: `http-socket = ${socket}
processes = 2
worker-reload-mercy = 20
chain-reload-verify = 0.1
touch-chain-reload = reload
deno-worker-override = ${app === DEFAULT_EXPORT ? app : APPS + app}`,
        files: { [DEFAULT_EXPORT]: defaultExport },
      });
      await using running = master;
      const { pids } = await reloadUnderLoad(running, address, mix, 2);
      assert(pids.size > 2, `only ${pids.size} workers have answered`);
    });
  }
}
