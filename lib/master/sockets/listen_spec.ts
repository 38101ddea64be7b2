/**
 * Addresses to listen at, as the configuration asks for them.
 *
 * @module
 */

import type { Address } from "../../system/sockets/address.ts";
import type { SocketSpec } from "../../config/origin.ts";

/** A configured address. */
export type ListenSpec = Omit<SocketSpec, "option"> & {
  /** The option that asked for it. */
  readonly option: string;
};

/** A socket that is to be there: what asks for it, and the address it is opened at. */
export interface WantedSocket {
  readonly spec: ListenSpec;
  readonly address: Address;
}
