/**
 * Runs in the worker, where it is to be a sandbox, before its script. Opens everything that the sealed operations
 * will need, with the C library, while that is still allowed.
 *
 * @module
 */

import type { WorkerEnvironment, WorkerSocket } from "../../protocol/worker_environment.ts";
import {
  descriptorTarget,
  duplicate,
  O_CLOEXEC,
  openDescriptors,
} from "../../system/descriptor.ts";
import { check, cString, type Libc } from "../../system/libc.ts";
import {
  FAMILY,
  localAddress,
  peerAddress,
  SOCKET_TYPE,
  type SocketAddress,
  unixSockaddr,
} from "../../system/sockets/socket_address.ts";
import { listenerEnd } from "../connections/client_connections.ts";
import { replacesListening } from "../serving/listener.ts";
import type { SealedConnectionSetup } from "./sealed_connections.ts";
import type { OpenFile, SealedFiles } from "./sealed_files.ts";
import type { Queue, Seat } from "./sealed_queues.ts";
import type { Swap } from "./swap.ts";

const O_DIRECTORY = Deno.build.arch === "aarch64" ? 0o40000 : 0o200000;
/** How many servers of node's can have a queue: of this slot's own, and of each other slot's. */
const [OWN_SPARES, OTHER_SPARES] = [4, 1];

/** A descriptor, and what it stands for. */
export interface Opened {
  readonly fd: number;
  readonly file: OpenFile;
}

/**
 * A listening socket that nobody can reach: its path is gone.
 *
 * @param path Where nothing is.
 */
export function unreachableSocket(c: Libc, path: string): number {
  const fd = check(c, "socket", c.socket(FAMILY.UNIX, SOCKET_TYPE.STREAM, 0));
  const address = unixSockaddr(path, false);
  check(c, "bind", c.bind(fd, address, address.length));
  check(c, "listen", c.listen(fd, 1));
  c.unlink(cString(path));
  return fd;
}

/** What a descriptor stands for, which is open. */
export function opened(files: SealedFiles, fd: number): Opened {
  const file = files.identify(fd);
  if (file === null) throw new Error(`Descriptor ${fd} is not open`);
  return { fd, file };
}

/** The other descriptors that stand for the same file. */
export function duplicatesOf(c: Libc, files: SealedFiles, fd: number): number[] {
  const file = files.identify(fd);
  return openDescriptors(c).filter((one) => one !== fd && files.is(one, file));
}

/** Opens a file of /proc for good. */
export function openKernelFile(c: Libc, path: string, directory = false): number {
  return check(
    c,
    `open ${path}`,
    c.open(cString(path), O_CLOEXEC | (directory ? O_DIRECTORY : 0)),
  );
}

/** Deno's epoll instances, each with a descriptor of what the kernel tells of it. */
export function epollInstances(c: Libc): { readonly fd: number; readonly info: number }[] {
  return openDescriptors(c).filter((fd) => descriptorTarget(c, fd) === "anon_inode:[eventpoll]")
    .map((fd) => ({ fd, info: openKernelFile(c, `/proc/self/fdinfo/${fd}`) }));
}

/** The queues that this worker has inherited. */
export function inheritedQueues(
  c: Libc,
  files: SealedFiles,
  { sockets, slot }: Pick<WorkerEnvironment, "sockets" | "slot">,
): Queue[] {
  return sockets.flatMap(({ fds }) =>
    fds.map((name, i) => {
      const own = fds.length === 1 || i === slot - 1;
      const count = replacesListening() ? own ? OWN_SPARES : OTHER_SPARES : 0;
      const spares = Array.from({ length: count }, () => duplicate(c, name));
      return { name, file: opened(files, name).file, spares };
    })
  );
}

/** The near ends of clients' connections. */
export function nearEnds(
  sockets: readonly WorkerSocket[],
): Pick<SealedConnectionSetup, "ports" | "paths"> {
  const ends = sockets.map(({ address }) => {
    const port = /:\d+$/.test(address) ? Number(listenerEnd(address)) : 0;
    const abstract = address.startsWith("@");
    const name = abstract ? `\0${address.slice(1)}` : address;
    const bytes = new TextEncoder().encode(port > 0 ? "" : name);
    return { port, path: { bytes, length: bytes.length } };
  });
  return { ports: ends.map(({ port }) => port), paths: ends.map(({ path }) => path) };
}

/** Takes the descriptors of servers and listeners that were opened at these addresses. */
export function takeSeats(
  c: Libc,
  files: SealedFiles,
  swap: Swap,
  quiet: Opened,
  places: readonly { readonly port: number; readonly path: string }[],
): Seat[] {
  const open = openDescriptors(c).flatMap((fd) => {
    const address = localAddress(c, fd);
    return address === null || peerAddress(c, fd) !== null ? [] : [{ fd, address }];
  });
  return places.map((place) => {
    const found = open.find(({ address }) => isAt(address, place));
    if (found === undefined) throw new Error("Cannot find the descriptor of Deno's own listener");
    takeSeat(files, swap, quiet, found.fd);
    return { fd: found.fd, ...place };
  });
}

function isAt(
  address: SocketAddress,
  { port, path }: { readonly port: number; readonly path: string },
) {
  if (address.family === "unix") return port === 0 && address.path === path;
  return port > 0 && address.port === port && address.host === "127.0.0.1";
}

/** Puts the quiet socket in the place of what Deno opened. */
export function takeSeat(files: SealedFiles, swap: Swap, quiet: Opened, fd: number): void {
  if (swap(fd, opened(files, fd).file, quiet.fd)) return;
  throw new Error("Cannot find the epoll registration of a listener");
}

/**
 * Connections of Deno's that lead nowhere.
 *
 * @param path At which a socket may be for a moment.
 */
export async function idleConnections(
  c: Libc,
  path: string,
  count: number,
  take: (fd: number) => void,
): Promise<{ readonly connection: Deno.UnixConn; readonly fd: number }[]> {
  const listener = Deno.listen({ transport: "unix", path });
  const made: { readonly connection: Deno.UnixConn; readonly fd: number }[] = [];
  for (let i = 0; i < count; i++) {
    const connection = await Deno.connect({ transport: "unix", path });
    const fd = openDescriptors(c).find((one) => {
      const peer = peerAddress(c, one);
      return peer?.family === "unix" && peer.path === path;
    });
    if (fd === undefined) throw new Error("Cannot find the descriptor of Deno's own connection");
    take(fd);
    made.push({ connection, fd });
  }
  listener.close();
  c.unlink(cString(path));
  return made;
}

/**
 * Takes all free numbers below the highest one that is needed, so that a limit tells what was open when the
 * script began from what came later. What has a higher number was inherited from somebody, and is nobody's.
 *
 * @param fd What the free numbers are to stand for.
 * @returns The first number above.
 */
export function fillNumbers(c: Libc, fd: number, highest: number): number {
  let copy = duplicate(c, fd);
  while (copy < highest) copy = duplicate(c, fd);
  c.close(copy);
  return highest + 1;
}
