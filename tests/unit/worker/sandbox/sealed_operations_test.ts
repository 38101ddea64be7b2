/** What is left to a sandboxed worker, in the hands of somebody who closes and reopens numbers. */
import { assert, assertEquals } from "@std/assert";
import { descriptorInfo, descriptorTarget, duplicate } from "../../../../lib/system/descriptor.ts";
import { compiledFunctions, cString } from "../../../../lib/system/libc.ts";
import { bindTcp, boundPort } from "../../../../lib/system/sockets/listening_socket.ts";
import { createSharedMemory } from "../../../../lib/system/shared_memory.ts";
import {
  epollInstances,
  fillNumbers,
  opened,
  openKernelFile,
  takeSeats,
  unreachableSocket,
} from "../../../../lib/worker/sandbox/arrangement.ts";
import { registrations } from "../../../../lib/worker/sandbox/registrations.ts";
import { sealedConnections } from "../../../../lib/worker/sandbox/sealed_connections.ts";
import {
  FILE_TYPE,
  RETAINED_FUNCTIONS,
  sealedFiles,
} from "../../../../lib/worker/sandbox/sealed_files.ts";
import { sealedLog, TARGETS } from "../../../../lib/worker/sandbox/sealed_log.ts";
import { sealedQueues } from "../../../../lib/worker/sandbox/sealed_queues.ts";
import { swapper } from "../../../../lib/worker/sandbox/swap.ts";
import { OwnedDescriptors } from "../../../helpers/owned_descriptors.ts";
import { TempDirectory } from "../../../helpers/temp_directory.ts";

const c = compiledFunctions(RETAINED_FUNCTIONS);
const files = sealedFiles(c, [1, 2]);
const AT_WRITE = 1 | 0o100 | 0o2000000;
/** Relative to the current directory. */
const AT_FDCWD = -100;

/** Opens a file for writing. */
function openFile(owned: OwnedDescriptors, path: string): number {
  return owned.own(owned.libc.open_create(cString(path), AT_WRITE, 0o600));
}

Deno.test("a descriptor is recognized by its file, under each number", () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const fd = openFile(owned, directory.at("one"));
  const other = openFile(owned, directory.at("two"));
  const { file } = opened(files, fd);
  assertEquals(file.type, FILE_TYPE.regular);
  assert(files.is(duplicate(owned.libc, fd), file));
  assertEquals(files.is(other, file), false);
  assertEquals(files.same(file, files.identifyPath(cString(directory.at("one")))), true);
  // A link to it is not it.
  Deno.symlinkSync(directory.at("one"), directory.at("link"));
  assertEquals(files.same(file, files.identifyPath(cString(directory.at("link")))), false);
  assert(files.replace(other, fd));
  assertEquals(files.is(fd, file), false);
  assertEquals(files.identify(-1), null);
  assertEquals(files.is(1 << 19, file), false);
});

/** The log of a sandbox that is this file. */
function logAt(owned: OwnedDescriptors, path: string) {
  const log = openFile(owned, path);
  const quiet = openFile(owned, `${path}.quiet`);
  const memory = owned.own(createSharedMemory(owned.libc, "duwsgi-test", 8));
  const staging = owned.own(duplicate(owned.libc, quiet));
  const duplicates = [owned.own(duplicate(owned.libc, log))];
  const setup = { files, log, duplicates, path: cString(path), staging, quiet, memory };
  return { log, staging, duplicates, sealed: sealedLog(c, new Int32Array(1), setup) };
}

