/** An h3 app on its own server. */
import { H3, serve } from "h3";

const app = new H3().get("/", () => ({ pid: Deno.pid }));

serve(app, { port: 3000 });
