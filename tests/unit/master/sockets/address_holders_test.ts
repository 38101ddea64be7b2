/** Who has an address, in words. */
import { assertEquals } from "@std/assert";
import {
  explainHolders,
  type Holder,
  holdersOf,
} from "../../../../lib/master/sockets/address_holders.ts";

function who(processes: readonly Holder[], ending: readonly number[] = []): string | undefined {
  return explainHolders({ own: false, processes, ending })?.who;
}

const worker = { pid: 11, name: "deno", master: 10 };
const master = { pid: 10, name: "deno", master: 10 };
const other = { pid: 7, name: "python3", master: null };

Deno.test("explainHolders() names processes, and an instance by its master", () => {
  assertEquals(who([]), undefined);
  assertEquals(who([other]), "process 7 (python3)");
  const four = [7, 8, 9, 10].map((pid) => ({ ...other, pid }));
  assertEquals(who(four), "processes 7 (python3), 8 (python3), 9 (python3) and 1 more");
  assertEquals(who([worker, master]), "the duwsgi instance with pid 10");
  assertEquals(who([other, master]), "the duwsgi instance with pid 10");
});

Deno.test("explainHolders() says whether an instance ends, or has no master any more", () => {
  assertEquals(
    who([worker], [10]),
    "process 11 of the duwsgi instance with pid 10, which is ending",
  );
  assertEquals(who([worker]), "process 11, a worker of the duwsgi instance 10, which is gone");
});

Deno.test("holdersOf() tells this process from others", () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { hostname: host, port } = listener.addr;
  const own = holdersOf({ host, port });
  assertEquals(own, { own: true, processes: [], ending: [] });
  assertEquals(explainHolders(own)?.who, "this process listens there already");
  const nobody = { own: false, processes: [], ending: [] };
  assertEquals(holdersOf({ path: "/nowhere/at.sock" }), nobody);
  assertEquals(explainHolders(nobody), null);
});