Deno.test("a line goes to the log, and to nothing that has its number", () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const { log, sealed } = logAt(owned, directory.at("log"));
  const bytes = new TextEncoder().encode("line\n");
  assertEquals(sealed.write(TARGETS.log, bytes, 5), 5);
  // Neither more than there is, nor anything that is no memory, nor anywhere else.
  const wrong = [
    [TARGETS.log, bytes, 6],
    [TARGETS.log, bytes, -1],
    [TARGETS.log, bytes, NaN],
    [TARGETS.log, { 0: 65, byteLength: 1, length: 1 }, 1],
    [TARGETS.log, new Uint16Array(8), 5],
    [TARGETS.log, null, 5],
    [3, bytes, 5],
    [log, bytes, 5],
    [-1, bytes, 5],
  ] as const;
  for (const [target, text, length] of wrong) {
    assertEquals(sealed.write(target, text, length), 0, `${target} ${length}`);
  }
  assertEquals(Deno.readTextFileSync(directory.at("log")), "line\n");
  // The number stands for another file now.
  const precious = openFile(owned, directory.at("precious"));
  files.replace(precious, log);
  assertEquals(sealed.write(TARGETS.log, bytes, 5), 0);
  assertEquals(sealed.reopen(), false);
  assertEquals(Deno.readTextFileSync(directory.at("precious")), "");
});

Deno.test("the log goes on in the file that has its path, if that is one", () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const path = directory.at("log");
  const { staging, duplicates, sealed } = logAt(owned, path);
  const bytes = new TextEncoder().encode("line\n");
  assertEquals(sealed.write(TARGETS.log, bytes, 5), 5);
  Deno.renameSync(path, directory.at("old"));
  assertEquals(sealed.reopen(), false);
  Deno.symlinkSync(directory.write("target"), path);
  assertEquals(sealed.reopen(), false);
  Deno.removeSync(path);
  owned.libc.mkfifoat(AT_FDCWD, cString(path), 0o600);
  assertEquals(sealed.reopen(), false);
  Deno.removeSync(path);
  Deno.writeTextFileSync(path, "");
  assertEquals(sealed.reopen(), true);
  assertEquals(sealed.write(TARGETS.log, bytes, 5), 5);
  const texts = [path, directory.at("old"), directory.at("target")].map((one) =>
    Deno.readTextFileSync(one)
  );
  assertEquals(texts, ["line\n", "line\n", ""]);
  assertEquals(descriptorTarget(owned.libc, staging), `${path}.quiet`);
  assertEquals(descriptorTarget(owned.libc, duplicates[0] ?? -1), path);
});

/** A queue with a server of Deno's that waits for it, as a sandboxed worker has them. */
function queueWithServer(owned: OwnedDescriptors, directory: TempDirectory) {
  const { libc } = owned;
  const options = { host: "127.0.0.1", port: 0, reusePort: true, keepalive: false };
  const name = owned.own(bindTcp(libc, options));
  const port = boundPort(libc, name);
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("served", { headers: { connection: "close" } }),
  );
  const quiet = opened(files, owned.own(unreachableSocket(libc, directory.at("quiet.sock"))));
  const epolls = epollInstances(libc);
  for (const { info } of epolls) owned.own(info);
  const setup = { files, registrations: registrations(c), epolls };
  const place = { port: server.addr.port, path: "" };
  const { swap } = swapper(c, setup);
  const seats = takeSeats(libc, files, swap, quiet, [place]);
  const queue = { name, file: opened(files, name).file, spares: [] };
  const queues = sealedQueues(c, { ...setup, swap, quiet, queues: [queue], seats, backlog: 8 });
  const isRegistered = () =>
    epolls.some(({ fd }) =>
      new RegExp(`^tfd:\\s*${seats[0]?.fd} `, "m").test(descriptorInfo(libc, fd))
    );
  return { name, port, place, server, queues, isRegistered, fd: seats[0]?.fd ?? -1 };
}

async function get(port: number): Promise<string> {
  return await (await fetch(`http://127.0.0.1:${port}/`)).text();
}

