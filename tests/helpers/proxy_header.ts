/**
 * Headers of the PROXY protocol, as proxies write them.
 *
 * @module
 */

/** Version 2: command, family, and what follows. */
export function binaryHeader(
  command: number,
  family: number,
  rest: readonly number[],
): Uint8Array<ArrayBuffer> {
  const signature = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10];
  return Uint8Array.from([
    ...signature,
    command,
    family,
    rest.length >> 8,
    rest.length & 255,
    ...rest,
  ]);
}

/** Version 1. */
export function lineHeader(client: string, port: number): string {
  return `PROXY TCP4 ${client} 127.0.0.1 ${port} 80\r\n`;
}
