/** How benches start processes, and end them. */
import { assertEquals, assertRejects } from "@std/assert";
import { deno, listeningAddress, Started } from "../../../bench/servers.ts";

Deno.test("listeningAddress() finds where a server of Deno listens, however it says so", () => {
  const address = "127.0.0.1:4321";
  assertEquals(listeningAddress("Listening on http://127.0.0.1:4321/"), address);
  assertEquals(
    listeningAddress("Listening on http://0.0.0.0:4321/ (http://localhost:4321/)"),
    address,
  );
  assertEquals(
    listeningAddress("deno serve: Listening on http://127.0.0.1:4321/ with 2 threads"),
    address,
  );
  assertEquals(listeningAddress("Check file:///app.ts"), null);
});

Deno.test("Started finds lines that came before and that come later, and ends its process", async () => {
  const script = 'console.log("first"); console.error("second"); setInterval(() => {}, 1e6)';
  const started = new Started({ command: deno("eval", script) });
  const is = (text: string) => (line: string) => line === text ? line.length : null;
  assertEquals(await started.find("second line", is("second")), 6);
  assertEquals(await started.find("first line", is("first")), 5);
  await started.end();
  await assertRejects(() => started.find("third line", is("third")), Error, "the process ended");
});

Deno.test("Started.output() fails with what was printed, when the program fails", async () => {
  const good = new Started({ command: deno("eval", 'console.log("fine")') });
  assertEquals(await good.output(), "fine");
  const bad = new Started({ command: deno("eval", 'console.log("why"); Deno.exit(3)') });
  await assertRejects(() => bad.output(), Error, "why");
});
