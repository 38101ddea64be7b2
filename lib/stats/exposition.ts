/**
 * Writes metrics as Prometheus reads them: in its text format 0.0.4, or as OpenMetrics 1.0. Pure.
 *
 * @module
 */

/** The two formats. */
export type ExpositionFormat = "prometheus" | "openmetrics";

/** Their media types. */
export const MEDIA_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** What kind of metric it is; `info` has the value 1 and says everything in labels. */
export type FamilyType = "counter" | "gauge" | "histogram" | "info";

/** Labels by name; values may be any text. */
export type Labels = Readonly<Record<string, string>>;

/** One value of a metric. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number | HistogramValue;
}

/** The value of a histogram. */
export interface HistogramValue {
  /** Upper bounds of the buckets, ascending, in the unit of the metric. */
  readonly bounds: readonly number[];
  /** How many observations are in each bucket alone: one count more than there are bounds. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** A metric with all its values. */
export interface Family {
  /** Without the ending of the type (`_total`, `_info`). */
  readonly name: string;
  readonly type: FamilyType;
  /** The last word of the name if it is a unit: `seconds`, `bytes`; empty: it has none. */
  readonly unit: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** The format that a client asks for with its header `Accept`; what Prometheus always had is the default. */
export function formatFor(accept: string): ExpositionFormat {
  let best: { readonly format: ExpositionFormat; readonly quality: number } | null = null;
  for (const range of accept.split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const given = new Map(parameters.map((one) => one.split("=", 2) as [string, string]));
    const format = formatNamed(type, given.get("version"));
    const quality = Number(given.get("q") ?? 1);
    if (format !== null && quality > (best?.quality ?? 0)) best = { format, quality };
  }
  return best?.format ?? "prometheus";
}

function formatNamed(type: string, version: string | undefined): ExpositionFormat | null {
  if (type === "text/plain" || type === "*/*" || type === "text/*") {
    return version === undefined || version === "0.0.4" ? "prometheus" : null;
  }
  const known = version === undefined || version === "1.0.0";
  return type === "application/openmetrics-text" && known ? "openmetrics" : null;
}

/** All metrics as one text. A metric without values is left out. */
export function renderFamilies(families: readonly Family[], format: ExpositionFormat): string {
  const lines = families.filter(({ samples }) => samples.length > 0)
    .flatMap((
      family,
    ) => [...headOf(family, format), ...family.samples.flatMap(sampleLines(family))]);
  if (format === "openmetrics") lines.push("# EOF");
  return `${lines.join("\n")}\n`;
}

/** The name of its samples, and of the series that Prometheus keeps. */
export function sampleName({ name, type }: Pick<Family, "name" | "type">): string {
  if (type === "counter") return `${name}_total`;
  return type === "info" ? `${name}_info` : name;
}

function headOf(family: Family, format: ExpositionFormat): string[] {
  const { name, type, unit, help } = family;
  if (format === "openmetrics") {
    const lines = [`# TYPE ${name} ${type}`];
    if (unit !== "") lines.push(`# UNIT ${name} ${unit}`);
    return [...lines, `# HELP ${name} ${escapeText(help).replaceAll('"', '\\"')}`];
  }
  const known = sampleName(family);
  return [
    `# HELP ${known} ${escapeText(help)}`,
    `# TYPE ${known} ${type === "info" ? "gauge" : type}`,
  ];
}

function sampleLines(family: Family): (sample: Sample) => string[] {
  const name = sampleName(family);
  return ({ labels, value }) =>
    typeof value === "number"
      ? [`${name}${labelText(labels)} ${numberText(value)}`]
      : histogramLines(name, labels, value);
}

/** Each bucket holds all that took no longer than its bound, so the last one holds everything. */
function histogramLines(
  name: string,
  labels: Labels,
  { bounds, counts, sum }: HistogramValue,
): string[] {
  let count = 0;
  const buckets = [...bounds, Infinity].map((bound, i) => {
    count += counts[i] ?? 0;
    return `${name}_bucket${labelText({ ...labels, le: boundText(bound) })} ${count}`;
  });
  const text = labelText(labels);
  return [...buckets, `${name}_sum${text} ${numberText(sum)}`, `${name}_count${text} ${count}`];
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels);
  if (pairs.length === 0) return "";
  const texts = pairs.map(([name, value]) =>
    `${name}="${escapeText(value).replaceAll('"', '\\"')}"`
  );
  return `{${texts.join(",")}}`;
}

function escapeText(text: string): string {
  return text.toWellFormed().replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function numberText(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}

/** OpenMetrics wants all bounds to look like fractions, and one series has one name in both formats. */
function boundText(bound: number): string {
  return Number.isInteger(bound) ? `${bound}.0` : numberText(bound);
}
