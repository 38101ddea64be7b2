/** Hello world for `deno serve`. */
export default {
  fetch: (): Response => new Response("Hello, world!\n"),
};
