/** What a worker shows of its requests. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type ActiveRequest, InFlight } from "../../../../lib/worker/counting/in_flight.ts";
import { ProcessRow, SHARED_BYTES } from "../../../../lib/shared_memory/process_row.ts";

function inFlight(
  named: boolean,
): { readonly processRow: ProcessRow; readonly requests: InFlight } {
  const processRow = new ProcessRow(new SharedArrayBuffer(SHARED_BYTES), 1);
  return { processRow, requests: new InFlight(processRow, named) };
}

function request(path: string, method = "GET"): Request {
  return new Request(`http://a.example:8080${path}`, { method });
}

Deno.test("InFlight counts requests, and those that are at work", () => {
  const { processRow, requests } = inFlight(false);
  const [one, two] = [requests.begin(request("/")), requests.begin(request("/"))];
  assertEquals(processRow.get("inFlight"), 2);
  requests.end(one);
  requests.end(two);
  requests.begin(request("/"));
  assertEquals(processRow.get("inFlight"), 1);
  assertEquals(processRow.oldest, null);
});

Deno.test("InFlight names the oldest request with the second after its begin", () => {
  const { processRow, requests } = inFlight(true);
  processRow.clock.tick();
  const first = requests.begin(request("/slow?x=%20", "POST"));
  processRow.clock.tick();
  const second = requests.begin(request("/b"));
  assertEquals(processRow.oldest, { since: 2, name: "POST /slow?x=%20" });
  requests.end(first);
  assertEquals(processRow.oldest, { since: 3, name: "GET /b" });
  requests.end(second);
  assertEquals(processRow.oldest, null);
});

Deno.test("InFlight names a request on a Unix socket by its path as well", () => {
  const { processRow, requests } = inFlight(true);
  requests.begin(new Request("http+unix://%2Frun%2Fa.sock/x/y"));
  assertEquals(processRow.oldest?.name, "GET /x/y");
});

Deno.test("InFlight always shows the oldest of those at work, in whatever order they end", () => {
  const steps = fc.array(fc.oneof(fc.constant("begin" as const), fc.nat(20)));
  fc.assert(fc.property(steps, (chosen) => {
    const { processRow, requests } = inFlight(true);
    const open: { readonly flight: ActiveRequest | null; readonly name: string }[] = [];
    chosen.forEach((what, i) => {
      if (what === "begin") {
        open.push({ flight: requests.begin(request(`/${i}`)), name: `GET /${i}` });
      } else if (open.length > 0) {
        const [gone] = open.splice(what % open.length, 1);
        requests.end(gone?.flight ?? null);
      }
      assertEquals(processRow.get("inFlight"), open.length);
      assertEquals(processRow.oldest?.name, open[0]?.name);
    });
  }));
});
