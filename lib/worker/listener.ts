/**
 * Runs in the worker. Opens Deno's servers and listeners on the sockets of the instance: on the
 * inherited descriptor where that is possible, else on a socket of their own (`reusePort`).
 *
 * @module
 */

import { adopt } from "../system/accept_queue.ts";
import { check } from "../system/libc.ts";
import { setInherited } from "../system/descriptor.ts";
import type { SocketAddress } from "../system/socket_address.ts";
import type { WorkerSocket } from "../protocol/worker_environment.ts";
import { currentInstance } from "./instance.ts";

/** Where Deno is asked to listen, in the words of `Deno.listen` and `Deno.serve`. */
export type Place =
  | { readonly hostname: string; readonly port: number; readonly reusePort?: boolean }
  | { readonly path: string };

/**
 * Calls `open` with a place to listen at and makes what it opened accept on the socket.
 *
 * @param socket The configured socket.
 * @param fd The inherited descriptor of it, or null.
 * @param open Opens a Deno server or listener at the place, and returns it with its address.
 * @throws {Error} If there is neither a descriptor nor a way to bind the address here.
 */
export function openOn<T extends { readonly addr: Deno.Addr }>(
  socket: WorkerSocket,
  fd: number | null,
  open: (place: Place) => T,
): T {
  const { libc, environment } = currentInstance();
  if (libc === null || fd === null) return open(ownPlace(socket));
  check(libc, "listen", libc.listen(fd, environment.listen));
  const place = throwaway(socket, environment.control);
  const opened = open(place);
  adopt(libc, fd, socketAddress(opened.addr));
  if ("path" in place) Deno.removeSync(place.path);
  setInherited(libc, fd, false);
  return opened;
}

/** A place of the same kind as the socket: Deno reads a client's address according to it. */
function throwaway(socket: WorkerSocket, control: string): Place {
  if (/:\d+$/.test(socket.address)) return { hostname: "127.0.0.1", port: 0 };
  return { path: `${control}.${Deno.pid}` };
}

function ownPlace(socket: WorkerSocket): Place {
  if (socket.bind === null) {
    throw new Error(
      `Cannot serve "${socket.address}" without foreign functions: allow them with --allow-ffi, ` +
        "or use a TCP socket",
    );
  }
  return { ...socket.bind, reusePort: true };
}

function socketAddress(address: Deno.Addr): SocketAddress {
  if (address.transport === "unix") {
    const abstract = address.path.startsWith("\0");
    return { family: "unix", path: abstract ? address.path.slice(1) : address.path, abstract };
  }
  if (address.transport !== "tcp") {
    throw new TypeError(`Not a stream address: ${address.transport}`);
  }
  return { family: "inet", host: address.hostname, port: address.port };
}

/** The socket's real address, in Deno's form. */
export function denoAddress(socket: WorkerSocket): Deno.Addr {
  const tcp = /^\[?(.*?)\]?:(\d+)$/.exec(socket.address);
  if (tcp === null) return { transport: "unix", path: socket.address.replace(/^@/, "\0") };
  return { transport: "tcp", hostname: tcp[1] || "0.0.0.0", port: Number(tcp[2]) };
}
