/**
 * Runs in the worker. Which addresses belong to proxies that are believed (`forwarded-allow-ips`). Pure.
 *
 * @module
 */

/** Addresses with a common begin. */
interface Network {
  readonly bytes: readonly number[];
  readonly bits: number;
}

/** IPv4 addresses are looked at as IPv6 ones that stand for them. */
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255];

/** The sixteen bytes of an IPv6 address, or of one that stands for an IPv4 address; null: it is none. */
export function addressBytes(text: string): readonly number[] | null {
  const v4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (v4 !== null) {
    const bytes = v4.slice(1).map(Number);
    return bytes.every((byte) => byte <= 255) ? [...MAPPED, ...bytes] : null;
  }
  const written = text.includes(":") ? URL.parse(`http://[${text}]/`)?.hostname : undefined;
  if (written === undefined) return null;
  // A URL writes it in groups of hexadecimal digits, the longest run of zeros left out.
  const [left = [], right = []] = written.slice(1, -1).split("::").map((part) =>
    part === "" ? [] : part.split(":")
  );
  const zeros = Array<string>(8 - left.length - right.length).fill("0");
  return [...left, ...zeros, ...right].flatMap((group) => {
    const value = parseInt(group, 16);
    return [value >> 8, value & 255];
  });
}

/** A set of addresses. */
export class Networks {
  readonly #all: boolean;
  readonly #unix: boolean;
  readonly #networks: readonly Network[];

  /** Each entry is an address, `address/bits`, `unix` or `*`, as the option's kind has checked it. */
  constructor(entries: readonly string[]) {
    this.#all = entries.includes("*");
    this.#unix = entries.includes("unix");
    this.#networks = entries.flatMap((entry) => {
      const [address = "", bits] = entry.split("/");
      const bytes = addressBytes(address);
      if (bytes === null) return [];
      const skipped = address.includes(":") ? 0 : 8 * MAPPED.length;
      return [{ bytes, bits: bits === undefined ? 128 : skipped + Number(bits) }];
    });
  }

  /** True if the near end of a connection belongs to one of them. */
  hasPeer(address: Deno.Addr): boolean {
    if (this.#all) return true;
    if (address.transport !== "tcp") return this.#unix;
    return this.has(address.hostname);
  }

  /** True if an IP address is one of them. */
  has(address: string): boolean {
    if (this.#all) return true;
    const bytes = addressBytes(address);
    return bytes !== null && this.#networks.some((network) => covers(network, bytes));
  }
}

function covers({ bytes, bits }: Network, address: readonly number[]): boolean {
  return bytes.every((byte, i) => {
    const left = Math.min(8, Math.max(0, bits - 8 * i));
    const mask = 0xff00 >> left & 0xff;
    return ((byte ^ (address[i] ?? 0)) & mask) === 0;
  });
}
