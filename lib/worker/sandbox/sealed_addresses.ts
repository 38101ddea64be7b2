/**
 * Runs in the worker, where it is a sandbox. Asks for the addresses of sockets. See `sealed_files.ts` for how
 * it is written.
 *
 * @module
 */

import type { RetainedCalls } from "./sealed_files.ts";

/** Bytes of the longest `sockaddr`. */
export const ADDRESS_BYTES = 110;

/** Asks for addresses. */
export interface SealedAddresses {
  /** The address that was asked for last. */
  readonly address: Uint8Array<ArrayBuffer>;
  /** The length of the address that is in memory now; 0: there is none. */
  readonly addressOf: (call: RetainedCalls["getsockname"], fd: number) => number;
}

/** Makes the functions, with memory of their own. */
export function sealedAddresses(): SealedAddresses {
  const address = new Uint8Array(ADDRESS_BYTES);
  const size = new Uint8Array(4);
  return {
    address,
    addressOf: (call, fd) => {
      size[0] = ADDRESS_BYTES;
      size[1] = size[2] = size[3] = 0;
      return call(fd, address, size) === 0 ? size[0] ?? 0 : 0;
    },
  };
}
