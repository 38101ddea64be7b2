/** Hello world in a worker. */
import uwsgi from "uwsgi";

uwsgi.serve(() => new Response("Hello, world!\n"));
