/**
 * Calls to the socket on which a master answers operators.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import { type CommandAnswer, decodeAnswer, type Request } from "../../control/message.ts";
import { Channel } from "../../protocol/channel.ts";
import { fulfilledWithin } from "../../system/timing.ts";
import { unreachable } from "./find_master.ts";

/**
 * Calls a master.
 *
 * @throws {UserError} If none answers there.
 */
export async function connectOperator(path: string): Promise<Deno.UnixConn> {
  try {
    return await Deno.connect({ transport: "unix", path });
  } catch (error) {
    const why = (reason: string) => unreachable(`No master answers at "${path}": ${reason}`);
    if (error instanceof Deno.errors.NotFound) throw why("there is no such socket");
    if (error instanceof Deno.errors.ConnectionRefused) {
      throw why("nobody listens, the socket was left behind");
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      throw why("permission denied: run it as the user of the master, or as root");
    }
    throw why(errorText(error));
  }
}

/** A master answers at once (10 s). */
const ANSWER_TIMEOUT_MS = 10_000;

/**
 * Asks a master one thing, and returns its first answer.
 *
 * @throws {UserError} If it does not answer.
 */
export async function askOperator(
  path: string,
  command: Request["command"],
): Promise<CommandAnswer> {
  const channel = new Channel<CommandAnswer, Request>(await connectOperator(path), decodeAnswer);
  try {
    channel.send({ command, argument: null, wait: false });
    const first = channel.receive().next();
    if (!await fulfilledWithin(first, ANSWER_TIMEOUT_MS)) {
      throw unreachable(`No answer to ${command} within ${ANSWER_TIMEOUT_MS / 1000} s`);
    }
    const { value, done } = await first;
    if (done === true) throw unreachable("The master went away before it answered");
    return value;
  } finally {
    channel.close();
  }
}
