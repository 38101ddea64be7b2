/**
 * Runs in the worker. Its end of the control pipe: says who it is, does what the master says, and knows
 * what the end of the pipe means.
 *
 * @module
 */

import { errorText } from "../errors.ts";
import { type MasterMessage, PROTOCOL_VERSION } from "../protocol/message.ts";
import { ALARM_MARGIN_S } from "../system/process/death_watch.ts";
import { pause } from "../system/timing.ts";
import { resendAccepting } from "./acceptance.ts";
import { keepReserve, lendReserve, withReserve } from "./descriptor_reserve.ts";
import { instanceAccess } from "./instance.ts";
import { lineSinks } from "./logging/line_sinks.ts";
import { isMasterThere, leavesItsOwnWay, retire } from "./retire.ts";
import { instanceSockets } from "./serving/sockets.ts";
import { enterStandby, leaveStandby } from "./standby.ts";

const currentInstance = instanceAccess();

/** How long a master may take to replace its own program (15 s). */
const MASTER_ABSENCE_MS = 15_000;
/** Between two calls (10 ms). */
const CALL_AGAIN_MS = 10;
/** After the end of the pipe, the end of a master is seen within this time (1 s). */
const END_MS = 1_000;

/** The first words on a new pipe. */
export function sayHello(): void {
  const { channel, environment, operations } = currentInstance();
  channel.send({
    type: "hello",
    protocol: PROTOCOL_VERSION,
    token: environment.token,
    pid: Deno.pid,
    adopts: operations !== null,
  });
}

/**
 * Does what the master says, for as long as there is one, and then leaves. Whatever else ends the
 * conversation is told, and is not taken for the master's end.
 */
export async function handleMessages(first: Promise<Deno.UnixConn>): Promise<void> {
  const { environment } = currentInstance();
  try {
    // The first call may find a master that is just replacing its program.
    let line = await first.catch(() => reconnect(performance.now()));
    let lostAt = performance.now();
    while (line !== null) {
      // A script that has nothing more to do may end, although the pipe is open.
      line.unref();
      const since = performance.now();
      const messages = await obey();
      // Whoever is sent away at once has not found a master again.
      if (messages > 0 || performance.now() - since > END_MS) lostAt = performance.now();
      line = await reconnect(lostAt);
    }
  } catch (error) {
    complain("does not understand its master", error);
  }
  if (isMasterThere()) return await retire("reload", environment.mercyMs, instanceSockets());
  // The end of the pipe is the master's death notice: finish what there is, and leave.
  currentInstance().operations?.endAfter(environment.mercyMs / 1000 + ALARM_MARGIN_S);
  await retire("master-gone", environment.mercyMs, instanceSockets());
}

/** A line in the log about what went wrong here. */
function complain(what: string, error: unknown): void {
  const reason = errorText(error);
  const { slot, mule } = currentInstance().environment;
  lineSinks().log(`${mule > 0 ? `Mule ${mule}` : `Worker ${slot}`} ${what}: ${reason}`);
}

/** Until the end of the pipe; returns how much was said. */
async function obey(): Promise<number> {
  const { channel } = currentInstance();
  let messages = 0;
  for await (const message of channel.receive()) {
    messages++;
    try {
      act(message);
    } catch (error) {
      // What cannot be done, for want of descriptors for example, is no reason to leave.
      complain(`cannot do what its master says (${message.type})`, error);
    }
  }
  return messages;
}

function act(message: MasterMessage): void {
  switch (message.type) {
    case "retire":
      void retire(message.reason, message.mercyMs, instanceSockets(), message.closing);
      break;
    case "cover":
      for (const socket of instanceSockets()) socket.cover(message.slots);
      break;
    case "standBy":
      standBy(message.drain, message.keep);
      break;
    case "recall":
      leaveStandby();
      break;
    case "mule-message":
      currentInstance().takeMuleMessage?.(message.text);
      break;
    case "reopen-log":
      reopenLog(message.path, message.inode);
  }
}

function standBy(drain: boolean, keep: readonly string[]): void {
  const { environment, operations } = currentInstance();
  // Whoever cannot stop accepting, or decides itself how it leaves, leaves.
  const stays = operations !== null && !leavesItsOwnWay();
  if (drain && !stays) void retire("reload", environment.mercyMs, instanceSockets(), keep);
  else enterStandby(drain, keep);
}

/** Puts the new log file in the place of everything here that writes to the old one. */
function reopenLog(path: string, inode: number | null): void {
  const { environment: { stderr }, operations } = currentInstance();
  if (operations === null || stderr === null) return;
  try {
    withReserve(() => operations.reopenLog(path, inode));
  } catch (error) {
    const reason = errorText(error);
    lineSinks().log(`Worker stays with the old log file, because ${path} fails: ${reason}`);
  }
}

/**
 * The pipe has ended, and the master may still be there: while it replaces its own program it keeps its
 * pid and its children, who call again.
 *
 * @param lostAt When it was lost.
 */
async function reconnect(lostAt: number): Promise<Deno.UnixConn | null> {
  const { channel, callMaster, environment: { sandbox } } = currentInstance();
  let end = lostAt + MASTER_ABSENCE_MS;
  // What has ended holds a descriptor. In a sandbox the number of each is guarded, and there are few.
  if (sandbox === null) channel.close();
  await pause(CALL_AGAIN_MS);
  let problem: unknown = null;
  while (isMasterThere() && performance.now() < end) {
    try {
      // Clients may have taken all other descriptors.
      lendReserve();
      const line = await callMaster().finally(keepReserve);
      // The thread that has started this worker has ended with the program before.
      currentInstance().operations?.stayWithMaster();
      channel.renew(Promise.resolve(line));
      sayHello();
      resendAccepting();
      return line;
    } catch (error) {
      problem = error;
      // A permission that the script has given up does not come back: what is left is to see whether the
      // master has ended.
      if (error instanceof Deno.errors.NotCapable) end = Math.min(end, performance.now() + END_MS);
      await pause(CALL_AGAIN_MS);
    }
  }
  if (problem !== null && isMasterThere()) {
    complain("cannot call its master again, so it leaves", problem);
  }
  return null;
}
