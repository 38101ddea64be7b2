/** Real listening sockets, and real connections to them. */
import { assertEquals } from "@std/assert";
import { ConnectionWatch } from "../../../../lib/system/sockets/connection_watch.ts";
import { openDescriptors } from "../../../../lib/system/descriptor.ts";
import {
  bindAbstract,
  bindTcp,
  boundPort,
} from "../../../../lib/system/sockets/listening_socket.ts";
import { fulfilledWithin, pause } from "../../../../lib/system/timing.ts";
import { OwnedDescriptors } from "../../../helpers/owned_descriptors.ts";

const HOST = "127.0.0.1";

// Opened here, because it stays open: a test that opened it would seem to leak it.
const { accept } = Deno.dlopen("libc.so.6", {
  accept: { parameters: ["i32", "pointer", "pointer"], result: "i32" },
}).symbols;

function tcp(owned: OwnedDescriptors, port = 0): number {
  return owned.own(bindTcp(owned.libc, { host: HOST, port, reusePort: true, keepalive: false }));
}

Deno.test("ConnectionWatch notices a connection to any of its sockets", async () => {
  using owned = new OwnedDescriptors();
  const name = `duwsgi-test-${crypto.randomUUID()}`;
  const inet = owned.listen(tcp(owned));
  const unix = owned.listen(owned.own(bindAbstract(owned.libc, name)));
  const port = boundPort(owned.libc, inet);
  const connects = [
    () => Deno.connect({ hostname: HOST, port }),
    () => Deno.connect({ transport: "unix", path: `\0${name}` }),
  ];
  for (const [at, connect] of connects.entries()) {
    // The connections of earlier rounds still wait in the other queue.
    const watch = new ConnectionWatch(owned.libc, [inet, unix].slice(at));
    using _connection = await connect();
    assertEquals(await watch.result, true);
  }
});

Deno.test("ConnectionWatch sees a connection that came before, and leaves it in the queue", async () => {
  using owned = new OwnedDescriptors();
  const fd = owned.listen(tcp(owned));
  using _connection = await Deno.connect({ hostname: HOST, port: boundPort(owned.libc, fd) });
  assertEquals(await new ConnectionWatch(owned.libc, [fd]).result, true);
  assertEquals(await new ConnectionWatch(owned.libc, [fd]).result, true);
});

Deno.test("ConnectionWatch notices connections wherever the kernel puts them", async () => {
  using owned = new OwnedDescriptors();
  const first = owned.listen(tcp(owned));
  const port = boundPort(owned.libc, first);
  const group = [first, ...[1, 2, 3].map(() => owned.listen(tcp(owned, port)))];
  const watch = new ConnectionWatch(owned.libc, group);
  using _connection = await Deno.connect({ hostname: HOST, port });
  assertEquals(await watch.result, true);
});

Deno.test("ConnectionWatch ends when it is cancelled, and leaves no descriptor behind", async () => {
  using owned = new OwnedDescriptors();
  const fd = owned.listen(tcp(owned));
  const before = openDescriptors(owned.libc);
  for (let round = 0; round < 3; round++) {
    const watch = new ConnectionWatch(owned.libc, [fd]);
    // Once before the thread waits, and later while it does.
    if (round > 0) await pause(20);
    watch.cancel();
    watch.cancel();
    assertEquals(await watch.result, false);
    watch.cancel();
  }
  assertEquals(openDescriptors(owned.libc), before);
});

Deno.test("ConnectionWatch waits for the others, when one descriptor is closed or deaf", async () => {
  using owned = new OwnedDescriptors();
  const fd = owned.listen(tcp(owned));
  const deaf = tcp(owned);
  const watch = new ConnectionWatch(owned.libc, [deaf, 999_999, fd]);
  assertEquals(await fulfilledWithin(watch.result, 50), false);
  using _connection = await Deno.connect({ hostname: HOST, port: boundPort(owned.libc, fd) });
  assertEquals(await watch.result, true);
});

Deno.test("ConnectionWatch goes on waiting, when somebody else took the connection", async () => {
  using owned = new OwnedDescriptors();
  const { libc } = owned;
  const fd = owned.listen(tcp(owned));
  const port = boundPort(libc, fd);
  // A thief accepts between the two looks of the watch.
  let stolen = 0;
  const thief = new Proxy(libc, {
    get: (target, name) => {
      if (name !== "poll" || stolen > 0) return Reflect.get(target, name);
      return (...args: Parameters<typeof libc.poll>) => {
        stolen += 1;
        libc.close(accept(fd, null, null));
        return libc.poll(...args);
      };
    },
  });
  const watch = new ConnectionWatch(thief, [fd]);
  using _first = await Deno.connect({ hostname: HOST, port });
  assertEquals(await fulfilledWithin(watch.result, 100), false);
  assertEquals(stolen, 1);
  using _second = await Deno.connect({ hostname: HOST, port });
  assertEquals(await watch.result, true);
});
