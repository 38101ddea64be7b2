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
  type InstanceFacts,
  WORKER_VARIABLE,
  type WorkerEnvironment,
} from "../protocol/worker_environment.ts";
import { endAfter, endWithParent } from "../system/death_watch.ts";
import { setInherited } from "../system/descriptor.ts";
import { type Libc, libc } from "../system/libc.ts";
import { mapSharedMemory } from "../system/shared_memory.ts";
import { currentInstance, enterInstance } from "./instance.ts";
import { leaveToScript, retire } from "./retire.ts";
import { watchSignals } from "./signals.ts";
import { instanceSockets } from "./sockets.ts";

/** A worker without a master leaves within its mercy; this much later it is made to (2 s). */
const GRACE_S = 2;

enter();

function enter(): void {
  const environment = takeEnvironment();
  // Connecting takes the master's attention; there is enough to do meanwhile.
  const connection = Deno.connect({ transport: "unix", path: environment.control });
  const channel = new Channel<MasterMessage, WorkerMessage>(connection, decodeMasterMessage);
  const c = libc();
  const facts = JSON.parse(Deno.readTextFileSync(environment.facts)) as InstanceFacts;
  enterInstance({ environment, facts, channel, scoreboard: scoreboard(c, environment), libc: c });
  channel.send({
    type: "hello",
    protocol: PROTOCOL_VERSION,
    token: environment.token,
    pid: Deno.pid,
    adopts: c !== null,
  });
  if (c !== null) {
    // Ctrl-C in a terminal is meant for the master, which tells its workers.
    c.setsid();
    keepFromChildren(c, environment);
    endWithParent(c, environment.mercyMs / 1000 + GRACE_S);
  }
  watchSignals((handled) => {
    if (handled) leaveToScript(environment.mercyMs);
    else void retire("signal", environment.mercyMs, instanceSockets());
  });
  void listenToMaster(connection, channel, environment);
}

function takeEnvironment(): WorkerEnvironment {
  const text = Deno.env.get(WORKER_VARIABLE);
  if (text === undefined) throw new Error(`Not started by duwsgi: ${WORKER_VARIABLE} is not set`);
  Deno.env.delete(WORKER_VARIABLE);
  const environment = decodeWorkerEnvironment(text);
  if (environment.protocol === PROTOCOL_VERSION) return environment;
  throw new Error(
    "The master is of another version of duwsgi than the files it starts workers from: restart it",
  );
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

async function listenToMaster(
  connection: Promise<Deno.UnixConn>,
  channel: Channel<MasterMessage, WorkerMessage>,
  environment: WorkerEnvironment,
): Promise<void> {
  try {
    // A script that has nothing more to do may end, although the pipe is open.
    (await connection).unref();
    for await (const message of channel.receive()) {
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
