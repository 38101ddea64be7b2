/**
 * Landlock (landlock(7)): a thread takes from itself, and from whatever it starts, the right to open files
 * and TCP ports that a set of rules does not name. See the kernel's `userspace-api/landlock.rst`.
 *
 * @module
 */

import { O_CLOEXEC } from "../descriptor.ts";
import { check, cString, type Libc } from "../libc.ts";

/** The rights that rules give, `LANDLOCK_ACCESS_FS_…` by name; in the order of their bits. */
const FILE_RIGHTS = [
  "execute",
  "writeFile",
  "readFile",
  "readDirectory",
  "removeDirectory",
  "removeFile",
  "makeCharacterDevice",
  "makeDirectory",
  "makeFile",
  "makeSocket",
  "makeFifo",
  "makeBlockDevice",
  "makeLink",
  "refer",
  "truncate",
  "controlDevice",
] as const;

/** A right to something in the file system. */
export type FileRight = typeof FILE_RIGHTS[number];
/** A right to a TCP port. */
export type PortRight = "bind" | "connect";

/** All rights there are. */
export const ALL_FILE_RIGHTS: readonly FileRight[] = FILE_RIGHTS;

/** Rights that a rule can give for what is no directory. */
const RIGHTS_OF_FILES: ReadonlySet<FileRight> = new Set([
  "execute",
  "writeFile",
  "readFile",
  "truncate",
  "controlDevice",
]);

/** Which version of Landlock's interface knows a right; the others are in the first one. */
const SINCE: Readonly<Partial<Record<FileRight, number>>> = {
  refer: 2,
  truncate: 3,
  controlDevice: 5,
};
const PORTS_SINCE = 4;
const SCOPES_SINCE = 6;
/** The versions that this module knows: what a later one adds is not asked for. */
const NEWEST_ABI = 7;

/** `LANDLOCK_ACCESS_NET_…` */
const PORT_BITS: Readonly<Record<PortRight, bigint>> = { bind: 1n, connect: 2n };
/** `LANDLOCK_SCOPE_…` */
const ABSTRACT_UNIX_SOCKET = 1n;
const SIGNAL = 2n;

/** What is allowed below a directory, or of one file. */
export interface PathRule {
  /** Absolute; the file behind it when the rules are made is meant. */
  readonly path: string;
  readonly rights: readonly FileRight[];
}

/** What is allowed. */
export interface Rules {
  readonly paths: readonly PathRule[];
  /** TCP ports that may be bound; null: all. */
  readonly bind: readonly number[] | null;
  /** TCP ports that may be connected to; null: all. */
  readonly connect: readonly number[] | null;
  /** Whether abstract Unix sockets of processes that are not restricted may be connected to. */
  readonly abstractSockets: boolean;
}

/** What the kernel of a version is asked to refuse unless a rule allows it. */
export interface Handled {
  /** Bits of file rights. */
  readonly files: bigint;
  /** Bits of port rights. */
  readonly ports: bigint;
  /** Bits of scopes: what reaches only processes with the same restrictions. */
  readonly scopes: bigint;
  /** Length of `struct landlock_ruleset_attr`. */
  readonly length: number;
}

/**
 * What a kernel can refuse of what the rules leave out.
 *
 * @param abi Version of its interface, from 1.
 */
export function handledBy(
  abi: number,
  { bind, connect, abstractSockets }: Omit<Rules, "paths">,
): Handled {
  const ports = [bind === null ? 0n : PORT_BITS.bind, connect === null ? 0n : PORT_BITS.connect];
  return {
    files: fileBits(abi, FILE_RIGHTS),
    ports: abi < PORTS_SINCE ? 0n : ports.reduce((all, one) => all | one),
    scopes: abi < SCOPES_SINCE ? 0n : SIGNAL | (abstractSockets ? 0n : ABSTRACT_UNIX_SOCKET),
    length: abi < PORTS_SINCE ? 8 : abi < SCOPES_SINCE ? 16 : 24,
  };
}

