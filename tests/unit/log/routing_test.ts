/** Which targets an entry goes to. */
import { assertEquals } from "@std/assert";
import { router, type RoutingRules } from "../../../lib/log/routing.ts";

const NONE: RoutingRules = { drains: [], filters: [], routes: [] };

Deno.test("router() sends everything to all targets without a name", () => {
  const route = router(NONE, ["", "named", "", ""]);
  assertEquals(route("x"), [0, 2]);
});

Deno.test("router() sends to the last one what no other target would get", () => {
  const route = router({ ...NONE, routes: [{ id: "a", pattern: "^a" }] }, ["a", ""]);
  assertEquals([route("abc"), route("xyz")], [[0], [1]]);
});

Deno.test("router() sends what is routed to its targets only, and once to each", () => {
  const routes = [{ id: "a", pattern: "1" }, { id: "b", pattern: "2" }, { id: "a", pattern: "2" }];
  const route = router({ ...NONE, routes }, ["a", "b", "", ""]);
  assertEquals([route("1"), route("2"), route("3")], [[0], [1, 0], [2]]);
});

Deno.test("router() drops what is drained, and what no filter lets through", () => {
  const route = router({ ...NONE, drains: ["bad"], filters: ["ok", "fine"] }, ["", ""]);
  assertEquals([route("ok"), route("fine"), route("ok but bad"), route("else")], [
    [0],
    [0],
    [],
    [],
  ]);
});
