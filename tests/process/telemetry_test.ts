/** What Deno's own OpenTelemetry exports for workers. */
import { assert, assertEquals } from "@std/assert";
import { getText } from "../helpers/http.ts";
import { startMaster } from "../helpers/running_master.ts";

/** Attributes of a resource as OTLP has them in JSON. */
interface Exported {
  readonly resourceLogs: readonly {
    readonly resource: {
      readonly attributes: readonly {
        readonly key: string;
        readonly value: { readonly stringValue: string };
      }[];
    };
  }[];
}

Deno.test("what workers export names slot and generation, behind what the user has set", async () => {
  const resources: ReadonlyMap<string, string>[] = [];
  await using receiver = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const body = await request.text();
      if (new URL(request.url).pathname === "/v1/logs") {
        for (const { resource } of (JSON.parse(body) as Exported).resourceLogs) {
          const { attributes } = resource;
          resources.push(new Map(attributes.map(({ key, value }) => [key, value.stringValue])));
        }
      }
      return Response.json({});
    },
  );
  await using running = startMaster({
    ini: `http-socket = 127.0.0.1:0
processes = 2
env = OTEL_DENO=true
env = OTEL_EXPORTER_OTLP_PROTOCOL=http/json
env = OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:${receiver.addr.port}
env = OTEL_RESOURCE_ATTRIBUTES=deployment.environment=test
env = OTEL_BLRP_SCHEDULE_DELAY=100
touch-chain-reload = %DIR%/reload
deno-worker-override = app.ts`,
    files: {
      "app.ts": `import uwsgi from "uwsgi";
console.log("worker", uwsgi.worker_id());
uwsgi.serve(() => new Response("ok"));`,
    },
  });
  const [address] = await running.ready();
  assertEquals(await getText(`http://${address}/`), "ok");
  running.touch("reload");
  await running.waitFor("reloadFinished");
  const seen = () =>
    new Set(
      resources.map((one) => `${one.get("duwsgi.worker.id")}/${one.get("duwsgi.generation")}`),
    );
  await running.until(() => seen().size === 4, "telemetry of four workers");
  assertEquals(seen(), new Set(["1/1", "2/1", "1/2", "2/2"]));
  const ids = new Set(resources.map((one) => one.get("service.instance.id")));
  assertEquals(ids.size, 4);
  assert(resources.every((one) => one.get("deployment.environment") === "test"));
  assertEquals(await running.stop(), 0);
});
