/** Descriptors by number, on real ones. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  descriptorCount,
  descriptorInfo,
  descriptorLimit,
  descriptorTarget,
  duplicate,
  isOfOneConnection,
  isShortage,
  kernelText,
  lendDescriptors,
  numbersIn,
  openDescriptors,
  replaceFile,
  setInherited,
  setNonblocking,
  socketInode,
} from "../../../lib/system/descriptor.ts";
import { SystemCallError } from "../../../lib/system/libc.ts";
import { createSharedMemory } from "../../../lib/system/shared_memory.ts";
import { bindAbstract } from "../../../lib/system/sockets/listening_socket.ts";
import { TempDirectory } from "../../helpers/temp_directory.ts";
import { OwnedDescriptors } from "../../helpers/owned_descriptors.ts";

/** No process has that many descriptors here. */
const NOT_OPEN = 900_000;

/** True if a child gets the descriptor. */
async function isInherited(fd: number): Promise<boolean> {
  const command = new Deno.Command("/bin/ls", { args: ["/proc/self/fd"], stderr: "null" });
  const { stdout } = await command.output();
  return new TextDecoder().decode(stdout).split("\n").includes(String(fd));
}

function flags(fd: number): number {
  const text = Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`);
  return Number.parseInt(/^flags:\s*(\d+)/m.exec(text)?.[1] ?? "", 8);
}

Deno.test("setInherited() decides whether children get a descriptor", async () => {
  using owned = new OwnedDescriptors();
  const fd = owned.own(createSharedMemory(owned.libc, "duwsgi-test", 8));
  assertEquals(await isInherited(fd), false);
  setInherited(owned.libc, fd, true);
  assertEquals(await isInherited(fd), true);
  setInherited(owned.libc, fd, false);
  assertEquals(await isInherited(fd), false);
});

Deno.test("setInherited() throws, when the descriptor is not open", () => {
  using owned = new OwnedDescriptors();
  const error = assertThrows(() => setInherited(owned.libc, NOT_OPEN, true), SystemCallError);
  assertEquals((error as Error).message, "Cannot fcntl: Bad file descriptor");
});

Deno.test("lendDescriptors() lets children have them during the call only, also when it throws", () => {
  using owned = new OwnedDescriptors();
  const c = owned.libc;
  const fds = [1, 2].map(() => owned.own(createSharedMemory(c, "duwsgi-test", 8)));
  const closesOnExec = () => fds.map((fd) => (flags(fd) & 0o2000000) !== 0);
  assertEquals(closesOnExec(), [true, true]);
  assertEquals(lendDescriptors(c, fds, closesOnExec), [false, false]);
  assertEquals(closesOnExec(), [true, true]);
  assertThrows(() =>
    lendDescriptors(c, fds, () => {
      throw new RangeError("test");
    }), RangeError);
  assertEquals(closesOnExec(), [true, true]);
});

Deno.test("lendDescriptors() only calls, when there is no C library", () => {
  assertEquals(lendDescriptors(null, [NOT_OPEN], () => 7), 7);
});

Deno.test("setNonblocking() changes the open file and nothing else", () => {
  using owned = new OwnedDescriptors();
  const fd = owned.own(createSharedMemory(owned.libc, "duwsgi-test", 8));
  const before = flags(fd);
  assertEquals(before & 0o4000, 0);
  setNonblocking(owned.libc, fd);
  assertEquals(flags(fd), before | 0o4000);
});

Deno.test("duplicate() gives a second descriptor of the same socket that children do not get", async () => {
  using owned = new OwnedDescriptors();
  const fd = owned.own(bindAbstract(owned.libc, `duwsgi-test-${crypto.randomUUID()}`));
  const second = owned.own(duplicate(owned.libc, fd));
  assert(second !== fd && second >= 3);
  assertEquals(socketInode(owned.libc, second), socketInode(owned.libc, fd));
  assertEquals(await isInherited(second), false);
});

Deno.test("openDescriptors() lists what is open, and nothing that was closed", () => {
  using owned = new OwnedDescriptors();
  const fd = createSharedMemory(owned.libc, "duwsgi-test", 8);
  assert(openDescriptors(owned.libc).includes(fd));
  assertEquals(descriptorTarget(owned.libc, fd), "/memfd:duwsgi-test (deleted)");
  owned.libc.close(fd);
  assert(!openDescriptors(owned.libc).includes(fd));
});

Deno.test("openDescriptors() lists each one once, when there are more than one call gives", () => {
  using owned = new OwnedDescriptors();
  const before = openDescriptors(owned.libc);
  const memory = owned.own(createSharedMemory(owned.libc, "duwsgi-test", 8));
  const more = Array.from({ length: 1_500 }, () => owned.own(duplicate(owned.libc, memory)));
  const numeric = (a: number, b: number) => a - b;
  const expected = [...before, memory, ...more].toSorted(numeric);
  assertEquals(openDescriptors(owned.libc).toSorted(numeric), expected);
});

Deno.test("descriptorInfo() is what proc(5) shows, and empty when the descriptor is not open", () => {
  using owned = new OwnedDescriptors();
  const fd = owned.own(createSharedMemory(owned.libc, "duwsgi-test", 8));
  assertEquals(descriptorInfo(owned.libc, fd), Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`));
  assertEquals(descriptorInfo(owned.libc, NOT_OPEN), "");
});

