/**
 * Runs in the worker. Its end of the control pipe: says who it is, does what the master says, and knows
 * what the end of the pipe means.
 *
 * @module
 */

import { type MasterMessage, PROTOCOL_VERSION } from "../protocol/message.ts";
import { GRACE_S } from "../system/death_watch.ts";
import { pause } from "../system/timing.ts";
import { repeatAcceptance } from "./acceptance.ts";
import { keepReserve, lendReserve, withReserve } from "./descriptor_reserve.ts";
import { instanceAccess } from "./instance.ts";
import { lineSinks } from "./line_sinks.ts";
import { leavesItsOwnWay, retire } from "./retire.ts";
import { instanceSockets } from "./sockets.ts";
import { comeBack, standAside } from "./standby.ts";

const currentInstance = instanceAccess();

/** How long a master may take to replace its own program (15 s). */
const MASTER_ABSENCE_MS = 15_000;

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

/** Does what the master says, for as long as there is one, and then leaves. */
export async function obeyMaster(first: Promise<Deno.UnixConn>): Promise<void> {
  const { environment } = currentInstance();
  try {
    // The first call may find a master that is just replacing its program.
    let line = await first.catch(() => callAgain());
    for (; line !== null; line = await callAgain()) {
      // A script that has nothing more to do may end, although the pipe is open.
      line.unref();
      await obey();
    }
  } finally {
    // The end of the pipe is the master's death notice: finish what there is, and leave.
    currentInstance().operations?.endAfter(environment.mercyMs / 1000 + GRACE_S);
    await retire("master-gone", environment.mercyMs, instanceSockets());
  }
}

async function obey(): Promise<void> {
  const { channel } = currentInstance();
  for await (const message of channel.receive()) {
    try {
      act(message);
    } catch (error) {
      // What cannot be done, for want of descriptors for example, is no reason to leave.
      const reason = error instanceof Error ? error.message : String(error);
      const { slot } = currentInstance().environment;
      lineSinks().log(`Worker ${slot} cannot do what its master says (${message.type}): ${reason}`);
    }
  }
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
      comeBack();
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
  else standAside(drain, keep);
}

/** Puts the new log file in the place of everything here that writes to the old one. */
function reopenLog(path: string, inode: number | null): void {
  const { environment: { stderr }, operations } = currentInstance();
  if (operations === null || stderr === null) return;
  try {
    withReserve(() => operations.reopenLog(path, inode));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    lineSinks().log(`Worker stays with the old log file, because ${path} fails: ${reason}`);
  }
}

/**
 * The pipe has ended, and the master may still be there: while it replaces its own program it keeps its
 * pid and its children, who call again.
 */
async function callAgain(): Promise<Deno.UnixConn | null> {
  const { channel, environment, callMaster } = currentInstance();
  const end = performance.now() + MASTER_ABSENCE_MS;
  while (Deno.ppid === environment.masterPid && performance.now() < end) {
    try {
      // Clients may have taken all other descriptors.
      lendReserve();
      const line = await callMaster().finally(keepReserve);
      // The thread that has started this worker has ended with the program before.
      currentInstance().operations?.stayWithMaster();
      channel.renew(Promise.resolve(line));
      sayHello();
      repeatAcceptance();
      return line;
    } catch {
      await pause(10);
    }
  }
  return null;
}
