import { assertEquals } from "@std/assert";
import { renderFamilies } from "../../../lib/stats/exposition.ts";
import { userFamilies } from "../../../lib/stats/user_families.ts";
import { statsDocument } from "../../helpers/stats_document.ts";

Deno.test("userFamilies() are the metrics of the script, without those that duwsgi keeps itself", () => {
  const stats = statsDocument({
    metrics: {
      "worker.1.requests": { type: 0, oid: "3.1.1", value: 9 },
      "app.hits": { type: 0, oid: "", value: 3 },
      "app.below": { type: 0, oid: "", value: -3 },
      "app-open": { type: 1, oid: "", value: -2 },
      "app.size": {
        type: 0,
        oid: "",
        value: 3,
        histogram: { bounds: [10, 100], buckets: [1, 0, 2], sum: 500 },
      },
    },
  });
  assertEquals(
    renderFamilies(userFamilies(stats), "prometheus"),
    `# HELP duwsgi_user_app_hits_total The metric app.hits.
# TYPE duwsgi_user_app_hits_total counter
duwsgi_user_app_hits_total 3
# HELP duwsgi_user_app_open The metric app-open.
# TYPE duwsgi_user_app_open gauge
duwsgi_user_app_open -2
# HELP duwsgi_user_app_size The metric app.size.
# TYPE duwsgi_user_app_size histogram
duwsgi_user_app_size_bucket{le="10.0"} 1
duwsgi_user_app_size_bucket{le="100.0"} 1
duwsgi_user_app_size_bucket{le="+Inf"} 3
duwsgi_user_app_size_sum 500
duwsgi_user_app_size_count 3
`,
  );
  assertEquals(userFamilies(statsDocument()), []);
});
