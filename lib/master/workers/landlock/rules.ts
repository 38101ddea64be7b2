/**
 * What Landlock is to allow a sandboxed worker, decided from its permissions and from what is there. The
 * rules are wider than Deno's own check and never narrower: what Deno would allow, the kernel allows.
 *
 * @module
 */

import type { Permission, PermissionKind } from "../../../config/options/permissions.ts";
import { dirname, resolve } from "../../../paths.ts";
import {
  ALL_FILE_RIGHTS,
  type FileRight,
  type PathRule,
  type Rules,
} from "../../../system/process/landlock.ts";

/** What a worker may do, by kind, in the words of its options. */
export type Granted = Readonly<Record<PermissionKind, Exclude<Permission, null>>>;

/** What a path stands for. */
export interface PathKind {
  /** The path without symbolic links. */
  readonly real: string;
  readonly kind: "directory" | "file" | "other";
}

/** What is there, as far as the rules depend on it. All paths are absolute. */
export interface AccessFacts {
  /** The working directory of workers. */
  readonly cwd: string;
  /** The Deno binary, and what the kernel loads to run it. */
  readonly programs: readonly string[];
  /** Directories of the libraries that it is linked with. */
  readonly libraries: readonly string[];
  /** Deno's cache. */
  readonly cache: string;
  /** Directories that belong to the script: its own, those of its project, its packages. */
  readonly folders: readonly string[];
  /** Files that Deno looks for outside of them. */
  readonly files: readonly string[];
  /** Files outside of them that are imported as text or bytes: Deno reads them without permission. */
  readonly texts: readonly string[];
  /** The directory that the master has for itself. */
  readonly master: string;
  /** The file that the log goes to, which is opened again after a rotation; null: it is no file. */
  readonly log: string | null;
  /** True if Deno itself connects to hosts that no permission names. */
  readonly connects: boolean;
  /** True if Deno itself listens on ports that no permission names. */
  readonly listens: boolean;
}

/** What is to be done about a worker. */
export interface ConfinementDecision {
  /** Null: nothing can be refused, see `why`. */
  readonly rules: Rules | null;
  /** Why nothing is refused; empty: something is. */
  readonly why: string;
  /** What the operator should know. */
  readonly notes: readonly string[];
}

const READ: readonly FileRight[] = ["readFile", "readDirectory", "controlDevice"];
/**
 * What `--allow-write` with a list takes. Deno makes symbolic links, and nothing but files and directories,
 * only with `--allow-write` for everything: who could make a link where it may write could have the next
 * rules made for another place.
 */
const WRITE: readonly FileRight[] = [
  "writeFile",
  "truncate",
  "makeFile",
  "makeDirectory",
  "makeSocket",
  "removeFile",
  "removeDirectory",
  "refer",
  "readDirectory",
  "controlDevice",
];
const WRITE_ALL = ALL_FILE_RIGHTS.filter((right) => right !== "execute" && right !== "readFile");
const RUN: readonly FileRight[] = ["execute", "readFile"];

/**
 * What Deno and the C library read of the system. `/proc` is whole, because the directory of a process
 * that is not there yet cannot be named; of other processes the kernel keeps back what Landlock protects.
 */
const SYSTEM: readonly string[] = [
  "/proc",
  "/sys/devices/system",
  "/sys/fs/cgroup",
  "/sys/kernel/mm",
  "/dev/random",
  "/dev/urandom",
  "/dev/zero",
  "/etc/ca-certificates",
  "/etc/gai.conf",
  "/etc/group",
  "/etc/host.conf",
  "/etc/hosts",
  "/etc/ld.so.cache",
  "/etc/localtime",
  "/etc/nsswitch.conf",
  "/etc/os-release",
  "/etc/passwd",
  "/etc/pki/ca-trust",
  "/etc/pki/tls/cert.pem",
  "/etc/pki/tls/certs",
  "/etc/pki/tls/openssl.cnf",
  "/etc/protocols",
  "/etc/resolv.conf",
  "/etc/services",
  "/etc/ssl/cert.pem",
  "/etc/ssl/certs",
  "/etc/ssl/openssl.cnf",
  "/etc/timezone",
  "/usr/lib/locale",
  "/usr/local/share/ca-certificates",
  "/usr/share/ca-certificates",
  "/usr/share/locale",
  "/usr/share/zoneinfo",
];
const LIBRARIES: readonly string[] = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"];
const TERMINALS: readonly string[] = ["/dev/full", "/dev/null", "/dev/tty"];

/** The domain name service, over TCP where an answer is too long for a datagram. */
const DNS_PORT = 53;

/** Name of the file by which sandboxed workers take turns while they start. */
export const LOCK_FILE = "sandbox.lock";

/** The path that an entry of a permission names: two commas stand for one. */
function pathOf(entry: string, cwd: string): string {
  return resolve(cwd, entry.replaceAll(",,", ","));
}

/** The paths that rules depend on: once one of them stands for another file, new ones are needed. */
export function pathsBehind(granted: Granted, facts: AccessFacts): readonly string[] {
  const listed = [granted.read, granted.write].flatMap((entries) =>
    entries === true ? [] : entries
  );
  return unique([
    ...facts.programs,
    ...facts.folders,
    ...facts.files,
    ...listed.map((entry) => pathOf(entry, facts.cwd)),
  ]);
}

