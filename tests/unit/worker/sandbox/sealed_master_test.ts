/** What a sandboxed worker can do about the end of its master, and what it cannot. */
import { assertEquals } from "@std/assert";
import {
  sealedMaster,
  type SealedMasterSetup,
} from "../../../../lib/worker/sandbox/sealed_master.ts";

const MASTER = 7;

/** A process whose parents are these, one after the other, and the alarms it sets. */
function processOf(parents: readonly number[]) {
  const left = [...parents];
  const alarms: number[] = [];
  const calls: string[] = [];
  const note = (name: string) => () => {
    calls.push(name);
    return -1;
  };
  let pending = 0;
  const c = {
    getppid: () => left.shift() ?? 1,
    alarm: (seconds: number) => {
      const before = pending;
      pending = seconds;
      alarms.push(seconds);
      return before;
    },
    socket: note("socket"),
    connect: note("connect"),
    getpeername: note("getpeername"),
    open: note("open"),
    getdents64: () => 0n,
    unlink: note("unlink"),
    rmdir: note("rmdir"),
    pread: () => 0n,
  };
  const file = { inodeLow: 0, inodeHigh: 0, deviceMajor: 0, deviceMinor: 0, type: 0 };
  const setup: SealedMasterSetup = {
    files: {
      identify: () => null,
      identifyPath: () => null,
      is: () => false,
      same: () => false,
      replace: () => false,
      close: () => {},
      sizeOf: () => 0,
    },
    swap: () => false,
    master: MASTER,
    control: new Uint8Array(3),
    controlLength: 3,
    seats: [],
    quiet: { fd: 3, file },
    staging: 4,
    directory: new Uint8Array(2),
    directoryLength: 1,
    seconds: 62,
    status: 5,
  };
  return { alarms, calls, sealed: sealedMaster(c, setup) };
}

Deno.test("an alarm is taken back only while the master lives", () => {
  const alive = processOf([MASTER, MASTER]);
  alive.sealed.stay();
  assertEquals(alive.alarms, [0]);
  const gone = processOf([1]);
  gone.sealed.stay();
  assertEquals(gone.alarms, []);
});

Deno.test("an alarm is set again that a death in between has set", () => {
  const dying = processOf([MASTER, 1]);
  dying.sealed.stay();
  assertEquals(dying.alarms, [0, 62]);
});

Deno.test("nobody puts off an end that was asked for", () => {
  const ending = processOf([MASTER, MASTER, MASTER, MASTER]);
  for (const wrong of [0, -1, NaN, {}, "x"]) ending.sealed.endAfter(wrong);
  assertEquals(ending.alarms, []);
  ending.sealed.endAfter(30);
  ending.sealed.stay();
  ending.sealed.endAfter(3600);
  assertEquals(ending.alarms.at(-1), 30);
  ending.sealed.endAfter(5);
  assertEquals(ending.alarms.at(-1), 5);
});

Deno.test("the directory of a master that lives stays", () => {
  const alive = processOf([MASTER]);
  alive.sealed.removeDirectory();
  assertEquals(alive.calls, []);
  const gone = processOf([1]);
  gone.sealed.removeDirectory();
  assertEquals(gone.calls, ["open"]);
});
