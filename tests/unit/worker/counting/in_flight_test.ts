/** What a worker shows of its requests. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Flight, InFlight } from "../../../../lib/worker/counting/in_flight.ts";
import { Lane, SHARED_BYTES } from "../../../../lib/shared_memory/process_row.ts";

function inFlight(named: boolean): { readonly lane: Lane; readonly requests: InFlight } {
  const lane = new Lane(new SharedArrayBuffer(SHARED_BYTES), 1);
  return { lane, requests: new InFlight(lane, named) };
}

function request(path: string, method = "GET"): Request {
  return new Request(`http://a.example:8080${path}`, { method });
}

Deno.test("InFlight counts requests, and those that are at work", () => {
  const { lane, requests } = inFlight(false);
  const [one, two] = [requests.begin(request("/")), requests.begin(request("/"))];
  assertEquals(lane.get("inFlight"), 2);
  requests.end(one);
  requests.end(two);
  requests.begin(request("/"));
  assertEquals(lane.get("inFlight"), 1);
  assertEquals(lane.oldest, null);
});

Deno.test("InFlight names the oldest request with the second after its begin", () => {
  const { lane, requests } = inFlight(true);
  lane.clock.tick();
  const first = requests.begin(request("/slow?x=%20", "POST"));
  lane.clock.tick();
  const second = requests.begin(request("/b"));
  assertEquals(lane.oldest, { since: 2, name: "POST /slow?x=%20" });
  requests.end(first);
  assertEquals(lane.oldest, { since: 3, name: "GET /b" });
  requests.end(second);
  assertEquals(lane.oldest, null);
});

Deno.test("InFlight names a request on a Unix socket by its path as well", () => {
  const { lane, requests } = inFlight(true);
  requests.begin(new Request("http+unix://%2Frun%2Fa.sock/x/y"));
  assertEquals(lane.oldest?.name, "GET /x/y");
});

Deno.test("InFlight always shows the oldest of those at work, in whatever order they end", () => {
  const steps = fc.array(fc.oneof(fc.constant("begin" as const), fc.nat(20)));
  fc.assert(fc.property(steps, (chosen) => {
    const { lane, requests } = inFlight(true);
    const open: { readonly flight: Flight | null; readonly name: string }[] = [];
    chosen.forEach((what, i) => {
      if (what === "begin") {
        open.push({ flight: requests.begin(request(`/${i}`)), name: `GET /${i}` });
      } else if (open.length > 0) {
        const [gone] = open.splice(what % open.length, 1);
        requests.end(gone?.flight ?? null);
      }
      assertEquals(lane.get("inFlight"), open.length);
      assertEquals(lane.oldest?.name, open[0]?.name);
    });
  }));
});
