/** A Koa app on a port of its own. */
// @ts-types="npm:@types/koa@3.0.3"
import Koa from "koa";
import process from "node:process";

const app = new Koa();
app.use((context) => {
  context.body = { pid: process.pid };
});
app.listen(3000);
