/**
 * Runs in the master. Says why a socket cannot be opened; loaded only then.
 *
 * @module
 */

import type { Address } from "../config/address.ts";
import { UserError } from "../cli/exit_code.ts";
import { ERRNO, SystemCallError } from "../system/libc.ts";
import type { ListenSpec } from "./listener.ts";

/** What is wrong, where, and what to do about it, in one line. */
export function socketProblem(error: unknown, spec: ListenSpec, _address: Address): UserError {
  const { text, origin, option } = spec;
  const where = `${option} "${text}" (${origin.file}:${origin.line})`;
  const reason = error instanceof Error ? error.message : String(error);
  return new UserError("socket", `Cannot open ${where}: ${hint(error) ?? reason}`, {
    cause: error,
  });
}

function hint(error: unknown): string | null {
  if (error instanceof Deno.errors.AlreadyExists) return `${error.message}: remove it first`;
  if (!(error instanceof SystemCallError)) return null;
  const say = (advice: string) => `${error.reason.toLowerCase()}: ${advice}`;
  switch (error.errno) {
    case ERRNO.EADDRINUSE:
      return say("stop the other server or choose another address");
    case ERRNO.EACCES:
      return say("ports below 1024 need root or CAP_NET_BIND_SERVICE, paths a writable directory");
    case ERRNO.EADDRNOTAVAIL:
      return say("the address does not belong to this machine");
    case ERRNO.ENOENT:
      return say("the directory of the socket does not exist");
    default:
      return error.reason.toLowerCase();
  }
}
