/** What the scaler reports, with real sockets and a process of its own to measure. */
import { assertEquals } from "@std/assert";
import { defaults } from "../../../../lib/config/resolve.ts";
import type { MasterEvent } from "../../../../lib/core/event.ts";
import type { WorkerSample } from "../../../../lib/core/policies/sample.ts";
import { Scaler, type ScalerConfig } from "../../../../lib/master/autoscaling/scaler.ts";
import { bindTcp, boundPort } from "../../../../lib/system/sockets/listening_socket.ts";
import { stateOf, workerOf } from "../../../helpers/master_state.ts";
import { OwnedDescriptors } from "../../../helpers/owned_descriptors.ts";

const HOST = "127.0.0.1";

/** A scaler of an instance with one socket. */
class Scaled implements AsyncDisposable {
  readonly owned = new OwnedDescriptors();
  readonly port: number;
  readonly reports: MasterEvent[] = [];
  readonly scaler: Scaler;
  #news = Promise.withResolvers<void>();

  constructor(config: Partial<ScalerConfig>, listening: boolean) {
    const { libc } = this.owned;
    const options = { host: HOST, port: 0, reusePort: true, keepalive: false };
    const fd = this.owned.own(bindTcp(libc, options));
    if (listening) this.owned.listen(fd);
    this.port = boundPort(libc, fd);
    const sockets = {
      sockets: [{ address: "", protocol: "socket" as const, bind: null, fds: [fd] }],
    };
    const report = (masterEvent: MasterEvent) => {
      this.reports.push(masterEvent);
      this.#news.resolve();
    };
    this.scaler = new Scaler({ libc, sockets, report }, { ...defaults(), ...config });
  }

  connect(): Promise<Deno.Conn> {
    return Deno.connect({ hostname: HOST, port: this.port });
  }

  /** Waits for the next report. */
  async next(): Promise<MasterEvent | undefined> {
    await this.#news.promise;
    this.#news = Promise.withResolvers();
    return this.reports.at(-1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.scaler.close();
    this.owned[Symbol.dispose]();
  }
}

function sample(more: Partial<WorkerSample> = {}): WorkerSample {
  return {
    worker: 1,
    slot: 1,
    pid: Deno.pid,
    ageMs: 1_000,
    requests: 1,
    inFlight: 0,
    oldest: null,
    userHarakiriOverdue: false,
    silentMs: 0,
    heartbeatMs: 5_000,
    loopLagMs: 0,
    memory: null,
    ...more,
  };
}

const ASLEEP = stateOf({ want: 0 });
const AWAKE = stateOf({ want: 1, workers: [workerOf()] });

Deno.test("show() waits for the first connection with cheap, and asks for the initial workers", async () => {
  await using scaled = new Scaled({ cheap: true, cheaper: 1, cheaperInitial: 3 }, false);
  scaled.scaler.show(ASLEEP);
  using _connection = await scaled.connect();
  assertEquals(await scaled.next(), { type: "want", workers: 3, why: "a connection waits" });
  // It is said once: until the state has changed, the connection still waits.
  scaled.scaler.show(ASLEEP);
  scaled.scaler.show(AWAKE);
  assertEquals(scaled.reports.length, 1);
});

Deno.test("show() asks for everybody without cheaper, each time that nobody is wanted", async () => {
  await using scaled = new Scaled({ idleMs: 5_000 }, true);
  const connections: Deno.Conn[] = [];
  for (let round = 1; round <= 3; round++) {
    scaled.scaler.show(AWAKE);
    scaled.scaler.show(ASLEEP);
    connections.push(await scaled.connect());
    assertEquals(await scaled.next(), { type: "want", workers: 4, why: "a connection waits" });
    assertEquals(scaled.reports.length, round);
  }
  for (const connection of connections) connection.close();
});

Deno.test("show() does not wait while workers are wanted, paused, or after close()", async () => {
  await using scaled = new Scaled({ idleMs: 5_000 }, true);
  scaled.scaler.show(ASLEEP);
  scaled.scaler.show(AWAKE);
  scaled.scaler.show(stateOf({ want: 0, paused: true }));
  scaled.scaler.show(stateOf({ want: 0, phase: "stopping" }));
  await scaled.scaler.close();
  scaled.scaler.show(ASLEEP);
  using _connection = await scaled.connect();
  // A scaler that does wait has noticed the same connection by then.
  await using other = new Scaled({ idleMs: 5_000 }, true);
  other.scaler.show(ASLEEP);
  using _other = await other.connect();
  await other.next();
  assertEquals(scaled.reports, []);
});

Deno.test("take() reports what the algorithm decides about workers that accept", async () => {
  await using scaled = new Scaled({ cheaper: 1, cheaperOverload: 2, cheaperBusyRequests: 5 }, true);
  const state = stateOf({
    want: 1,
    workers: [workerOf(), workerOf({ id: 2, state: "paused" })],
  });
  const busy = [sample({ inFlight: 5 }), sample({ worker: 2 })];
  for (let second = 0; second < 3; second++) scaled.scaler.take(busy, state);
  assertEquals(scaled.reports, [
    { type: "want", workers: 2, why: "all have been busy for 3 s" },
  ]);
});

Deno.test("take() judges nothing while workers start, or a queue cannot be given away", async () => {
  await using scaled = new Scaled({ cheaper: 1, cheaperOverload: 1, cheaperBusyRequests: 5 }, true);
  const starting = stateOf({
    want: 1,
    workers: [workerOf(), workerOf({ id: 2, state: "starting", acceptedAt: null })],
  });
  for (let i = 0; i < 5; i++) scaled.scaler.take([sample({ inFlight: 5 })], starting);
  const deaf = stateOf({ want: 4, workers: [workerOf({ covers: false })] });
  for (let i = 0; i < 5; i++) scaled.scaler.take([sample()], deaf);
  assertEquals(scaled.reports, []);
});

Deno.test("take() sees the connections that wait", async () => {
  await using scaled = new Scaled({ cheaper: 1, cheaperAlgo: "backlog", cheaperOverload: 1 }, true);
  using _first = await scaled.connect();
  scaled.scaler.take([sample()], AWAKE);
  using _second = await scaled.connect();
  scaled.scaler.take([sample()], AWAKE);
  assertEquals(scaled.reports, [{ type: "want", workers: 2, why: "2 connections wait" }]);
});

Deno.test("nudge() asks for one more or less within the limits, and says how many that is", async () => {
  await using scaled = new Scaled({ cheaper: 2, cheaperAlgo: "manual" }, true);
  const wanted = (by: number, want: number) =>
    scaled.scaler.nudge(by, "somebody said so", stateOf({ want }));
  assertEquals([wanted(1, 3), wanted(1, 4), wanted(-1, 3), wanted(-1, 2)], [4, 4, 2, 2]);
  assertEquals(scaled.reports, [
    { type: "want", workers: 4, why: "somebody said so" },
    { type: "want", workers: 2, why: "somebody said so" },
  ]);
});

Deno.test("use() gives every slot a worker again, when nothing is scaled any more", async () => {
  await using scaled = new Scaled({ cheaper: 1 }, true);
  scaled.scaler.use({ ...defaults(), cheaper: 2 });
  scaled.scaler.use(defaults());
  assertEquals(scaled.reports.map((one) => one.type === "want" && one.workers > 1024), [true]);
});
