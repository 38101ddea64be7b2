/**
 * Runs in the worker. Looks at its clients now and then: stops accepting while there are too many of them,
 * and ends connections that take too long.
 *
 * @module
 */

import type { ClientLimits } from "../../protocol/client_limits.ts";
import { after } from "../../system/timing.ts";
import { requireLibc } from "../../system/libc.ts";
import { forgetUpgrades } from "../connections/client_activity.ts";
import {
  type ClientConnection,
  type ClientSockets,
  listenerEnd,
} from "../connections/client_connections.ts";
import { hasRoom } from "../descriptor_reserve.ts";
import { instanceAccess } from "../instance.ts";
import { stopAllQueues } from "../draining/accept_control.ts";
import { isServedOtherwise } from "../serving/listener.ts";
import { RareLine } from "../logging/line_sinks.ts";
import { instanceSockets } from "../serving/sockets.ts";
import { fewEnough, mostConnections, nextLookMs } from "./gate.ts";
import { IdleEnder } from "../draining/idle_ender.ts";
import {
  type Activity,
  areTimed,
  checkConnection,
  type Exceeded,
  type PendingHead,
} from "../connections/connection_times.ts";
import { OrdinaryClientSockets } from "./sockets.ts";
import { takeLeave } from "../draining/take_leave.ts";
import { UnservedSockets } from "./unserved.ts";
import type { Wait } from "../draining/drain.ts";

const currentInstance = instanceAccess();

/** A time is looked at this many times while it passes, and not more or less often than this (ms). */
const LOOKS = 8;
const [SHORTEST_MS, LONGEST_MS] = [100, 5_000];
/** So many connections are looked at in one go, and requests have their turn in between. */
const SLICE = 256;
const SLICE_REST_MS = 5;
/** How often connections that were ended are looked at, until they are closed. */
const LINGER_LOOK_MS = 100;

/** A socket of the instance, as far as its connections can be judged. */
interface Near {
  readonly activity: ReadonlyMap<string, Activity>;
  readonly isTls: boolean;
}

/** The watch of one worker. */
export class ClientWatch {
  readonly #limits: ClientLimits;
  readonly #sockets: ClientSockets;
  readonly #line = new RareLine();
  readonly #ends = new RareLine();
  /** Descriptors that were no connections of clients, when nothing had begun and at the last look. */
  readonly #atFirst: number;
  #own: number;
  #resume: (() => void) | null = null;
  #pending = new Map<string, PendingHead>();
  readonly #unserved: UnservedSockets;
  #isToAccept: () => boolean = () => false;
  #over = false;

  /** Looks for the first time. */
  constructor(limits: ClientLimits, startTimeoutMs: number, sockets: ClientSockets) {
    this.#limits = limits;
    this.#unserved = new UnservedSockets(startTimeoutMs);
    this.#sockets = sockets;
    this.#atFirst = this.#own = sockets.count() - sockets.connections().length;
  }

