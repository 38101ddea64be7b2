/** Hello world in a process of its own, which prints its address, with a library to load. */
import "fast-check";

Deno.serve({ hostname: "127.0.0.1", port: 0 }, () => new Response("Hello, world!\n"));
