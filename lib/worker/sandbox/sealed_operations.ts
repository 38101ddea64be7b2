/**
 * Runs in the worker, where it is a sandbox. The {@linkcode Operations} of the worker, made of the sealed
 * ones. A script can change what this module relies on, but not what the sealed operations do.
 *
 * @module
 */

import { isTcp } from "../../system/sockets/adopted_listener.ts";
import { lineWriter } from "../../system/files/line_writer.ts";
import { parseSockaddr } from "../../system/sockets/socket_address.ts";
import type { WorkerEnvironment } from "../../protocol/worker_environment.ts";
import {
  type ClientConnection,
  clientKey,
  listenerEnd,
} from "../connections/client_connections.ts";
import type { Operations } from "../operations.ts";
import { detachAll, SealedClientSockets } from "./client_sockets.ts";
import { ADDRESS_BYTES } from "./sealed_addresses.ts";
import type { SealedConnections } from "./sealed_connections.ts";
import { type SealedLog, TARGETS } from "./sealed_log.ts";
import type { SealedMaster } from "./sealed_master.ts";
import type { SealedQueues } from "./sealed_queues.ts";

/** What they are made of. */
export interface Sealed {
  readonly log: SealedLog;
  readonly queues: SealedQueues;
  readonly connections: SealedConnections;
  readonly master: SealedMaster;
  /** How many descriptors this process may have. */
  readonly limit: number;
}

/** Makes the operations. */
export function sealedOperations(
  { log, queues, connections, master, limit }: Sealed,
  { sockets }: Pick<WorkerEnvironment, "sockets">,
): Operations {
  let batches = 0;
  const nearEnds = sockets.map(({ address }) => listenerEnd(address));
  const clients = (): ClientConnection[] => {
    const address = new Uint8Array(ADDRESS_BYTES);
    return Array.from({ length: connections.list() }, (_, place): ClientConnection => {
      const handle = connections.nameAt(place);
      const near = nearEnds[connections.describe(handle, address)] ?? "";
      const far = parseSockaddr(address);
      const client = far === null || far.family === "unix" ? "" : clientKey(far.host, far.port);
      return { handle, client, near };
    });
  };
  return {
    lines: (to) => {
      const target = TARGETS[to];
      const line = lineWriter((bytes, length) => log.write(target, bytes, length));
      return {
        line,
        lines: (texts) => texts.length === 0 || line(texts.join("\n")) ? 0 : texts.length,
      };
    },
    takeStderr: () => log.takeStderr(),
    reopenLog: () => {
      if (!log.reopen()) throw new Error("it cannot be opened as a regular file");
    },
    adopt: (queue, address, open) => {
      if (!queues.listen(queue)) throw new Error(`Cannot listen on "${address}"`);
      // The server was opened before the script, somewhere: where does not matter.
      const place = isTcp(address) ? { hostname: "127.0.0.1", port: 0 } : { path: address };
      const opened = unlessRefused(() => open(place));
      const at = opened === null ? null : seatName(opened.addr);
      if (opened === null || at === null || !queues.adopt(queue, at.port, at.path)) {
        throw new Error(
          `"${address}" has no server left: a sandboxed worker can open it anew only a few times`,
        );
      }
      return opened;
    },
    descriptorOf: (queue) => {
      const fd = queues.spare(queue);
      if (fd < 0) throw new Error("A sandboxed worker has no more listeners for this socket");
      return fd;
    },
    stopAccepting: (names) => {
      const stopped = new Map<number, number>();
      for (const name of names) {
        const batch = ++batches;
        queues.stop(name, batch);
        stopped.set(name, batch);
      }
      return (only = names) => {
        for (const name of only) queues.resume(stopped.get(name) ?? 0);
      };
    },
    leaveQueues: (names) => {
      for (const name of names) queues.leave(name);
    },
    isServed: (queue) => queues.isServed(queue),
    queueLength: (queue) => queues.length(queue),
    clients,
    hasSentAll: ({ handle }) => connections.hasSentAll(handle),
    endSending: ({ handle }) => connections.endSending(handle),
    linger: (isIdle) => {
      // One that is at work stays with its server: a descriptor of it beside the server's own would keep a
      // registration that the script could make Deno forget.
      detachAll(connections, clients().filter(({ client }) => isIdle(client)), -1);
      let size = connections.pollDetached();
      if (size === 0) return null;
      return {
        get size() {
          return size;
        },
        poll: () => void (size = connections.pollDetached()),
      };
    },
    holdDescriptors: (count) => connections.holdDescriptors(count),
    clientSockets: new SealedClientSockets(limit, connections, queues, clients),
    status: () => {
      const bytes: number[] = [];
      master.readStatus(bytes);
      return new TextDecoder().decode(new Uint8Array(bytes));
    },
    endAfter: (seconds) => master.endAfter(Math.ceil(seconds)),
    stayWithMaster: () => master.stay(),
  };
}

/** Null: what waited has been given out, and to open more takes a permission that the worker has not. */
function unlessRefused<T>(open: () => T): T | null {
  try {
    return open();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return null;
    throw error;
  }
}

/** Where a server was opened, as a {@linkcode Seat} says it. */
export function seatName(address: Deno.Addr): { readonly port: number; readonly path: string } {
  if (address.transport === "tcp" || address.transport === "udp") {
    return { port: address.port, path: "" };
  }
  return { port: 0, path: "path" in address ? address.path : "" };
}
