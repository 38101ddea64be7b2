/**
 * duwsgi itself.
 *
 * @module
 */

import { join } from "@std/path/posix";
import { Instance, MAIN } from "../../instance.ts";
import { type Peer, WORKERS, writeFifo } from "../peer.ts";

/** Chain reloads of an instance. */
export const DUWSGI: Peer = {
  name: "duwsgi",
  runtime: "deno",
  reloadedBy: "chain reload, `c` to the FIFO",
  requirements: [],
  version: [Deno.execPath(), "run", "-A", MAIN, "--version"],
  async start({ rounds }) {
    const instance = new Instance({
      script: new URL("./app.ts", import.meta.url),
      processes: WORKERS,
      args: ["--master-fifo", "%DIR%/fifo", "--env", `WORK_ROUNDS=${rounds}`],
    });
    const [address = ""] = await instance.ready();
    const fifo = join(instance.directory, "fifo");
    return {
      address,
      root: instance.master.pid,
      reload: async () => void await instance.reload("done", () => writeFifo(fifo, "c")),
      [Symbol.asyncDispose]: () => instance[Symbol.asyncDispose](),
    };
  },
};