Deno.test("a server of Deno's accepts on a queue, stops, and accepts again", async () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const { name, port, place, server, queues } = queueWithServer(owned, directory);
  try {
    for (const wrong of [name + 1, -1, String(name), {}, null, NaN]) {
      assertEquals(queues.listen(wrong), String(wrong) === String(name));
    }
    assertEquals(queues.adopt(name, place.port + 1, ""), false);
    assertEquals(queues.adopt(name + 1, place.port, ""), false);
    assertEquals(queues.isServed(name), false);
    assert(queues.adopt(name, place.port, ""));
    assertEquals([queues.isServed(name), queues.isServed(name + 1)], [true, false]);
    // It has a queue already.
    assertEquals(queues.adopt(name, place.port, ""), false);
    assertEquals(await get(port), "served");
    queues.stop(name, 1);
    assertEquals(queues.isServed(name), false);
    const waiting = get(port);
    queues.resume(2);
    while (queues.length(name) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    queues.resume(1);
    assertEquals(await waiting, "served");
    // Again, with a batch that was resumed already.
    queues.resume(1);
    assertEquals(await get(port), "served");
  } finally {
    await server.shutdown();
  }
});

Deno.test("a server that has ended gets no queue and no registration", async () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const { name, place, server, queues, isRegistered, fd } = queueWithServer(owned, directory);
  queues.listen(name);
  assert(queues.adopt(name, place.port, ""));
  queues.stop(name, 1);
  assert(isRegistered());
  await server.shutdown();
  assertEquals(isRegistered(), false);
  // The label of its registration points to memory that Deno has freed: it must not come back, also when
  // the number stands for a listener again.
  owned.own(fd);
  files.replace(name, fd);
  queues.resume(1);
  assertEquals(queues.adopt(name, place.port, ""), false);
  assertEquals(isRegistered(), false);
});

Deno.test("a queue whose number stands for something else is none", async () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const { name, place, server, queues } = queueWithServer(owned, directory);
  try {
    files.replace(openFile(owned, directory.at("precious")), name);
    assertEquals(queues.listen(name), false);
    assertEquals(queues.adopt(name, place.port, ""), false);
    assertEquals(queues.spare(name), -1);
    queues.leave(name);
    assertEquals(descriptorTarget(owned.libc, name), directory.at("precious"));
  } finally {
    await server.shutdown();
  }
});

/** The operations on connections whose near end is this port. */
function connectionsAt(
  owned: OwnedDescriptors,
  directory: TempDirectory,
  port: number,
  read: typeof c.pread = c.pread,
) {
  const { libc } = owned;
  const quiet = opened(files, owned.own(unreachableSocket(libc, directory.at("quiet.sock"))));
  const epolls = epollInstances(libc);
  for (const { info } of epolls) owned.own(info);
  return sealedConnections(c, {
    files,
    swapper: swapper(c, { files, registrations: registrations({ pread: read }), epolls }),
    staging: owned.own(duplicate(libc, quiet.fd)),
    quiet,
    directory: owned.own(openKernelFile(libc, "/proc/self/fd", true)),
    ports: [0, port],
    paths: [{ bytes: cString("/none"), length: 5 }, { bytes: cString(""), length: 0 }],
  });
}

Deno.test("connections are told apart by their files", async () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const sealed = connectionsAt(owned, directory, listener.addr.port);
  assertEquals(sealed.list(), 0);
  using client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  const near = await listener.accept();
  assertEquals(sealed.list(), 1);
  const address = new Uint8Array(110);
  const name = sealed.nameAt(0);
  assertEquals(sealed.describe(name, address), 1);
  assertEquals((address[2] ?? 0) * 256 + (address[3] ?? 0), client.localAddr.port);
  assert(sealed.describeTraffic(name, []));
  for (const wrong of [0, 1, -1, name + 1, 1 << 30, "1", "4294967297"]) {
    assertEquals(sealed.describe(wrong, address), -1);
    assertEquals(sealed.describeTraffic(wrong, []), false);
    assertEquals(sealed.detach([wrong], 1, 1), 0);
  }
  // A name of an earlier list could be that of another connection by now.
  assertEquals(sealed.list(), 1);
  assertEquals([sealed.describe(name, address), sealed.describeTraffic(name, [])], [-1, false]);
  assertEquals(sealed.detach([name], 1, 1), 0);
  const next = sealed.nameAt(0);
  assert(sealed.describeTraffic(next, []));
  near.close();
  // What was listed is gone.
  assertEquals(sealed.describe(next, address), -1);
  assertEquals(sealed.describeTraffic(next, []), false);
});

