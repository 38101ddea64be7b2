/**
 * What the stats server of uWSGI 2.0.21 sends, as far as it says more than that there is nothing.
 *
 * @module
 */

/** The document of an instance with two slots: one worker is at work, the other one is gone. */
export function uwsgiDocument(requests = 10): unknown {
  const worker = {
    accepting: 1,
    requests,
    delta_requests: requests,
    exceptions: 0,
    harakiri_count: 0,
    signals: 0,
    signal_queue: 0,
    rss: 11_890_688,
    vsz: 144_326_656,
    running_time: 505_810,
    last_spawn: 1_795_459_032,
    respawn_count: 1,
    tx: 4096,
    avg_rt: 50_581,
    apps: [],
  };
  const core = {
    id: 0,
    requests,
    static_requests: 0,
    routed_requests: 0,
    offloaded_requests: 0,
    write_errors: 0,
    read_errors: 0,
    in_request: 1,
    vars: ["REQUEST_METHOD=GET", ""],
    req_info: { request_start: 1_795_459_040 },
  };
  return {
    version: "2.0.21-debian",
    listen_queue: 0,
    listen_queue_errors: 0,
    signal_queue: 0,
    load: 0,
    pid: 27358,
    uid: 0,
    gid: 0,
    cwd: "/srv/demo",
    locks: [{ "user 0": 0 }],
    sockets: [
      {
        name: "127.0.0.1:7301",
        proto: "uwsgi",
        queue: 0,
        max_queue: 100,
        shared: 0,
        can_offload: 0,
      },
    ],
    workers: [
      { id: 1, pid: 27360, status: "busy", ...worker, cores: [core] },
      {
        ...{ id: 2, pid: 0, status: "idle", ...worker },
        ...{ requests: 0, tx: 0, avg_rt: 0, cores: [{ ...core, in_request: 0 }] },
      },
    ],
  };
}
