/** Which clients a worker that leaves holds. */
import { assertEquals } from "@std/assert";
import { lingerers } from "../../../lib/worker/operations.ts";

const clients = ["a", "b", "c", "d"].map((client, handle) => ({ client, handle, near: "80" }));
const isIdle = (client: string) => client === "b" || client === "d";
const held = (free: number) =>
  lingerers(clients, isIdle, free).map(({ client }) => client).join("");

Deno.test("lingerers() are no more than there are descriptors for, idle ones first", () => {
  assertEquals(held(Infinity), "bdac");
  assertEquals(held(3), "bda");
  assertEquals(held(1), "b");
  assertEquals(held(0), "");
  assertEquals(held(-14), "");
});