Deno.test("socketInode() is null, when the descriptor is another file or not open", () => {
  using owned = new OwnedDescriptors();
  const fd = owned.own(createSharedMemory(owned.libc, "duwsgi-test", 8));
  assertEquals([
    socketInode(owned.libc, fd),
    socketInode(owned.libc, NOT_OPEN),
    descriptorTarget(owned.libc, NOT_OPEN),
  ], [
    null,
    null,
    null,
  ]);
});

Deno.test("numbersIn() and kernelText() read /proc, and nothing when there is nothing", () => {
  using owned = new OwnedDescriptors();
  assert(numbersIn(owned.libc, "/proc/self/task").includes(Deno.pid));
  assertEquals(numbersIn(owned.libc, "/proc/nowhere"), []);
  assertEquals(kernelText(owned.libc, "/proc/self/stat").split(" ")[0], String(Deno.pid));
  assertEquals(kernelText(owned.libc, "/proc/nowhere"), "");
});

Deno.test("replaceFile() puts a file in the place of a descriptor and of its duplicates", () => {
  using directory = new TempDirectory();
  using owned = new OwnedDescriptors();
  const file = Deno.openSync(directory.write("old"), { append: true });
  const c = owned.libc;
  const old = openDescriptors(c).find((fd) => descriptorTarget(c, fd) === directory.at("old")) ??
    -1;
  const lent = owned.own(duplicate(c, old));
  setInherited(c, lent, true);
  const count = openDescriptors(c).length;
  assertThrows(() => replaceFile(c, lent, directory.at("new")), SystemCallError, "No such file");
  directory.write("new");
  assertThrows(() => replaceFile(c, lent, directory.at("new"), 1), TypeError, "another file");
  assertEquals(descriptorTarget(c, lent), directory.at("old"));
  const { ino } = Deno.statSync(directory.at("new"));
  replaceFile(c, lent, directory.at("new"), ino);
  assertEquals([old, lent].map((fd) => descriptorTarget(c, fd)), [
    directory.at("new"),
    directory.at("new"),
  ]);
  const closed = 0o2000000;
  assertEquals([old, lent].map((fd) => (flags(fd) & closed) !== 0), [true, false]);
  file.writeSync(new TextEncoder().encode("line"));
  assertEquals(Deno.readTextFileSync(directory.at("new")), "line");
  assertEquals(openDescriptors(c).length, count);
  file.close();
});

Deno.test("the number of descriptors is that of /proc/self/fd", () => {
  using owned = new OwnedDescriptors();
  const before = descriptorCount(owned.libc);
  owned.own(createSharedMemory(owned.libc, "duwsgi-test", 8));
  owned.own(createSharedMemory(owned.libc, "duwsgi-test", 8));
  assertEquals(descriptorCount(owned.libc), before + 2);
  assertEquals(openDescriptors(owned.libc).length, before + 2);
  assert((descriptorLimit(owned.libc) ?? 0) > before);
});

Deno.test("descriptors are listed when there are no more", async () => {
  const script = `
    import { openDescriptors } from ${
    JSON.stringify(import.meta.resolve("../../../lib/system/descriptor.ts"))
  };
    import { requireLibc } from ${
    JSON.stringify(import.meta.resolve("../../../lib/system/libc.ts"))
  };
    const c = requireLibc();
    openDescriptors(c);
    void [c.fcntl(0, 1, 0), c.errno()];
    while (c.fcntl(0, 1030, 3) >= 0);
    console.log(openDescriptors(c).length);`;
  const { stdout } = await new Deno.Command("prlimit", {
    args: ["--nofile=90:90", Deno.execPath(), "eval", "--ext=ts", script],
    stderr: "inherit",
  }).output();
  assertEquals(new TextDecoder().decode(stdout).trim(), "90");
});

Deno.test("a lack of descriptors is told from a client that has gone", async () => {
  assert(isShortage(new Deno.errors.Http("Error: Too many open files (os error 24)")));
  assert(isShortage(new Error("No file descriptors available (os error 23)")));
  assert(isShortage(Object.assign(new Error("x"), { code: "EMFILE" })));
  assert(isShortage(new SystemCallError("socket", 105, "No buffer space available")));
  assert(!isShortage(new Deno.errors.ConnectionAborted("aborted (os error 103)")));
  assert(!isShortage(new SystemCallError("bind", 98, "Address already in use")));
  assert(!isShortage(null));
  const missing = await Deno.open("/nowhere/at/all").catch((error) => error);
  assert(!isShortage(missing));
});

Deno.test("what an accept says of one connection is told from what keeps all of them from being accepted", () => {
  assert(isOfOneConnection(new Deno.errors.NotConnected("not connected (os error 107)")));
  assert(isOfOneConnection(new Deno.errors.ConnectionReset("reset")));
  assert(isOfOneConnection(new Deno.errors.ConnectionAborted("aborted")));
  assert(isOfOneConnection(new Error("Protocol error (os error 71)")));
  assert(isOfOneConnection(new Error("Machine is not on the network (os error 64)")));
  assert(isOfOneConnection(Object.assign(new Error("x"), { code: "EHOSTUNREACH" })));
  assert(isOfOneConnection(new SystemCallError("accept4", 104, "Connection reset by peer")));
  // These are left in the queue: to try again at once would be to try for ever.
  assert(!isOfOneConnection(new Deno.errors.PermissionDenied("not permitted (os error 1)")));
  assert(!isOfOneConnection(new Error("Too many open files (os error 24)")));
  assert(!isOfOneConnection(new Deno.errors.BadResource("Bad resource ID")));
  assert(!isOfOneConnection(new Error("Invalid argument (os error 22)")));
  assert(!isOfOneConnection(null));
});
