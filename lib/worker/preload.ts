/**
 * Runs in the worker, before the user's script (`deno run --preload`): takes what was inherited, calls
 * the master, and makes sure that signals which come while the script starts are not lost.
 *
 * @module
 */

import { Channel } from "../protocol/channel.ts";
import {
  decodeMasterMessage,
  type MasterMessage,
  PROTOCOL_VERSION,
  type WorkerMessage,
} from "../protocol/message.ts";
import { Scoreboard, SCOREBOARD_BYTES } from "../protocol/scoreboard.ts";
import {
  decodeWorkerEnvironment,
  WORKER_VARIABLE,
  type WorkerEnvironment,
} from "../protocol/worker_environment.ts";
import { endAfter, endWithParent } from "../system/death_watch.ts";
import { setInherited } from "../system/descriptor.ts";
import { type Libc, libc } from "../system/libc.ts";
import { mapSharedMemory } from "../system/shared_memory.ts";
import { currentInstance, enterInstance, type Welcome } from "./instance.ts";
import { retire } from "./retire.ts";
import { watchSignals } from "./signals.ts";
import { instanceSockets } from "./sockets.ts";

/** How often a worker says that its event loop runs (5 s). */
const HEARTBEAT_MS = 5_000;

/** A worker without a master leaves within its mercy; this much later it is made to (2 s). */
const GRACE_S = 2;

await enter();

async function enter(): Promise<void> {
  const environment = takeEnvironment();
  const c = libc();
  if (c !== null) {
    keepFromChildren(c, environment);
    endWithParent(c, environment.mercyMs / 1000 + GRACE_S);
  }
  const connection = await Deno.connect({ transport: "unix", path: environment.control });
  const channel = new Channel<MasterMessage, WorkerMessage>(connection, decodeMasterMessage);
  const messages = channel.receive();
  channel.send({
    type: "hello",
    protocol: PROTOCOL_VERSION,
    token: environment.token,
    pid: Deno.pid,
    adopts: c !== null,
  });
  const welcome = await firstMessage(messages);
  enterInstance({ environment, welcome, channel, scoreboard: scoreboard(c, environment), libc: c });
  // A script that has nothing more to do may end, although the pipe is open.
  connection.unref();
  watchSignals(() => void retire("signal", environment.mercyMs, instanceSockets()));
  void listenToMaster(messages, environment);
  startHeartbeat(channel);
}

function takeEnvironment(): WorkerEnvironment {
  const text = Deno.env.get(WORKER_VARIABLE);
  if (text === undefined) throw new Error(`Not started by duwsgi: ${WORKER_VARIABLE} is not set`);
  Deno.env.delete(WORKER_VARIABLE);
  return decodeWorkerEnvironment(text);
}

function keepFromChildren(c: Libc, environment: WorkerEnvironment): void {
  const { sockets, scoreboard, stderr } = environment;
  const inherited = [...sockets.flatMap((socket) => socket.fds), scoreboard, stderr];
  for (const fd of inherited) {
    if (fd !== null) setInherited(c, fd, false);
  }
}

function scoreboard(c: Libc | null, environment: WorkerEnvironment): Scoreboard {
  const fd = environment.scoreboard;
  if (c === null || fd === null) return new Scoreboard(new SharedArrayBuffer(SCOREBOARD_BYTES));
  return new Scoreboard(mapSharedMemory(c, fd, SCOREBOARD_BYTES));
}

async function firstMessage(messages: AsyncGenerator<MasterMessage>): Promise<Welcome> {
  const { value } = await messages.next();
  if (value?.type !== "welcome") throw new Error("The master did not answer on the control pipe");
  if (value.protocol !== PROTOCOL_VERSION) {
    throw new Error(`The master speaks protocol ${value.protocol}, not ${PROTOCOL_VERSION}`);
  }
  return value;
}

async function listenToMaster(
  messages: AsyncGenerator<MasterMessage>,
  environment: WorkerEnvironment,
): Promise<void> {
  try {
    for await (const message of messages) {
      if (message.type === "retire") {
        void retire(message.reason, message.mercyMs, instanceSockets());
      } else if (message.type === "cover") {
        for (const socket of instanceSockets()) socket.served?.cover(message.slots);
      }
    }
  } finally {
    // The end of the pipe is the master's death notice: finish what there is, and leave.
    const { libc } = currentInstance();
    if (libc !== null) endAfter(libc, environment.mercyMs / 1000 + GRACE_S);
    await retire("master-gone", environment.mercyMs, instanceSockets());
  }
}

function startHeartbeat(channel: Channel<MasterMessage, WorkerMessage>): void {
  let due = performance.now() + HEARTBEAT_MS;
  const timer = setInterval(() => {
    const now = performance.now();
    channel.send({ type: "heartbeat", lagMs: Math.max(0, Math.round(now - due)) });
    due = now + HEARTBEAT_MS;
  }, HEARTBEAT_MS);
  Deno.unrefTimer(timer);
}
