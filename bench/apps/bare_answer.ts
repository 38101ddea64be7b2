/**
 * Answers on a Unix socket as the stats of a master are answered, and does nothing else: what it takes
 * longer than a moment is the time in which the kernel has given it no processor.
 *
 * @module
 */

const [path = "", bytes = "0"] = Deno.args;
const answer = new Uint8Array(Number(bytes)).fill(0x20);

for await (const connection of Deno.listen({ transport: "unix", path })) {
  const writer = connection.writable.getWriter();
  writer.write(answer).then(() => writer.close()).catch(() => {});
}
