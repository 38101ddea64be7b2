/**
 * Runs in the worker, as its last preload and only where the configuration says what workers may do:
 * opens everything that needs more, gives that back, and locks what duwsgi's own modules hold. Then the
 * script is evaluated. See docs/security.md.
 *
 * @module
 */

import { Channel } from "../../protocol/channel.ts";
import { Lane, LaneClock } from "../../protocol/lane.ts";
import { MetricTable } from "../../protocol/metric_table.ts";
import { Scoreboard } from "../../protocol/scoreboard.ts";
import type { SandboxPlan, WorkerSocket } from "../../protocol/worker_environment.ts";
import { quietSocket } from "../../system/accept_queue.ts";
import { isTcp } from "../../system/adopted_listener.ts";
import { descriptorTarget, O_CLOEXEC, openDescriptors } from "../../system/descriptor.ts";
import { check, compiledFunctions, cString, type Libc } from "../../system/libc.ts";
import { InFlight } from "../in_flight.ts";
import { type Instance, instanceAccess, sealInstance } from "../instance.ts";
import { isServedOtherwise, keepListeningFunctions, listeningFunctions } from "../listener.ts";
import { RequestMeter, requestMeter } from "../request_meter.ts";
// It takes its way to the instance now; the script gets the same module.
import "../uwsgi.ts";
import { registrations } from "./registrations.ts";
import { directoryRemover } from "./remove_directory.ts";
import { LASTING_FUNCTIONS, sealedFunctions } from "./sealed_libc.ts";
import { refuseSystemCalls } from "./seccomp_wall.ts";
import { sparePipes } from "./spare_pipes.ts";
import { removeWebStorage } from "./web_storage.ts";
import { type Pair, waitingServers, type Wanted } from "./waiting_servers.ts";

async function enter(instance: Instance): Promise<void> {
  const { environment: { sandbox, scoreboard }, libc } = instance;
  if (libc === null || scoreboard === null) {
    throw new Error(
      "Workers cannot be sandboxed here, because the C library cannot be called: remove the options " +
        "about permissions, or use deno-flag",
    );
  }
  if (sandbox === null) return;
  // The paths are the same for all workers, and each is a socket only for a moment.
  const unlock = lock(libc, `${directoryOf(instance)}/sandbox.lock`);
  try {
    await seal(instance, libc, scoreboard, sandbox);
  } finally {
    unlock();
  }
}

async function seal(
  instance: Instance,
  libc: Libc,
  memory: number,
  { revoke, throwaways, seccomp, webStorage }: SandboxPlan,
): Promise<void> {
  const { control, stderr } = instance.environment;
  // What is counted, is counted by what is made now.
  requestMeter();
  const lasting = compiledFunctions(LASTING_FUNCTIONS);
  const log = stderr ?? 2;
  const target = descriptorTarget(libc, log) ?? "";
  const sealed = sealedFunctions(libc, lasting, {
    memory,
    log,
    logPath: target.startsWith("/") && !target.startsWith("/dev/") ? target : "",
    quiet: { tcp: quietSocket(libc, false), unix: quietSocket(libc, true) },
    epolls: openDescriptors(libc).filter((fd) =>
      descriptorTarget(libc, fd) === "anon_inode:[eventpoll]"
    ),
    registrations: registrations(lasting),
  });
  const places = throwaways.values();
  const place = () => {
    const { value } = places.next();
    if (value === undefined) {
      throw new Error("The instance has too many Unix sockets for a sandbox");
    }
    // A worker that was killed may have left it.
    libc.unlink(cString(value));
    return value;
  };
  openServers(instance, place);
  for (const path of throwaways) libc.unlink(cString(path));
  instance.callMaster = await sparePipes(libc, lasting, sealed, control, place());
  instance.removeLeftovers = directoryRemover(lasting, directoryOf(instance));
  for (const [name, value] of Object.entries(sealed)) {
    Object.defineProperty(libc, name, { value, enumerable: true, configurable: true });
  }
  for (
    const own of [Channel, InFlight, Lane, LaneClock, MetricTable, RequestMeter, Scoreboard]
  ) {
    Object.freeze(own.prototype);
  }
  // It was loaded here, and not yet by the script.
  instance.usesModule = false;
  sealInstance();
  if (!webStorage) removeWebStorage();
  if (seccomp !== null) refuseSystemCalls(libc, seccomp, null);
  for (const permission of revoke) Deno.permissions.revokeSync(permission);
}

/** What serves each queue that this worker may accept from, and a listener for each socket. */
function openServers(
  { environment: { sockets }, tls }: Instance,
  place: () => string,
): void {
  const own = listeningFunctions();
  const tcp = wanted(
    sockets.filter(({ address, certificate }) => isTcp(address) && certificate === undefined),
  );
  const secure = sockets.flatMap(({ certificate, fds }) =>
    certificate === undefined || tls === null
      ? []
      : Array<Pair>(Math.max(1, fds.length)).fill(tls.certificate(certificate))
  );
  const unix = wanted(sockets.filter(({ address }) => !isTcp(address)));
  keepListeningFunctions(waitingServers(own, tcp, unix, secure, place));
}

function wanted(sockets: readonly WorkerSocket[]): Wanted {
  const queues = (some: readonly WorkerSocket[]) =>
    some.reduce((sum, { fds }) => sum + Math.max(1, fds.length), 0);
  const http = sockets.filter((socket) => !isServedOtherwise(socket));
  const others = sockets.filter(isServedOtherwise);
  return { servers: queues(http), listeners: sockets.length + queues(others) };
}

function directoryOf({ environment: { control } }: Instance): string {
  return control.slice(0, control.lastIndexOf("/"));
}

const O_RDWR_CREATE = 2 | 0o100 | O_CLOEXEC;
const F_SETLKW = 7;
const F_WRLCK = 1;
/** `struct flock` on 64-bit Linux; all zero but the type: the whole file. */
const FLOCK_BYTES = 32;

/** Waits for its turn; returns the function that lets the next one have it. */
function lock(c: Libc, path: string): () => void {
  const fd = check(c, "open", c.open_create(cString(path), O_RDWR_CREATE, 0o600));
  const flock = new Uint8Array(FLOCK_BYTES);
  flock[0] = F_WRLCK;
  check(c, "fcntl", c.fcntl_lock(fd, F_SETLKW, flock));
  return () => void c.close(fd);
}

await enter(instanceAccess()());
