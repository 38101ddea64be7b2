/**
 * Which targets an entry goes to: `log-drain`, `log-filter` and `log-route`. Pure.
 *
 * @module
 */

/** The rules of one log, as they were written. */
export interface RoutingRules {
  /** Regular expressions; what matches one is dropped (`log-drain`). */
  readonly drains: readonly string[];
  /** Regular expressions; if there are any, what matches none is dropped (`log-filter`). */
  readonly filters: readonly string[];
  /** What matches goes to the targets with this name, and to no others (`log-route`). */
  readonly routes: readonly { readonly id: string; readonly pattern: string }[];
}

/**
 * Returns a function that says which of the targets an entry with this text goes to. A target with a
 * name gets only what is routed to it; what is routed goes to no target without a name.
 *
 * @param ids The names of the targets, in order; empty: without a name. The last target is the one
 * for what would go nowhere, and gets nothing else.
 */
export function router(
  rules: RoutingRules,
  ids: readonly string[],
): (text: string) => readonly number[] {
  const drains = rules.drains.map((pattern) => new RegExp(pattern));
  const filters = rules.filters.map((pattern) => new RegExp(pattern));
  const routes = rules.routes.map(({ id, pattern }) => ({
    expression: new RegExp(pattern),
    targets: indexesOf(ids.slice(0, -1), id),
  }));
  const unnamed = indexesOf(ids.slice(0, -1), "");
  const rest = unnamed.length > 0 ? unnamed : [ids.length - 1];
  return (text) => {
    if (drains.some((expression) => expression.test(text))) return [];
    if (filters.length > 0 && !filters.some((expression) => expression.test(text))) return [];
    const routed = routes.flatMap(({ expression, targets }) =>
      expression.test(text) ? targets : []
    );
    return routed.length > 0 ? [...new Set(routed)] : rest;
  };
}

function indexesOf(ids: readonly string[], wanted: string): number[] {
  return ids.flatMap((id, index) => id === wanted ? [index] : []);
}
