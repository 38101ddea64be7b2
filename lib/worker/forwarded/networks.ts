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

/** An IP address. */
export interface IpAddress {
  /** Sixteen: those of an IPv6 address, or of one that stands for an IPv4 address. */
  readonly bytes: readonly number[];
  /** The one form of it (RFC 5952); an IPv6 address that stands for an IPv4 address is that one. */
  readonly text: string;
}

/** No address has more characters: six groups of IPv6 and an IPv4 address (INET6_ADDRSTRLEN). */
const LONGEST = 45;

/**
 * Reads an IP address without a port, brackets or zone. Only the result's text is to be used: what was
 * read may write the same address in many ways.
 *
 * @returns Null: it is none.
 */
export function readAddress(text: string): IpAddress | null {
  if (text.length > LONGEST) return null;
  const v4 = dottedBytes(text);
  if (v4 !== null) return { bytes: [...MAPPED, ...v4], text: v4.join(".") };
  // A URL leaves tabs and line ends out, and may end the host at other characters.
  if (!/^[\da-fA-F:.]+$/.test(text) || !text.includes(":")) return null;
  const written = URL.parse(`http://[${text}]/`)?.hostname;
  if (written === undefined) return null;
  const canonical = written.slice(1, -1);
  // A URL writes it in groups of hexadecimal digits, the longest run of zeros left out.
  const [left = [], right = []] = canonical.split("::").map((part) =>
    part === "" ? [] : part.split(":")
  );
  const zeros = Array<string>(8 - left.length - right.length).fill("0");
  const bytes = [...left, ...zeros, ...right].flatMap((group) => {
    const value = parseInt(group, 16);
    return [value >> 8, value & 255];
  });
  const isMapped = MAPPED.every((byte, i) => bytes[i] === byte);
  return { bytes, text: isMapped ? bytes.slice(MAPPED.length).join(".") : canonical };
}

/** The bytes of an IPv4 address; null: it is none. */
function dottedBytes(text: string): readonly number[] | null {
  const parts = text.split(".", 5);
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part))) return null;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : null;
}

/** The sixteen bytes of an IPv6 address, or of one that stands for an IPv4 address; null: it is none. */
export function addressBytes(text: string): readonly number[] | null {
  return readAddress(text)?.bytes ?? null;
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
