/**
 * The import map a worker is started with: what the script's own configuration maps, plus `uwsgi`.
 *
 * `deno run --import-map` replaces the `imports` of the script's deno.json, so this map has to say
 * everything they say, in the way Deno reads them. The map is written to a file of its own: with a
 * `data:` URL Deno 2.9 panics as soon as the script belongs to a workspace.
 *
 * @module
 */

/** The specifier under which scripts import duwsgi's module. */
export const UWSGI_SPECIFIER = "uwsgi";

/** Specifiers and their addresses as they stand in a file, not yet checked. */
export type ImportEntries = Readonly<Record<string, unknown>>;

/** What one configuration file contributes to the import map. */
export interface ImportMapLayer {
  /** `file://` URL of the file the entries stand in, which relative ones are relative to. */
  readonly url: string;
  /** Its `imports`. */
  readonly imports: ImportEntries;
  /** Its `scopes`; Deno ignores those of a workspace member. */
  readonly scopes: Readonly<Record<string, ImportEntries>>;
  /** Whether the entries hold only for modules below the file's directory (a workspace member). */
  readonly member: boolean;
  /**
   * Whether `"x": "npm:x@1"` also makes `x/sub` resolve: Deno adds that for the `imports` of a
   * deno.json, and not for import map files.
   */
  readonly subpaths: boolean;
}

/** Where a specifier leads; null blocks it. */
type Address = string | null;
type Entries = Map<string, Address>;

/** An import map (HTML Living Standard, 8.1.6.2) as `deno run --import-map` reads it. */
export interface ImportMap {
  readonly imports: Readonly<Record<string, string | null>>;
  readonly scopes: Readonly<Record<string, Readonly<Record<string, string | null>>>>;
}

/**
 * Merges the layers of a script's configuration and maps `uwsgi` to duwsgi's module, whatever else
 * the layers map it to. Relative keys and addresses become absolute `file://` URLs; addresses that
 * are URLs (`npm:`, `jsr:`, `https:`, `node:`) stay as they are, as do invalid ones, which Deno reports.
 *
 * Deno adds the `imports` of every workspace member to an import map it is given, as a scope, and
 * replaces an earlier scope of the same directory unless both were spelled alike. So scopes are
 * spelled as Deno does, and the script's own member gets a second one, behind that: the later of
 * two spellings wins, and only so can `uwsgi` win over the member's entry.
 *
 * @param layers The script's layers, members last.
 * @param uwsgiUrl Absolute URL of duwsgi's module.
 * @param mapUrl `file://` URL the map will be written to.
 */
export function mergeImportMaps(
  layers: readonly ImportMapLayer[],
  uwsgiUrl: string,
  mapUrl: string,
): ImportMap {
  const imports: Entries = new Map();
  const scopes = new Map<string, Entries>();
  for (const layer of layers.filter((layer) => !layer.member)) {
    addEntries(imports, layer.imports, layer);
    for (const [scope, entries] of Object.entries(layer.scopes)) {
      addEntries(entriesOf(scopes, scopeKey(scope, layer.url, mapUrl)), entries, layer);
    }
  }
  for (const layer of layers.filter((layer) => layer.member)) {
    const directory = new URL(".", layer.url).href;
    const whole: Entries = new Map(entriesOf(scopes, scopeKey(directory, layer.url, mapUrl)));
    addEntries(whole, layer.imports, layer);
    scopes.set(directory, whole.set(UWSGI_SPECIFIER, uwsgiUrl));
  }
  imports.set(UWSGI_SPECIFIER, uwsgiUrl);
  return {
    imports: Object.fromEntries(imports),
    scopes: Object.fromEntries([...scopes].map(([key, map]) => [key, Object.fromEntries(map)])),
  };
}

/** Where duwsgi's module is: in this copy or another one, in the sources or in a bundle. */
const OWN_MODULE = /\/lib\/worker\/uwsgi\.[jt]s$/;

/**
 * The URLs of the layers whose own entry for `uwsgi` is not used, for a note to the user. One that
 * leads to duwsgi's module anyway, as it is written for the sake of an editor, is not listed.
 */
export function replacedUwsgi(layers: readonly ImportMapLayer[]): string[] {
  return layers.filter((layer) =>
    [layer.imports, ...Object.values(layer.scopes)].some((entries) =>
      Object.hasOwn(entries, UWSGI_SPECIFIER) &&
      !OWN_MODULE.test(absoluteAddress(entries[UWSGI_SPECIFIER], layer) ?? "")
    )
  ).map((layer) => layer.url);
}

function addEntries(target: Entries, entries: ImportEntries, layer: ImportMapLayer): void {
  for (const [key, value] of Object.entries(entries)) {
    if (key === UWSGI_SPECIFIER) continue;
    const address = absoluteAddress(value, layer);
    target.set(isRelative(key) ? absoluteUrl(key, layer.url) : key, address);
    const subpaths = `${key}/`;
    if (!layer.subpaths || key.endsWith("/") || Object.hasOwn(entries, subpaths)) continue;
    const packaged = /^(npm:|jsr:)\/?(.*)$/.exec(address ?? "");
    if (packaged !== null) target.set(subpaths, `${packaged[1]}/${packaged[2]}/`);
  }
}

/** Deno takes any address of a workspace member that is no URL for a path; elsewhere it is invalid. */
function absoluteAddress(address: unknown, layer: ImportMapLayer): Address {
  if (typeof address !== "string") return null;
  if (URL.canParse(address)) return address;
  return layer.member || isRelative(address) ? absoluteUrl(address, layer.url) : address;
}

/** Which specifiers an import map resolves against its own address: `/x`, `./x` and `../x`. */
function isRelative(specifier: string): boolean {
  return /^\.{0,2}\//.test(specifier);
}

function absoluteUrl(reference: string, base: string): string {
  return URL.canParse(reference, base) ? new URL(reference, base).href : reference;
}

function entriesOf(scopes: Map<string, Entries>, key: string): Entries {
  const entries: Entries = scopes.get(key) ?? new Map();
  scopes.set(key, entries);
  return entries;
}

/** A scope's key: a directory in the spelling Deno gives its members', anything else absolute. */
function scopeKey(scope: string, base: string, mapUrl: string): string {
  const url = absoluteUrl(scope, base);
  if (!url.startsWith("file:///") || !url.endsWith("/")) return url;
  const from = new URL(".", mapUrl).pathname.split("/").slice(1, -1);
  const to = new URL(url).pathname.split("/").slice(1, -1);
  const shared = from.findIndex((segment, position) => segment !== to[position]);
  const common = shared === -1 ? from.length : shared;
  const steps = [...from.slice(common).map(() => ".."), ...to.slice(common)];
  return `./${steps.join("/")}/`;
}
