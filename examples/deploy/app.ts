import uwsgi from "uwsgi";

uwsgi.serve((request) => {
  // Whoever asks this sends no clients before the answer is 200: check here what the app depends on.
  if (new URL(request.url).pathname === "/ready") return new Response("ready\n");
  return new Response(`Hello from worker ${uwsgi.worker_id()}\n`);
});
