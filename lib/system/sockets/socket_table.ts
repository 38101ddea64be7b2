/**
 * The kernel's tables of sockets (proc_net(5)): which sockets listen at an address. Pure.
 *
 * @module
 */

/** What listens: TCP at a numeric address, or a Unix socket by path, or by abstract name behind `@`. */
export type ListeningAddress =
  | { readonly host: string; readonly port: number }
  | { readonly path: string };

/** `TCP_LISTEN` in hexadecimal. */
const LISTEN = "0A";
/** `__SO_ACCEPTCON`, in the column of flags: the Unix socket listens. */
const ACCEPTS = 0x10000;

/**
 * The inodes of the TCP sockets that keep others from listening at an address: those at the same one, and,
 * where one of the two is every address, those with the same port.
 *
 * @param tables Texts of `/proc/net/tcp` and `/proc/net/tcp6`.
 */
export function tcpListeners(
  tables: readonly string[],
  { host, port }: { readonly host: string; readonly port: number },
): Set<string> {
  const wanted = canonical(host);
  const inodes = new Set<string>();
  for (const line of tables.flatMap((table) => table.split("\n"))) {
    const [, address = "", , state, , , , , , inode] = line.trim().split(/\s+/);
    const [hex = "", itsPort = ""] = address.split(":");
    if (state !== LISTEN || inode === undefined || Number.parseInt(itsPort, 16) !== port) continue;
    const its = hostOf(hex);
    if (its === wanted || isEvery(its) || isEvery(wanted)) inodes.add(inode);
  }
  return inodes;
}

/**
 * The inodes of Unix sockets that listen at a path, or by a name.
 *
 * @param table Text of `/proc/net/unix`.
 */
export function unixListeners(table: string, path: string): Set<string> {
  const inodes = new Set<string>();
  for (const line of table.split("\n")) {
    // Num RefCount Protocol Flags Type St Inode Path: a path may have spaces in it.
    const [, flags = "", inode = "", its] =
      /^\S+\s+\S+\s+\S+\s+([0-9A-F]+)\s+\S+\s+\S+\s+(\d+) (.*)$/.exec(line) ?? [];
    if (its === path && (Number.parseInt(flags, 16) & ACCEPTS) !== 0) inodes.add(inode);
  }
  return inodes;
}

function isEvery(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

/** The table's form: words of four bytes, each as a number of this machine, which is little-endian. */
function hostOf(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) =>
    (word.match(/../g) ?? []).reverse().map((byte) => Number.parseInt(byte, 16))
  );
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from(
    { length: 8 },
    (_, i) => (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  );
  return canonical(groups.join(":"));
}

/** One text for each address. */
function canonical(host: string): string {
  if (!host.includes(":")) return host;
  const [number = ""] = host.split("%");
  return URL.parse(`http://[${number}]/`)?.hostname.slice(1, -1) ?? host;
}
