/**
 * Answers with what one `uwsgi.log()` takes, and what write(2) alone takes for the same line: the mean of
 * many, in microseconds.
 */
import uwsgi from "uwsgi";

const LINES = 50_000;

const { write } = Deno.dlopen("libc.so.6", {
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
}).symbols;
const open = Deno.dlopen("libc.so.6", {
  open: { parameters: ["buffer", "i32", "i32"], result: "i32" },
}).symbols.open;

const WRITE_ONLY_CREATE_APPEND = 0o2101;
const encoder = new TextEncoder();
const fd = open(encoder.encode("bare.txt\0"), WRITE_ONLY_CREATE_APPEND, 0o600);

function microseconds(act: (i: number) => void): number {
  const since = performance.now();
  for (let i = 0; i < LINES; i++) act(i);
  return (performance.now() - since) * 1000 / LINES;
}

uwsgi.serve(() => {
  const log = microseconds((i) => uwsgi.log(`a line of the log with number ${i} and some words`));
  const line = encoder.encode("a line of the log with number 12345 and some words\n");
  const length = BigInt(line.length);
  const bare = microseconds(() => void write(fd, line, length));
  return Response.json({ log, bare });
});
