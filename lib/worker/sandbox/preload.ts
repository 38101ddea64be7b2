/**
 * Runs in the worker, as its last preload and only where the configuration says what workers may do: opens
 * everything that needs more, gives that back, and seals what duwsgi's own modules hold. Then the script is
 * evaluated. See docs/security.md.
 *
 * @module
 */

import { Channel } from "../../protocol/channel.ts";
import { MasterClock, ProcessRow } from "../../shared_memory/process_row.ts";
import { MetricTable } from "../../shared_memory/metric_table.ts";
import { Scoreboard } from "../../shared_memory/scoreboard.ts";
import type { SandboxPlan, WorkerSocket } from "../../protocol/worker_environment.ts";
import { isTcp } from "../../system/sockets/adopted_listener.ts";
import { ALARM_MARGIN_S } from "../../system/process/death_watch.ts";
import {
  descriptorLimit,
  descriptorTarget,
  duplicate,
  O_CLOEXEC,
} from "../../system/descriptor.ts";
import { check, compiledFunctions, cString, forgetLibc, type Libc } from "../../system/libc.ts";
import { unixSockaddr } from "../../system/sockets/socket_address.ts";
import { lookAtOutputAgain } from "../logging/console_output.ts";
import { InFlight } from "../counting/in_flight.ts";
import { type Instance, instanceAccess, sealInstance } from "../instance.ts";
import { forgetLineSinks } from "../logging/line_sinks.ts";
import {
  isServedOtherwise,
  keepListeningFunctions,
  listeningFunctions,
  replacesListening,
} from "../serving/listener.ts";
import { RequestMeter, requestMeter } from "../counting/request_meter.ts";
// It takes its way to the instance now; the script gets the same module.
import "../uwsgi.ts";
import {
  duplicatesOf,
  epollInstances,
  fillNumbers,
  idleConnections,
  inheritedQueues,
  nearEnds,
  opened,
  openKernelFile,
  takeSeat,
  takeSeats,
  unreachableSocket,
} from "./arrangement.ts";
import { registrations } from "./registrations.ts";
import { refuseSystemCalls } from "./seccomp_wall.ts";
import { sealedConnections } from "./sealed_connections.ts";
import { RETAINED_FUNCTIONS, type RetainedCalls, sealedFiles } from "./sealed_files.ts";
import { sealedLog } from "./sealed_log.ts";
import { sealedMaster } from "./sealed_master.ts";
import { sealedOperations, seatName } from "./sealed_operations.ts";
import { sealedQueues } from "./sealed_queues.ts";
import { swapper } from "./swap.ts";
import { removeWebStorage } from "./web_storage.ts";
import {
  type Pair,
  type PreopenCounts,
  type PreopenedServers,
  waitingServers,
} from "./preopened_servers.ts";

/**
 * How many servers of each kind wait beside those that are needed: one that accepts no more, because there were no
 * descriptors for a moment, is opened anew.
 */
const SPARE_SERVERS = 2;
/** How often a worker can call again: a master that replaces its program replaces its workers as well. */
const SPARE_CONNECTIONS = 4;

async function enter(instance: Instance): Promise<void> {
  const { environment: { sandbox, scoreboard }, libc } = instance;
  if (libc === null || scoreboard === null) {
    throw new Error(
      "Workers cannot be sandboxed here, because the C library cannot be called: remove the options " +
        "about permissions, or use deno-flag",
    );
  }
  if (sandbox !== null) await seal(instance, libc, scoreboard, sandbox);
}

async function seal(
  instance: Instance,
  libc: Libc,
  memory: number,
  { revoke, throwaways, seccomp, webStorage }: SandboxPlan,
): Promise<void> {
  // What is counted, is counted by what is made now.
  requestMeter();
  const c = compiledFunctions(RETAINED_FUNCTIONS);
  const [first = 0, second = 0] = crypto.getRandomValues(new Uint32Array(2));
  // The paths are the same for all workers, and each is a socket only for a moment.
  const unlock = lock(libc, `${directoryOf(instance)}/sandbox.lock`);
  let own: { readonly quiet: number; readonly highest: number };
  try {
    own = await arrange(instance, libc, c, { memory, throwaways, key: [first, second] });
  } finally {
    unlock();
  }
  const below = fillNumbers(libc, own.quiet, own.highest);
  for (
    const own of [Channel, InFlight, ProcessRow, MasterClock, MetricTable, RequestMeter, Scoreboard]
  ) {
    Object.freeze(own.prototype);
  }
  // It was loaded here, and not yet by the script.
  instance.usesModule = false;
  sealInstance();
  if (!webStorage) removeWebStorage();
  if (seccomp !== null) {
    // Programs that a worker starts keep the filter, and have descriptors of their own.
    const guard = seccomp.grants.run || seccomp.grants.ffi
      ? null
      : { below, key: [first, second], stdio: true } as const;
    refuseSystemCalls(libc, seccomp, guard);
  }
  instance.libc = null;
  forgetLibc();
  for (const permission of revoke) Deno.permissions.revokeSync(permission);
}

/**
 * Opens what the sealed operations need, and gives them to the instance.
 *
 * @returns The descriptor of the quiet socket, and the highest one that an operation needs.
 */
