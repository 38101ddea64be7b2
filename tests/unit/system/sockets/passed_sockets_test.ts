/** What the environment says of passed sockets. */
import { assertEquals } from "@std/assert";
import { passedSockets, takePassedSockets } from "../../../../lib/system/sockets/passed_sockets.ts";

Deno.test("passedSockets() counts descriptors from 3 on, and gives them their names", () => {
  const variables = { LISTEN_PID: "7", LISTEN_FDS: "3", LISTEN_FDNAMES: "web::my-app.socket" };
  assertEquals(passedSockets(variables, 7), [
    { fd: 3, name: "web" },
    { fd: 4, name: null },
    { fd: 5, name: "my-app.socket" },
  ]);
  assertEquals(passedSockets({ LISTEN_PID: "7", LISTEN_FDS: "1" }, 7), [{ fd: 3, name: null }]);
});

Deno.test("passedSockets() finds none, when the variables are for somebody else, or nonsense", () => {
  for (
    const variables of [
      {},
      { LISTEN_FDS: "1" },
      { LISTEN_PID: "8", LISTEN_FDS: "1" },
      { LISTEN_PID: "07", LISTEN_FDS: "1" },
      { LISTEN_PID: "7" },
      { LISTEN_PID: "7", LISTEN_FDS: "0" },
      { LISTEN_PID: "7", LISTEN_FDS: "-1" },
      { LISTEN_PID: "7", LISTEN_FDS: "1x" },
      { LISTEN_PID: "7", LISTEN_FDS: "99999999" },
    ]
  ) {
    assertEquals(passedSockets(variables, 7), [], JSON.stringify(variables));
  }
});

Deno.test("takePassedSockets() removes the variables, whoever they are for", () => {
  for (const pid of [Deno.pid, 1]) {
    Deno.env.set("LISTEN_PID", String(pid));
    Deno.env.set("LISTEN_FDS", "1");
    Deno.env.set("LISTEN_FDNAMES", "web");
    assertEquals(takePassedSockets(), pid === Deno.pid ? [{ fd: 3, name: "web" }] : []);
    const left = Object.keys(Deno.env.toObject()).filter((name) => name.startsWith("LISTEN_"));
    assertEquals(left, []);
  }
});
