/** Changes a metric as fast as it can, while somebody wants it to. */
import uwsgi from "uwsgi";

setInterval(() => {
  if (uwsgi.metric_get("app.wanted") === 0) return;
  uwsgi.metric_set("app.busy", 1);
  while (uwsgi.metric_get("app.wanted") === 1) {
    for (let i = 0; i < 1000; i++) uwsgi.metric_inc("app.subject");
  }
  uwsgi.metric_set("app.busy", 0);
}, 5);