async function arrange(
  instance: Instance,
  libc: Libc,
  c: RetainedCalls,
  { memory, throwaways, key }: Pick<SandboxPlan, "throwaways"> & {
    readonly memory: number;
    readonly key: readonly [number, number];
  },
): Promise<{ readonly quiet: number; readonly highest: number }> {
  const { environment } = instance;
  const { control, stderr, sockets, masterPid, listen: backlog } = environment;
  const files = sealedFiles(c, key);
  const place = placesAt(libc, throwaways);
  const quiet = opened(files, unreachableSocket(libc, place()));
  const staging = duplicate(libc, quiet.fd);
  const epolls = epollInstances(libc);
  const registered = registrations(c);
  const swaps = swapper(c, { files, registrations: registered, epolls });
  const { swap } = swaps;
  const waiting = openServers(instance, place);
  keepListeningFunctions(waiting.functions);
  const seats = takeSeats(libc, files, swap, quiet, waiting.addresses.map(seatName));
  const spares = await idleConnections(
    libc,
    place(),
    SPARE_CONNECTIONS,
    (fd) => takeSeat(files, swap, quiet, fd),
  );
  for (const path of throwaways) libc.unlink(cString(path));
  const queues = inheritedQueues(libc, files, environment);
  const directory = openKernelFile(libc, "/proc/self/fd", true);
  const status = openKernelFile(libc, "/proc/self/status");
  const log = stderr ?? 2;
  const address = unixSockaddr(control, false);
  const own = new TextEncoder().encode(directoryOf(instance));
  const errno = libc.__errno_location();
  if (errno === null) throw new Error("The C library has no errno");
  const master = sealedMaster(c, {
    files,
    swap,
    master: masterPid,
    control: address,
    controlLength: address.length,
    seats: spares,
    quiet,
    staging,
    directory: cString(directoryOf(instance)),
    directoryLength: own.length,
    seconds: Math.ceil(environment.mercyMs / 1000 + ALARM_MARGIN_S),
    status,
  });
  instance.operations = sealedOperations({
    log: sealedLog(c, new Int32Array(Deno.UnsafePointerView.getArrayBuffer(errno, 4)), {
      files,
      log,
      duplicates: duplicatesOf(libc, files, log),
      path: logPath(libc, log),
      staging,
      quiet: quiet.fd,
      memory,
    }),
    queues: sealedQueues(c, {
      files,
      registrations: registered,
      epolls,
      swap,
      quiet,
      queues,
      seats,
      backlog,
    }),
    connections: sealedConnections(c, {
      files,
      swapper: swaps,
      staging,
      quiet,
      directory,
      ...nearEnds(sockets),
    }),
    master,
    limit: descriptorLimit(libc) ?? Infinity,
  }, environment);
  instance.callMaster = () => {
    const called = spares[master.call()];
    return called === undefined
      ? Promise.reject(new Error("The master does not answer"))
      : Promise.resolve(called.connection);
  };
  instance.removeLeftovers = () => master.removeDirectory();
  forgetLineSinks();
  lookAtOutputAgain();
  const needed = [
    ...[memory, log, quiet.fd, staging, directory, status],
    ...epolls.flatMap(({ fd, info }) => [fd, info]),
    ...[...seats, ...spares].map(({ fd }) => fd),
    ...queues.flatMap(({ name, spares }) => [name, ...spares]),
  ];
  return { quiet: quiet.fd, highest: Math.max(...needed) };
}

/** What serves each queue that this worker may accept from, and a listener for each socket. */
function openServers(
  { environment: { sockets }, tls }: Instance,
  place: () => string,
): PreopenedServers {
  const own = listeningFunctions();
  const tcp = wanted(
    sockets.filter(({ address, certificate }) => isTcp(address) && certificate === undefined),
    // A script that listens by itself may look first whether a port is free.
    replacesListening() ? SPARE_SERVERS : 0,
  );
  const secure = sockets.flatMap(({ certificate, fds }) =>
    certificate === undefined || tls === null
      ? []
      : Array<Pair>(Math.max(1, fds.length) + SPARE_SERVERS).fill(tls.certificate(certificate))
  );
  const unix = wanted(sockets.filter(({ address }) => !isTcp(address)));
  return waitingServers(own, tcp, unix, secure, place);
}

function wanted(sockets: readonly WorkerSocket[], spareListeners = 0): PreopenCounts {
  const queues = (some: readonly WorkerSocket[]) =>
    some.reduce((sum, { fds }) => sum + Math.max(1, fds.length), 0);
  const http = sockets.filter((socket) => !isServedOtherwise(socket));
  const others = sockets.filter(isServedOtherwise);
  const servers = queues(http);
  return {
    servers: servers === 0 ? 0 : servers + SPARE_SERVERS,
    listeners: sockets.length + queues(others) + (sockets.length === 0 ? 0 : spareListeners),
  };
}

/** Gives out the paths, each once. */
function placesAt(libc: Libc, throwaways: readonly string[]): () => string {
  const places = throwaways.values();
  return () => {
    const { value } = places.next();
    if (value === undefined) {
      throw new Error("The instance has too many Unix sockets for a sandbox");
    }
    // A worker that was killed may have left it.
    libc.unlink(cString(value));
    return value;
  };
}

/** The path of the log, if it is a file that can be opened again. */
function logPath(libc: Libc, log: number): Uint8Array<ArrayBuffer> | null {
  const target = descriptorTarget(libc, log) ?? "";
  return target.startsWith("/") && !target.startsWith("/dev/") ? cString(target) : null;
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
