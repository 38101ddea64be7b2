/** Hello world in a worker, with a library to load. */
import "fast-check";
import uwsgi from "uwsgi";

uwsgi.serve(() => new Response("Hello, world!\n"));
