/**
 * Runs in the worker, before the user's script (`deno run --preload`): takes what was inherited, calls
 * the master, and makes sure that signals which come while the script starts are not lost.
 *
 * @module
 */

import { Channel } from "../protocol/channel.ts";
import { ProcessRow, SHARED_BYTES } from "../shared_memory/process_row.ts";
import {
  decodeMasterMessage,
  type MasterMessage,
  PROTOCOL_VERSION,
  type WorkerMessage,
} from "../protocol/message.ts";
import { Scoreboard } from "../shared_memory/scoreboard.ts";
import {
  decodeWorkerEnvironment,
  type GenerationInfo,
  WORKER_VARIABLE,
  type WorkerEnvironment,
} from "../protocol/worker_environment.ts";
import { ALARM_MARGIN_S, endWithParent } from "../system/process/death_watch.ts";
import { setInherited } from "../system/descriptor.ts";
import { type Libc, libc } from "../system/libc.ts";
import { swallowSignal } from "../system/process/swallow_signal.ts";
import { mapSharedMemory } from "../system/shared_memory.ts";
import { followUpgrades } from "./connections/client_activity.ts";
import { keepConsoleFromThrowing } from "./logging/console_output.ts";
import { enterInstance } from "./instance.ts";
import { handleMessages, sayHello } from "./control_pipe.ts";
import { leaveToScript, retire } from "./retire.ts";
import { ordinaryOperations } from "./operations.ts";
import { watchSignals } from "./signals.ts";
import { instanceSockets } from "./serving/sockets.ts";

enter();

function enter(): void {
  const environment = takeEnvironment();
  // Connecting takes the master's attention; there is enough to do meanwhile.
  const { control } = environment;
  const callMaster = () => Deno.connect({ transport: "unix", path: control });
  const connection = callMaster();
  const channel = new Channel<MasterMessage, WorkerMessage>(connection, decodeMasterMessage);
  const c = libc();
  const facts = JSON.parse(Deno.readTextFileSync(environment.facts)) as GenerationInfo;
  const memory = sharedMemory(c, environment);
  enterInstance({
    environment,
    facts,
    channel,
    scoreboard: new Scoreboard(memory),
    memory,
    processRow: new ProcessRow(memory, environment.processRow),
    libc: c,
    operations: c && ordinaryOperations(c, environment, (path) => logFile(facts, path)),
    takeMuleMessage: null,
    metrics: null,
    requestLog: null,
    usesModule: false,
    tls: null,
    ask: null,
    callMaster,
    removeLeftovers: () =>
      Deno.removeSync(control.slice(0, control.lastIndexOf("/")), { recursive: true }),
  });
  sayHello();
  if (c !== null) {
    swallowSignal(c, "SIGUSR1");
    // Ctrl-C in a terminal is meant for the master, which tells its workers.
    c.setsid();
    keepFromChildren(c, environment);
    endWithParent(c, environment.mercyMs / 1000 + ALARM_MARGIN_S);
  }
  if (facts.ownConsole && (facts.log === null || facts.log.log === null)) keepConsoleFromThrowing();
  followUpgrades();
  watchSignals((handled) => {
    if (handled) leaveToScript(environment.mercyMs);
    else void retire("signal", environment.mercyMs, instanceSockets());
  });
  void handleMessages(connection);
}

/** Descriptor of the log target that is this file. */
function logFile({ log }: GenerationInfo, path: string): number | undefined {
  const targets = [log?.log, log?.request].flatMap((stream) => stream?.targets ?? []);
  const place = targets.map((target) => target.place).find((one) =>
    one.kind === "file" && one.path === path
  );
  return place?.kind === "file" ? place.fd : undefined;
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
  const { sockets, scoreboard, stderr, words } = environment;
  const own = words === null ? [] : [words.write, words.read];
  const inherited = [...sockets.flatMap((socket) => socket.fds), scoreboard, stderr, ...own];
  for (const fd of inherited) {
    if (fd !== null) setInherited(c, fd, false);
  }
}

function sharedMemory(c: Libc | null, environment: WorkerEnvironment): ArrayBufferLike {
  const fd = environment.scoreboard;
  if (c === null || fd === null) return new SharedArrayBuffer(SHARED_BYTES);
  return mapSharedMemory(c, fd, SHARED_BYTES);
}