  /** Goes on looking until {@linkcode end}; `isToAccept`: true while the master takes this worker for one that accepts. */
  begin(isToAccept: () => boolean): void {
    this.#isToAccept = isToAccept;
    this.#count();
    if (areTimed(this.#limits)) this.#time();
  }

  /** The worker leaves: it looks no more, and what it kept waiting is for others to decide. */
  end(): void {
    this.#over = true;
    this.#resume?.();
    this.#resume = null;
  }

  /** Waits for the clients of a worker that leaves, see {@linkcode takeLeave}. */
  takeLeave(wait: Wait): Promise<boolean> {
    return takeLeave(new IdleEnder(this.#sockets), wait);
  }

  get #most(): number {
    const { maxConnections } = this.#limits;
    return mostConnections(maxConnections, this.#sockets.limit, this.#atFirst, eachTakes());
  }

  /** Looks at their number, and more closely when it may be too high, or has been. */
  #count(): void {
    if (this.#over) return;
    const begun = performance.now();
    let connections = this.#sockets.count() - this.#own;
    if (this.#resume !== null || connections >= this.#most) {
      connections = this.#all().length;
      this.#decide(connections);
    }
    for (const { served } of instanceSockets()) {
      served?.lookAtQueues?.((fd) => this.#sockets.isWaiting(fd));
    }
    this.#lookForUnserved(begun);
    // However many there are: a tenth of the time is enough for that.
    const rest = (performance.now() - begun) * 10;
    after(Math.max(rest, nextLookMs(connections, this.#most)), () => this.#count());
  }

  /** The master replaces a worker that leaves its clients waiting. */
  #lookForUnserved(at: number): void {
    const { channel, operations } = currentInstance();
    if (operations === null) return;
    const queues = instanceSockets().map(({ address, fd, wasTaken: used }) => ({
      address,
      fd,
      used,
    }));
    const address = this.#unserved.look(queues, {
      at,
      mayAccept: () => this.#resume === null && this.#isToAccept() && hasRoom(),
      isWaiting: (fd) => this.#sockets.isWaiting(fd),
      isServed: (fd) => operations.isServed(fd),
      isIdle: () => this.#all().length === 0,
    });
    if (address !== null) channel.send({ type: "unserved", address });
  }

  #all(): ClientConnection[] {
    const open = this.#sockets.connections();
    this.#own = this.#sockets.count() - open.length;
    return open;
  }

  #decide(connections: number): void {
    if (this.#resume !== null) {
      if (connections > fewEnough(this.#most)) return;
      this.#resume();
      this.#resume = null;
    } else if (connections >= this.#most) {
      this.#resume = stopAllQueues();
      const { slot } = currentInstance().environment;
      this.#line.say(
        `Worker ${slot} has ${connections} connections (max-connections, here ${this.#most}): ` +
          "accepts no more until some end",
      );
    }
  }

  #time(): void {
    const { headersMs, bodyMs, keepaliveMs } = this.#limits;
    const shortest = Math.min(...[headersMs, bodyMs, keepaliveMs].filter((ms) => ms > 0));
    const pause = Math.min(Math.max(shortest / LOOKS, SHORTEST_MS), LONGEST_MS);
    const look = () => {
      if (this.#over) return;
      const open = this.#all();
      const living = new Set(open.map(({ client }) => client));
      forgetUpgrades((client) => living.has(client));
      for (const client of this.#pending.keys()) {
        if (!living.has(client)) this.#pending.delete(client);
      }
      this.#lookAt(open, () => after(pause, look));
    };
    look();
  }

  /** Judges some, and then the others. */
  #lookAt(open: readonly ClientConnection[], done: () => void): void {
    if (this.#over) return;
    const near = nearEnds();
    const late: ClientConnection[] = [];
    for (const one of open.slice(0, SLICE)) {
      const exceeded = this.#judge(one, near.get(one.near));
      if (exceeded === null) continue;
      late.push(one);
      if (exceeded !== "keepalive") this.#say(exceeded);
    }
    if (late.length > 0) this.#end(late);
    const rest = open.slice(SLICE);
    if (rest.length === 0) done();
    else after(SLICE_REST_MS, () => this.#lookAt(rest, done));
  }

  #judge(one: ClientConnection, near: Near | undefined): Exceeded | null {
    const { client } = one;
    if (near === undefined || client === "" || this.#sockets.isEnded(one)) return null;
    const traffic = this.#sockets.traffic(one);
    if (traffic === null) return null;
    const { tls } = currentInstance();
    const { pending, exceeded } = checkConnection(this.#limits, {
      at: performance.now(),
      activity: near.activity.get(client) ?? "free",
      traffic,
      isHttp2: near.isTls && tls?.speaksHttp2(client) === true,
      isHandshaking: near.isTls && tls?.hadRequest(client) === false,
    }, this.#pending.get(client) ?? null);
    if (pending === null) this.#pending.delete(client);
    else this.#pending.set(client, pending);
    return exceeded;
  }

  #say(exceeded: keyof typeof SENTENCES): void {
    const { slot } = currentInstance().environment;
    const what = SENTENCES[exceeded];
    this.#ends.say(`Worker ${slot} ends the connection of a client that ${what}`);
  }

  #end(clients: readonly ClientConnection[]): void {
    const before = this.#sockets.lingering;
    this.#sockets.end(clients);
    if (before === 0) this.#closeEnded();
  }

  #closeEnded(): void {
    if (this.#sockets.lingering === 0) return;
    after(LINGER_LOOK_MS, () => {
      this.#sockets.closeEnded();
      this.#closeEnded();
    });
  }
}

/** The sockets on which HTTP is served here, by the near end of their connections. */
function nearEnds(): ReadonlyMap<string, Near> {
  const found = new Map<string, Near>();
  for (const { address, source, served } of instanceSockets()) {
    const activity = served?.activity() ?? null;
    if (activity === null) continue;
    found.set(listenerEnd(address), { activity, isTls: source.certificate !== undefined });
  }
  return found;
}

/** Descriptors of a client: behind the PROXY protocol, its connection goes through another one. */
function eachTakes(): number {
  const relayed = instanceSockets().some(({ source }) =>
    source.protocol !== "uwsgi-socket" && isServedOtherwise(source)
  );
  return relayed ? 3 : 1;
}

/** What is worth a line: that a connection was not used again is not. */
const SENTENCES: Readonly<Record<Exclude<Exceeded, "keepalive">, string>> = {
  headers: "has not sent the head of a request in time (http-headers-timeout)",
  body: "is silent within the body of its request (http-body-timeout)",
};

/** The watch of this worker. */
export function clientsWatch(): ClientWatch {
  const { facts, libc, operations } = currentInstance();
  const sockets = operations?.clientSockets ?? new OrdinaryClientSockets(libc ?? requireLibc());
  return new ClientWatch(facts.clients, facts.startTimeoutMs, sockets);
}
