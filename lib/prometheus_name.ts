/**
 * What the metrics of a script are called where Prometheus reads them: their names may have dots and
 * dashes, its names may not.
 *
 * @module
 */

/** What a metric looks like to Prometheus. */
export type ExportedType = "counter" | "gauge" | "histogram";

/** Name of the metric as a whole; `_total`, or what histograms have, comes behind it. */
export function exportedName(name: string, type: ExportedType): string {
  const family = `duwsgi_user_${name.replaceAll(/[^0-9A-Za-z_]/g, "_")}`;
  return type === "counter" ? family.replace(/_total$/, "") : family;
}

/** Everything that nobody else may be called. */
export function exportedNames(name: string, type: ExportedType): readonly string[] {
  const family = exportedName(name, type);
  const ends = {
    counter: ["", "_total"],
    gauge: [""],
    histogram: ["", "_bucket", "_count", "_sum"],
  };
  return ends[type].map((end) => family + end);
}
