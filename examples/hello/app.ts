import uwsgi from "uwsgi";

uwsgi.serve(() => new Response(`Hello from worker ${uwsgi.worker_id()}\n`));
