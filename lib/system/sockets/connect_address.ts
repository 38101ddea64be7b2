/**
 * Connects to an address that somebody listens on, as it is written in a configuration.
 *
 * @module
 */

import { type Address, formatAddress, parseAddress } from "./address.ts";

/** An address that can be called. */
export interface ConnectAddress {
  /** The address as it is written, complete. */
  readonly name: string;
  /** The host it is on; null: this one, whatever else is to be said. */
  readonly host: string | null;
  readonly connect: () => Promise<Deno.Conn>;
}

/**
 * Takes an address: `host:port`, `:port`, a path, or `@name`.
 *
 * @throws {SyntaxError} If it is none that somebody can connect to.
 */
export function parseConnectAddress(text: string): ConnectAddress {
  const address: Address = parseAddress(text);
  switch (address.kind) {
    case "tcp": {
      const { port } = address;
      if (port === 0) throw new SyntaxError("The address has no port");
      const host = address.host === "" ? "127.0.0.1" : address.host;
      const connect = () => Deno.connect({ hostname: host, port });
      return { name: formatAddress(address), host, connect };
    }
    case "unix":
    case "abstract": {
      const path = address.kind === "unix" ? address.path : `\0${address.name}`;
      const connect = () => Deno.connect({ transport: "unix", path });
      return { name: text, host: null, connect };
    }
    default:
      throw new SyntaxError("Nobody can connect to a descriptor");
  }
}
