/** An Oak app on a port of its own. */
import { Application, Router } from "@oakserver/oak";

const router = new Router();
router.get("/", ({ response }) => {
  response.body = { pid: Deno.pid };
});

const app = new Application();
app.use(router.routes());
await app.listen({ port: 8000 });
