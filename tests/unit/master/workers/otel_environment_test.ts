import { assertEquals } from "@std/assert";
import { telemetryEnvironment } from "../../../../lib/master/workers/otel_environment.ts";

function attributes(
  env: Readonly<Record<string, string>>,
  process: { readonly slot: number; readonly mule: number },
): string | undefined {
  const found = telemetryEnvironment(
    (name) => env[name],
    { ...process, generation: 7 },
    () => "id",
  );
  return found.OTEL_RESOURCE_ATTRIBUTES;
}

Deno.test("telemetryEnvironment() names worker and generation behind what the user has set", () => {
  const ours = "service.instance.id=id,duwsgi.worker.id=2,duwsgi.generation=7";
  const worker = { slot: 2, mule: 0 };
  assertEquals(attributes({ OTEL_DENO: "true" }, worker), ours);
  assertEquals(
    attributes({ OTEL_DENO: "1", OTEL_RESOURCE_ATTRIBUTES: "a=b,c=d" }, worker),
    `a=b,c=d,${ours}`,
  );
  assertEquals(
    attributes({ OTEL_DENO: "true", OTEL_RESOURCE_ATTRIBUTES: "service.instance.id=x" }, worker),
    "service.instance.id=x,duwsgi.worker.id=2,duwsgi.generation=7",
  );
  assertEquals(
    attributes({ OTEL_DENO: "true" }, { slot: 0, mule: 3 }),
    "service.instance.id=id,duwsgi.mule.id=3,duwsgi.generation=7",
  );
});

Deno.test("telemetryEnvironment() adds nothing where nothing is exported", () => {
  const worker = { slot: 2, mule: 0 };
  assertEquals(attributes({ OTEL_RESOURCE_ATTRIBUTES: "a=b" }, worker), undefined);
  assertEquals(attributes({ OTEL_DENO: "false" }, worker), undefined);
});
