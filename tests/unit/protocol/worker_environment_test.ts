/** What a worker is started with. */
import { assertEquals } from "@std/assert";
import {
  decodeWorkerEnvironment,
  encodeWorkerEnvironment,
  slotDescriptor,
  type WorkerEnvironment,
  type WorkerSocket,
} from "../../../lib/protocol/worker_environment.ts";

const PER_SLOT: WorkerSocket = {
  address: "0.0.0.0:8080",
  protocol: "http-socket",
  bind: { hostname: "0.0.0.0", port: 8080 },
  fds: [11, 12, 13],
};
const SHARED: WorkerSocket = {
  address: "/run/ä b.sock",
  protocol: "socket",
  bind: null,
  fds: [14],
};
const OWN: WorkerSocket = { ...PER_SLOT, fds: [] };

const ENVIRONMENT: WorkerEnvironment = {
  protocol: 1,
  facts: "/tmp/duwsgi-x/facts_1.json",
  control: "/tmp/duwsgi-x/control.sock",
  token: '"quoted" \\ \n €',
  slot: 2,
  mule: 0,
  generation: 3,
  masterPid: 77,
  sockets: [PER_SLOT, SHARED, OWN],
  listen: 100,
  certificates: 12,
  scoreboard: 9,
  processRow: 5,
  namesRequests: true,
  heartbeatMs: 10_000,
  stderr: null,
  words: { write: 14, read: 15 },
  mercyMs: 60_000,
  sandbox: {
    revoke: [{ name: "ffi" }],
    throwaways: ["/tmp/duwsgi-1/throwaway_0.sock"],
    seccomp: null,
    webStorage: false,
  },
  processName: "app worker 1",
};

Deno.test("decodeWorkerEnvironment() gives back what encodeWorkerEnvironment() wrote", () => {
  assertEquals(decodeWorkerEnvironment(encodeWorkerEnvironment(ENVIRONMENT)), ENVIRONMENT);
});

Deno.test("encodeWorkerEnvironment() writes a value that an environment can hold", () => {
  assertEquals(/[\0\n]/.test(encodeWorkerEnvironment(ENVIRONMENT)), false);
});

Deno.test("slotDescriptor() gives each slot its own descriptor, when there is one per slot", () => {
  assertEquals([1, 2, 3].map((slot) => slotDescriptor(PER_SLOT, slot)), [11, 12, 13]);
  assertEquals(slotDescriptor(PER_SLOT, 4), null);
});

Deno.test("slotDescriptor() gives every slot the same descriptor, when they share one", () => {
  assertEquals([1, 2, 9].map((slot) => slotDescriptor(SHARED, slot)), [14, 14, 14]);
});

Deno.test("slotDescriptor() is null, when workers bind for themselves", () => {
  assertEquals(slotDescriptor(OWN, 1), null);
});
