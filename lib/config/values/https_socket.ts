/**
 * What `https-socket` and `https-socket2` say: an address, and the files of a certificate and its key.
 *
 * @module
 */

import { keyValues } from "./key_values.ts";
import type { CertificateFiles, OptionLine } from "../origin.ts";

/** One TLS socket. */
export interface HttpsSocket {
  /** The address as written. */
  readonly text: string;
  readonly tls: CertificateFiles;
}

const KEYS = {
  addr: "addr",
  cert: "cert",
  crt: "cert",
  key: "key",
  ciphers: "ciphers",
  clientca: "clientca",
  client_ca: "clientca",
} as const;

/**
 * Reads the value of one of them.
 *
 * @throws {SyntaxError} If something is missing or cannot be had; the message continues a sentence.
 */
export function parseHttpsSocket({ option, text: value }: OptionLine): HttpsSocket {
  const values = option === "https-socket2" ? keyValues(value, KEYS) : inOrder(value);
  const need = (key: "addr" | "cert" | "key", what: string): string => {
    const found = values.get(key)?.trim() ?? "";
    if (found !== "") return found;
    throw new SyntaxError(`has no ${what}: write ${FORMS[option] ?? ""}`);
  };
  const text = need("addr", "address");
  const tls = { certificate: need("cert", "certificate"), key: need("key", "key") };
  refuse(values.has("ciphers"), "a list of ciphers", "Deno chooses them");
  refuse(values.has("clientca"), "certificates of clients", "Deno does not ask for them");
  return { text, tls };
}

const FORMS: Readonly<Record<string, string>> = {
  "https-socket": "https-socket = ADDRESS,CERTIFICATE,KEY",
  "https-socket2": "https-socket2 = addr=ADDRESS,cert=CERTIFICATE,key=KEY",
};

const ORDER = ["addr", "cert", "key", "ciphers", "clientca"] as const;

function inOrder(value: string): ReadonlyMap<typeof ORDER[number], string> {
  const parts = value.split(",");
  if (parts.length > ORDER.length) {
    throw new SyntaxError(
      "has too many commas: use https-socket2 for paths with commas, and write them as \\,",
    );
  }
  const given = ORDER.flatMap((key, at) => {
    const part = parts[at];
    return part === undefined || part.trim() === "" ? [] : [[key, part] as const];
  });
  return new Map(given);
}

function refuse(wanted: boolean, what: string, why: string): void {
  if (!wanted) return;
  throw new SyntaxError(`asks for ${what}: ${why}, so remove it or put a proxy in front`);
}
