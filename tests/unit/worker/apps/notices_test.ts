import { assertEquals } from "@std/assert";
import { notListening, passedOn } from "../../../../lib/worker/apps/notices.ts";

const FREE = { address: "127.0.0.1:80", holder: null };
const TAKEN = { address: "127.0.0.1:80", holder: "listen() on port 3000" };
const LOST =
  "another worker, or the successor in a reload, finds it in use, and what waits in its queue is lost with " +
  "the worker.";

Deno.test("a call that finds no socket left is told who has them, and what to configure", () => {
  assertEquals(
    passedOn({ what: "Deno.serve", asked: { port: 9464 } }, [TAKEN]),
    "Deno.serve opens port 9464 in the worker itself, because no socket of the instance is left for it " +
      `(127.0.0.1:80 is with listen() on port 3000): ${LOST} Let socket-map say which call gets which, or ` +
      'configure a socket for it, such as "http-socket = :9464"',
  );
});

Deno.test("a socket that exists is never what is to be configured", () => {
  assertEquals(
    passedOn({ what: "Deno.serve", asked: { port: 80 } }, [TAKEN]),
    "Deno.serve asks for port 80, but listen() on port 3000 has the socket 127.0.0.1:80: let one of the two " +
      "listen elsewhere, or see socket-map",
  );
});

Deno.test("a path that is left alone is told how it would get a TCP socket", () => {
  assertEquals(
    passedOn({ what: "listen()", asked: { path: "/tmp/ipc" } }, [FREE]),
    "listen() opens /tmp/ipc in the worker itself, because only socket-map gives a TCP socket to a path: " +
      `${LOST} If its clients are those of 127.0.0.1:80, write "socket-map = /tmp/ipc => 0". ` +
      'Configure a socket for it, such as "socket = /tmp/ipc"',
  );
});

Deno.test("a script that does not listen is told what does, and why that does not count", () => {
  const threads =
    "threads (Worker, worker_threads) and child processes get no sockets: listen in the main " +
    "thread, and let processes = N be the number of workers";
  assertEquals(
    notListening(["127.0.0.1:80"], [], ["0.0.0.0:3999"]),
    "Nothing in the script's main thread listens on 127.0.0.1:80 yet (a thread listens on 0.0.0.0:3999): " +
      threads,
  );
  assertEquals(
    notListening(["a:80", "/b"], [{ what: "Deno.serve", asked: { port: 0 } }], []),
    "Nothing in the script's main thread listens on a:80, /b yet (Deno.serve has opened port 0 by itself): " +
      `"socket-map = 0 => 0" gives the first socket to port 0; ${threads}`,
  );
});
