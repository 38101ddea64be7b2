/**
 * Runs in the master. Says why a socket cannot be opened; loaded only then.
 *
 * @module
 */

import type { Address } from "../../system/sockets/address.ts";
import { errorText, UserError } from "../../errors.ts";
import { absolutePath } from "../../system/files/absolute_path.ts";
import { ERRNO, SystemCallError } from "../../system/libc.ts";
import { resolveHost } from "../../system/sockets/resolve_host.ts";
import type { ListeningAddress } from "../../system/sockets/socket_table.ts";
import { explainHolders, holdersOf } from "./address_holders.ts";
import type { ListenSpec } from "./listen_spec.ts";

/** What is wrong, where, and what to do about it, in one line. */
export async function socketProblem(
  error: unknown,
  { text, origin, option }: ListenSpec,
  address: Address,
): Promise<UserError> {
  const where = `${option} "${text}" (${origin.file}:${origin.line})`;
  const reason = await reasonOf(error, address);
  return new UserError("socket", `Cannot open ${where}: ${reason}`, { cause: error });
}

/** The same without the place. */
export async function reasonOf(error: unknown, address: Address): Promise<string> {
  if (error instanceof Deno.errors.AlreadyExists) return `${error.message}: remove it first`;
  if (error instanceof Deno.errors.AddrInUse) return await inUse("address already in use", address);
  if (!(error instanceof SystemCallError)) {
    return errorText(error);
  }
  const reason = error.reason.toLowerCase();
  switch (error.errno) {
    case ERRNO.EADDRINUSE:
      return await inUse(reason, address);
    case ERRNO.EACCES:
      return `${reason}: ports below 1024 need root or CAP_NET_BIND_SERVICE, paths a writable directory`;
    case ERRNO.EADDRNOTAVAIL:
      return `${reason}: the address does not belong to this machine`;
    case ERRNO.ENOENT:
      return `${reason}: the directory of the socket does not exist`;
    default:
      return reason;
  }
}

async function inUse(reason: string, address: Address): Promise<string> {
  const at = await listeningAt(address);
  const explanation = at === null ? null : explainHolders(holdersOf(at));
  if (explanation === null) return `${reason}: stop the other server or choose another address`;
  return `${reason} (${explanation.who}): ${explanation.advice}`;
}

/** As the kernel's tables have it. */
async function listeningAt(address: Address): Promise<ListeningAddress | null> {
  switch (address.kind) {
    case "tcp":
      return { host: await resolveHost(address.host), port: address.port };
    case "unix":
      return { path: absolutePath(address.path) };
    case "abstract":
      return { path: `@${address.name}` };
    default:
      return null;
  }
}
