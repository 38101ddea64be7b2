/**
 * Runs in the worker, as a preload of its own and only for scripts that do not import `uwsgi` themselves:
 * what such a script listens on becomes the sockets of the instance.
 *
 * @module
 */

import { scriptModule } from "../../system/process/standalone.ts";
import { freeSockets, hasAdopted, sayWhatIsMissing, watchStart } from "./adoption.ts";
import { replaceDenoFunctions, serveOn } from "./deno_servers.ts";
import { awaitNodeServers } from "./node_servers.ts";
import type { Handler } from "../handler.ts";

replaceDenoFunctions();
awaitNodeServers();
watchStart();
// Comes when the script's top level is done.
addEventListener("load", () => void serveDefaultExport().then(sayWhatIsMissing), {
  once: true,
});

/** What `deno serve` runs. */
interface Served {
  readonly fetch: Handler;
  readonly onError?: (error: unknown) => Response | Promise<Response>;
  readonly onListen?: (address: Deno.Addr) => void;
}

/** A script that exports `{ fetch }` is served on every socket. */
async function serveDefaultExport(): Promise<void> {
  if (hasAdopted() || freeSockets().length === 0) return;
  const script: unknown = await import(scriptModule());
  const served = servedBy(script);
  if (served === null) return;
  const handler: Handler = (request, info) => served.fetch(request, info);
  for (const socket of freeSockets()) serveOn(socket, handler, served);
}

function servedBy(script: unknown): Served | null {
  const exported: unknown = Reflect.get(Object(script), "default");
  if (typeof exported !== "object" || exported === null) return null;
  return typeof Reflect.get(exported, "fetch") === "function" ? exported as Served : null;
}
