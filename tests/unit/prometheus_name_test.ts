import { assertEquals } from "@std/assert";
import { exportedName, exportedNames } from "../../lib/prometheus_name.ts";

Deno.test("exportedName() is a name for Prometheus, whatever the metric is called", () => {
  assertEquals(exportedName("app.hits", "counter"), "duwsgi_user_app_hits");
  assertEquals(exportedName("app.hits_total", "counter"), "duwsgi_user_app_hits");
  assertEquals(exportedName("2-much", "gauge"), "duwsgi_user_2_much");
});

Deno.test("exportedNames() are all names that a metric takes", () => {
  assertEquals(exportedNames("a", "counter"), ["duwsgi_user_a", "duwsgi_user_a_total"]);
  assertEquals(exportedNames("a.b", "histogram").at(-1), "duwsgi_user_a_b_sum");
});
