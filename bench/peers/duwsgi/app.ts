/** The app as a worker of duwsgi. */
import uwsgi from "uwsgi";
import { handlerOf } from "../work/fetch.ts";

uwsgi.serve(handlerOf(uwsgi.worker_id()));