/**
 * What is allowed.
 *
 * @param look Says what a path stands for; null: it is not there.
 */
export function landlockRules(
  granted: Granted,
  facts: AccessFacts,
  look: (path: string) => PathKind | null,
): ConfinementDecision {
  for (const kind of ["run", "ffi"] as const) {
    if (granted[kind] === true || granted[kind].length > 0) {
      return { rules: null, why: `allow-${kind} gives all rights of the user`, notes: [] };
    }
  }
  const rights = new Map<string, Set<FileRight>>();
  const notes: string[] = [];
  const give = (path: string, some: readonly FileRight[]) => {
    rights.set(path, new Set([...rights.get(path) ?? [], ...some]));
  };
  /** A place that has to be there to be of use. */
  const giveIfThere = (path: string, some: readonly FileRight[]) => {
    const place = look(path);
    if (place !== null) give(place.real, some);
  };
  const giveAllowed = (kind: "read" | "write", some: readonly FileRight[]) => {
    const allowed = granted[kind];
    if (allowed === true) return give("/", kind === "read" ? READ : WRITE_ALL);
    for (const one of allowed) {
      const path = pathOf(one, facts.cwd);
      const covering = coveringPaths(path, look);
      for (const cover of covering) give(cover, some);
      if (path === "/" || !covering.includes("/")) continue;
      notes.push(
        `allow-${kind} = ${one} is not there, nor is a directory above it: until the next reload, ` +
          "Landlock protects no file that Deno does not protect",
      );
    }
  };
  giveAllowed("read", READ);
  giveAllowed("write", WRITE);
  for (const path of [...SYSTEM, ...LIBRARIES, ...facts.libraries]) giveIfThere(path, READ);
  for (const path of [facts.cache, ...facts.folders, ...facts.files]) giveIfThere(path, READ);
  // Where it is a link, another file is put in its place whenever the network changes.
  const resolver = look("/etc/resolv.conf")?.real ?? "";
  if (resolver !== "" && !/^(\/etc)?\/[^/]*$/.test(resolver)) giveIfThere(dirname(resolver), READ);
  for (const path of facts.programs) giveIfThere(path, RUN);
  for (const path of TERMINALS) giveIfThere(path, ["readFile", "writeFile", "controlDevice"]);
  // Nothing there can be written: the next worker believes it.
  giveIfThere(facts.master, [...READ, "makeSocket", "removeFile", "removeDirectory"]);
  giveIfThere(`${facts.master}/${LOCK_FILE}`, ["readFile", "writeFile"]);
  // The last worker of a master that was killed removes that directory.
  giveIfThere(dirname(facts.master), ["removeDirectory"]);
  // Another file is there after a rotation.
  if (facts.log !== null) giveIfThere(dirname(facts.log), ["writeFile"]);
  for (const text of facts.texts) {
    const readable = [...rights].some(([path, some]) =>
      some.has("readFile") && isBelow(text, path)
    );
    if (!readable) notes.push(`Landlock refuses the import of ${text}: ${REFUSED_TEXT}`);
  }
  const paths = [...rights].map(([path, some]): PathRule => ({ path, rights: [...some] }));
  const ports = portsOf(granted.net);
  const rules: Rules = {
    paths: paths.sort((a, b) => a.path < b.path ? -1 : 1),
    bind: ports === null || facts.listens ? null : unique([0, ...ports]),
    connect: ports === null || facts.connects || isSome(granted.import)
      ? null
      : ports.length === 0
      ? []
      : unique([DNS_PORT, ...ports]),
    abstractSockets: granted.net === true || granted.net.some((one) => one.startsWith("unix:")),
  };
  return { rules, why: "", notes };
}

/**
 * What a rule has to be made for so that it holds for a path: a directory itself, and where there is none
 * the directory around it. A rule for a file would not hold for the one that takes its place.
 */
function coveringPaths(path: string, look: (path: string) => PathKind | null): readonly string[] {
  const place = look(path);
  if (place === null) return path === "/" ? [] : coveringPaths(dirname(path), look);
  if (place.kind !== "file") return [place.real];
  // Where the path is a link, another file is put in its place by another link.
  const around = look(dirname(path));
  return unique([dirname(place.real), ...around === null ? [] : [around.real]]);
}

const REFUSED_TEXT =
  "it is no module, and outside of the script's folders: name it in allow-read if it is meant";

/** True for a folder itself, and for what is in it. */
export function isBelow(path: string, folder: string): boolean {
  return `${path}/`.startsWith(folder === "/" ? "/" : `${folder}/`);
}

const WITH_PORT = /^(?:\[[^\]]*\]|[^:[\]]*):(\d+)$/;

/** The TCP ports that a permission for the network names; null: they cannot be told, so all. */
function portsOf(net: Granted["net"]): number[] | null {
  if (net === true) return null;
  const hosts = net.filter((one) => !/^(unix|vsock):/.test(one));
  const ports = hosts.map((one) => Number(WITH_PORT.exec(one)?.[1] ?? NaN));
  return ports.every((port) => port <= 65_535) ? unique(ports) : null;
}

function isSome(permission: Granted["import"]): boolean {
  return permission === true || permission.length > 0;
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