/** The bits of those of the rights that a version knows. */
export function fileBits(abi: number, rights: readonly FileRight[]): bigint {
  return rights.filter((right) => (SINCE[right] ?? 1) <= abi)
    .reduce((bits, right) => bits | 1n << BigInt(FILE_RIGHTS.indexOf(right)), 0n);
}

// The numbers of these system calls are the same on all architectures.
const CREATE_RULESET = 444n;
const ADD_RULE = 445n;
const RESTRICT_SELF = 446n;
const VERSION_FLAG = 1n;
const PATH_BENEATH = 1n;
const NET_PORT = 2n;

const PR_SET_NO_NEW_PRIVS = 38;
const O_PATH = 0o10000000;
const O_DIRECTORY = Deno.build.arch === "aarch64" ? 0o40000 : 0o200000;

/** Version of the running kernel's interface, at most 7; 0: it has none. */
export function landlockAbi(c: Libc): number {
  // ENOSYS: not compiled in; EOPNOTSUPP: not switched on.
  const abi = Number(c.landlock_create_ruleset(CREATE_RULESET, null, 0n, VERSION_FLAG));
  return Math.min(Math.max(abi, 0), NEWEST_ABI);
}

/**
 * Restricts this thread, and what it starts from now on, for good. Other threads stay as they are.
 * Paths that are not there, or that this user cannot reach, are left out.
 *
 * @throws {SystemCallError} If the kernel refuses.
 */
export function restrictThread(c: Libc, rules: Rules): void {
  const abi = landlockAbi(c);
  const handled = handledBy(abi, rules);
  const attributes = new BigUint64Array([handled.files, handled.ports, handled.scopes]);
  const ruleset = Number(c.landlock_create_ruleset(
    CREATE_RULESET,
    new Uint8Array(attributes.buffer),
    BigInt(handled.length),
    0n,
  ));
  check(c, "landlock_create_ruleset", ruleset);
  try {
    for (const rule of rules.paths) addPath(c, ruleset, abi, rule);
    if ((handled.ports & PORT_BITS.bind) !== 0n) {
      for (const port of rules.bind ?? []) addPort(c, ruleset, PORT_BITS.bind, port);
    }
    if ((handled.ports & PORT_BITS.connect) !== 0n) {
      for (const port of rules.connect ?? []) addPort(c, ruleset, PORT_BITS.connect, port);
    }
    check(c, "prctl", c.prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n));
    const restricted = c.landlock_restrict_self(RESTRICT_SELF, BigInt(ruleset), 0n);
    check(c, "landlock_restrict_self", Number(restricted));
  } finally {
    c.close(ruleset);
  }
}

function addPath(c: Libc, ruleset: number, abi: number, { path, rights }: PathRule): void {
  const name = cString(path);
  const directory = c.open(name, O_PATH | O_CLOEXEC | O_DIRECTORY);
  const fd = directory >= 0 ? directory : c.open(name, O_PATH | O_CLOEXEC);
  if (fd < 0) return;
  try {
    const fitting = directory >= 0 ? rights : rights.filter((one) => RIGHTS_OF_FILES.has(one));
    const bits = fileBits(abi, fitting);
    if (bits === 0n) return;
    // `struct landlock_path_beneath_attr`, which is packed.
    const attributes = new Uint8Array(12);
    const view = new DataView(attributes.buffer);
    view.setBigUint64(0, bits, true);
    view.setInt32(8, fd, true);
    addRule(c, ruleset, PATH_BENEATH, attributes);
  } finally {
    c.close(fd);
  }
}

function addPort(c: Libc, ruleset: number, right: bigint, port: number): void {
  const attributes = new BigUint64Array([right, BigInt(port)]);
  addRule(c, ruleset, NET_PORT, new Uint8Array(attributes.buffer));
}

function addRule(
  c: Libc,
  ruleset: number,
  kind: bigint,
  attributes: Uint8Array<ArrayBuffer>,
): void {
  const added = c.landlock_add_rule(ADD_RULE, BigInt(ruleset), kind, attributes, 0n);
  check(c, "landlock_add_rule", Number(added));
}