Deno.test("a connection that is taken away ends for its server, and in order for its client", async () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const sealed = connectionsAt(owned, directory, listener.addr.port);
  const client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  const near = await listener.accept();
  const bytes = new Uint8Array(16);
  await client.write(new TextEncoder().encode("unread"));
  while (sealed.list() !== 1) await new Promise((resolve) => setTimeout(resolve, 1));
  // Its server can still answer what has come.
  assertEquals(sealed.detach([sealed.nameAt(0)], 1, -1), 0);
  assertEquals(await near.read(bytes), 6);
  const name = sealed.nameAt(0);
  assertEquals(sealed.detach([name, name, name + 7], 3, -1), 1);
  assertEquals(await near.read(bytes).catch(() => null), null);
  near.close();
  assertEquals(sealed.list(), 0);
  assertEquals(await client.read(bytes), null);
  await client.write(new TextEncoder().encode("too late"));
  assertEquals(sealed.pollDetached(), 1);
  client.close();
  while (sealed.pollDetached() > 0) await new Promise((resolve) => setTimeout(resolve, 1));
});

Deno.test("to take many connections away costs as many looks at registrations as one", async () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let looks = 0;
  const sealed = connectionsAt(owned, directory, listener.addr.port, (...args) => {
    if (args[3] === 0n) looks += 1;
    return c.pread(...args);
  });
  const ends: Deno.Conn[] = [];
  const taken = async (count: number) => {
    for (let i = 0; i < count; i++) {
      ends.push(await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }));
      ends.push(await listener.accept());
    }
    assertEquals(sealed.list(), count);
    looks = 0;
    const names = Array.from({ length: count }, (_, i) => sealed.nameAt(i));
    assertEquals(sealed.detach(names, count, 0), count);
    assertEquals(sealed.pollDetached(), 0);
    return looks;
  };
  assertEquals([await taken(50)], [await taken(1)]);
  for (const one of ends) one.close();
});

Deno.test("a connection that was taken away is closed in time, and its number means nothing later", async () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const sealed = connectionsAt(owned, directory, listener.addr.port);
  using _client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  using _near = await listener.accept();
  sealed.list();
  const before = sealed.countDescriptors();
  assertEquals(sealed.detach([sealed.nameAt(0)], 1, 1), 1);
  assertEquals([sealed.pollDetached(), sealed.pollDetached()], [1, 0]);
  assertEquals(sealed.countDescriptors(), before);
});

Deno.test("a few descriptors can be held, and no more", () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const sealed = connectionsAt(owned, directory, 1);
  const before = sealed.countDescriptors();
  assertEquals(sealed.holdDescriptors(1 << 20), 16);
  assertEquals(sealed.countDescriptors(), before + 16);
  for (const [asked, held] of [[8, 8], [-1, 0], ["x", 0], [NaN, 0]]) {
    assertEquals(sealed.holdDescriptors(asked), held);
  }
  assertEquals(sealed.countDescriptors(), before);
});

Deno.test("free numbers below the limit are taken", () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const fd = openFile(owned, directory.at("file"));
  const { file } = opened(files, fd);
  // Somebody has left a descriptor open, far above.
  owned.own(owned.libc.fcntl(fd, 1030, fd + 200));
  const highest = owned.own(owned.libc.fcntl(fd, 1030, fd + 20));
  const limit = fillNumbers(owned.libc, fd, highest);
  assertEquals(limit, highest + 1);
  const numbers = Array.from({ length: limit }, (_, i) => i);
  for (const i of numbers) {
    if (i > fd && i !== highest && files.is(i, file)) owned.own(i);
  }
  assertEquals(numbers.filter((i) => files.identify(i) === null), []);
  const next = owned.own(duplicate(owned.libc, fd));
  assert(next >= limit && next < fd + 200);
});
