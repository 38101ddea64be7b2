/**
 * `--check`: everything about the script, and what else the configuration refers to, that can be found out
 * without running it.
 *
 * @module
 */

import { errorText } from "../errors.ts";
import { lazyImport } from "../lazy_import.ts";
import { fromFileUrl } from "../paths.ts";
import type { Config } from "../config/config.ts";
import { isSandboxed } from "../config/options/permissions.ts";
import { firstLine, type Module, moduleGraph } from "../master/workers/module_graph.ts";
import { isBinary, whyNotInBinary } from "../system/process/standalone.ts";
import { missingScript } from "../instance/missing_script.ts";

export { checkPlaces } from "./check_places.ts";

/**
 * The problems of the script, empty when it and everything it imports can be found and parsed.
 *
 * @param place Where it was written.
 */
export async function checkScript(config: Config, place: string): Promise<string[]> {
  const directory = Deno.makeTempDirSync({ prefix: "duwsgi-check-" });
  try {
    return await checkIn(config, place, directory);
  } catch (error) {
    return [errorText(error)];
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

/** What is in the way of the files of metrics, empty when nothing is. */
export async function metricFilesProblem({ metricsDir }: Config): Promise<string[]> {
  if (metricsDir === "") return [];
  const { MetricDirectory } = await lazyImport<
    typeof import("../master/metrics/metric_directory.ts")
  >(
    import.meta.resolve("../master/metrics/metric_directory.ts"),
  );
  const problem = new MetricDirectory(metricsDir).problem();
  return problem === null ? [] : [problem];
}

/** What is wrong with the certificates of TLS sockets, and what clients will complain about. */
export async function checkCertificates(
  { sockets }: Config,
): Promise<{ readonly problems: readonly string[]; readonly warnings: readonly string[] }> {
  if (!sockets.some(({ tls }) => tls !== undefined)) return { problems: [], warnings: [] };
  const { readCertificates } = await lazyImport<typeof import("../master/sockets/certificates.ts")>(
    import.meta.resolve("../master/sockets/certificates.ts"),
  );
  try {
    return { problems: [], warnings: readCertificates(sockets).warnings };
  } catch (error) {
    return { problems: [errorText(error)], warnings: [] };
  }
}

async function checkIn(config: Config, place: string, directory: string): Promise<string[]> {
  const missing = missingScript(config.script, place, config);
  if (missing !== null) return [missing];
  const problem = whyNotInBinary(config.denoFlags, isSandboxed(config));
  if (problem !== null) return [problem];
  // What it imports is found out when it is run.
  if (isBinary()) return [];
  const modules = await moduleGraph(config, directory);
  return modules.flatMap(problemsOf);
}

function problemsOf(module: Module): string[] {
  const problems = (module.dependencies ?? []).flatMap(({ specifier, code }) => {
    if (code?.error === undefined) return [];
    const { line = 0, character = 0 } = code.span?.start ?? {};
    const place = `${asPath(module.specifier)}:${line + 1}:${character + 1}`;
    return [`Cannot resolve "${specifier}" (${place}): ${firstLine(code.error)}`];
  });
  if (module.error !== undefined) {
    const text = firstLine(module.error);
    const named = text.includes(module.specifier);
    problems.unshift(named ? text : `${text} (${asPath(module.specifier)})`);
  }
  return problems;
}

function asPath(specifier: string): string {
  return specifier.startsWith("file://") ? fromFileUrl(specifier) : specifier;
}
