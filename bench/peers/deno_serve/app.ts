/** The app for `deno serve`. */
import { handlerOf } from "../work/fetch.ts";

export default { fetch: handlerOf(1) };
