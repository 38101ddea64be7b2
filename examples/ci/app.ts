import uwsgi from "uwsgi";

const { worker_id } = uwsgi;

uwsgi.serve((request) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/") return new Response(`Hello from worker ${worker_id()}\n`);
  if (pathname === "/health") return new Response("ok\n");
  return new Response("Not found\n", { status: 404 });
});
