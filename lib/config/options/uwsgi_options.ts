/**
 * The options of uWSGI that duwsgi does not have, with what to do instead: most people who mistype
 * nothing come from there. The names are those of uWSGI 2.0.21, its bundled plugins and its Python
 * plugin, and what later versions added.
 *
 * @module
 */

/** How hints begin that say so: a configuration with such an option is as good without it. */
export const NOT_NEEDED = "not needed";

/** One hint, for the options named behind it. */
type Family = readonly [hint: string, names: string];

const FAMILIES: readonly Family[] = [
  [
    "use deno-worker-override = script.ts",
    `
      python-worker-override callable cgi eval file go-load jvm-class lua module mono-app
      mount paste pecan php-docroot psgi pump pypy-wsgi pypy-wsgi-file pyrun rack rails
      symcall web3 worker-exec worker-exec2 worker-mount wsgi wsgi-file wsgi-lite
    `,
  ],
  ["use http-socket, workers speak HTTP themselves", "http http-to httprouter"],
  ["use socket, the script decides what is spoken on it", "puwsgi-socket raw-socket"],
  ["use socket = @name", "abstract-socket"],
  [
    "use socket with the address itself, sockets are bound by the master and shared anyway",
    `
      map-socket shared-socket undeferred-shared-socket zerg zerg-fallback zerg-pool
      zerg-server zergpool
    `,
  ],
  [
    "use https-socket, workers speak HTTP themselves",
    "https https2 ssl-socket",
  ],
  [
    "not available, use https-socket, and redirect from http-socket in the script or a proxy",
    "http-to-https",
  ],
  ["not available, use uwsgi-socket, and let the proxy in front speak TLS", "suwsgi-socket"],
  ["not needed, each worker loads the script itself", "lazy lazy-apps"],
  ["not needed, a worker that cannot load the script is a failed start", "need-app"],
  ["not needed, workers leave by themselves when the master is gone", "no-orphans"],
  [
    "not needed, a worker is one event loop",
    `
      async asyncio enable-threads gevent greenlet loop offload-thread offload-threads
      single-interpreter thread-stack-size thread-stacksize threads threads-stack-size
      threads-stacksize tornado ugreen
    `,
  ],
  ["not needed, the kernel distributes connections between workers", "thunder-lock"],
  ["use cheaper-overload, the patience of cheaper-algo = spare", "cheaper-idle"],
  [
    "not needed, --help cheaper-algo names all algorithms",
    "cheaper-algo-list cheaper-algos-list cheaper-list",
  ],
  ["not needed, harakiri names the request in any case", "harakiri-verbose"],
  [
    "not needed, a worker is told to leave over its control pipe",
    "harakiri-graceful-signal",
  ],
  [
    "not needed, harakiri ends with the response",
    "harakiri-no-arh no-harakiri-after-req-hook no-harakiri-arh",
  ],
  ["remove it, harakiri looks at no queue", "harakiri-queue-threshold"],
  ["not needed, memory is looked at once per second", "mem-collector-freq"],
  ["use reload-on-rss", "reload-on-pss reload-on-uss"],
  ["use evil-reload-on-rss, Deno reserves address space that it never uses", "evil-reload-on-as"],
  [
    "use auto-reload",
    `
      py-auto-reload py-autoreload py-autoreload-on-idle python-auto-reload
      python-autoreload
    `,
  ],
  ["use mule = script.ts, once for each mule", "farm mules"],
  ["use cron2 with the key harakiri", "cron-harakiri"],
  ["use logger, workers write to it themselves", "worker-logger"],
  [
    "not needed, workers write to the log themselves",
    "log-master-stream log-master-req-stream",
  ],
  [
    "not available yet",
    `
      alarm cache cache2 check-interval early-envdir envdir exec-as-emperor exec-as-vassal
      exit-on-reload fallback-config forkbomb-delay hook-as-emperor hook-as-gateway
      hook-as-mule hook-as-vassal hook-emperor-lost hook-emperor-reload hook-emperor-start
      hook-emperor-stop hook-touch ienv legion queue rbtimer rpc-max sharedarea snmp spooler
      timer touch-signal unenv
    `,
  ],
  [
    "use uid and gid, master and workers drop privileges once the sockets are bound",
    `
      drop-after-apps drop-after-init immediate-gid immediate-uid master-as-root
    `,
  ],
  [
    "not available yet, let the service manager confine the process",
    `
      cap cgroup chroot jailed namespace ns pivot-root pivot_root unshare unshare2
    `,
  ],
  ["use chdir", "chdir2 force-cwd"],
  ["use worker-argv", "perl-args pyargv"],
  [
    "Deno finds dependencies by the deno.json and import map of the script",
    `
      home need-plugin need-plugins pp pyhome python-path pythonpath venv virtualenv
    `,
  ],
  ["not needed, there are no plugins", "autoload plugin plugin-dir plugins plugins-dir"],
  ["use an INI file", "config js json xml xmlconfig yaml yml"],
  [
    "answer such requests in the script",
    `
      add-header check-static error-page-403 error-page-404 error-page-500 route route-uri
      static-check static-index static-map static-map2
    `,
  ],
  ["the emperor is not available, run one instance per service", "emperor"],
  ["use --check", "no-server"],
  ["use --show-config", "dump-options"],
  [
    "not needed, a client that leaves ends nothing but its own response",
    `
      disable-write-exception ignore-sigpipe ignore-write-errors log-ioerror
      write-errors-exception-only write-errors-tolerance
    `,
  ],
  [
    "not needed, what workers start inherits no descriptor of the instance",
    `
      close-on-exec close-on-exec2
    `,
  ],
  [
    "not needed, it is about uWSGI's interpreter of Python",
    `
      early-py-import early-pyimport early-python early-python-import
      gevent-early-monkey-patch gevent-monkey-patch gevent-wait-for-hub no-site optimize
      py-call-osafterfork py-call-uwsgi-fork-hooks py-executable py-master-check-signals
      py-program-name py-programname py-tracebacker python-version skip-atexit
      skip-atexit-teardown start_response-nodelay wsgi-accept-buffer wsgi-accept-buffers
      wsgi-disable-file-wrapper wsgi-env-behavior wsgi-env-behaviour
      wsgi-manage-chunked-input wsgi-strict
    `,
  ],
  ["not needed, a script reads bodies as they come", "post-buffering post-buffering-bufsize"],
  ["not needed, a worker has one script", "max-apps no-default-app"],
  ["not needed, a worker is one event loop, which ends when it leaves", "no-threads-wait"],
  ["not needed, the C library is built as Deno is", "pcre-jit"],
  ["not needed, the master waits for the end of each process that it starts", "reaper"],
  [
    "not needed, hosts of carbon may be names, and dots in them become underscores",
    `
      carbon-hostname-dots carbon-name-resolve
    `,
  ],
  [
    "not needed, what a server did not take is sent with the next figures",
    `
      carbon-max-retry carbon-retry-delay
    `,
  ],
  ["not needed, metrics are among the figures in any case", "carbon-use-metrics"],
  [
    "not needed, workers speak HTTP themselves",
    `
      http-auto-chunked http-chunked-input http-manage-expect http-processes http-raw-body
      http-websockets http-workers
    `,
  ],
  ["use http-headers-timeout and http-body-timeout", "http-timeout"],
  ["use http-keepalive-timeout", "http-keepalive"],
  [
    "remove it, an error of a handler is answered with 500, and an uncaught one ends the worker, which is replaced",
    `
      reload-on-exception reload-on-exception-repr reload-on-exception-type
      reload-on-exception-value
    `,
  ],
  [
    "not available, let a proxy such as nginx distribute requests",
    `
      fastrouter rawrouter sslrouter sslrouter2
    `,
  ],
  [
    "",
    `
      add-cache-item after-request-call after-request-hook alarm-backlog alarm-cheap
      alarm-fd alarm-freq alarm-list alarm-listen-queue alarm-log alarm-lq alarm-metric
      alarm-msg-size alarm-segfault alarms-list allowed-modifiers auto-weight backlog-alarm
      backtrace-depth binary-append-data binary-path binsh blacklist body-read-warning
      brutal-reload-on-fd build-plugin cache-blocksize cache-expire-freq cache-no-expire
      cache-report-freed-items cache-store cache-store-sync cache-sync cache-udp-node
      cache-udp-server cache-use-last-modified call-as-emperor call-as-emperor1
      call-as-emperor2 call-as-emperor4 call-as-root call-as-user call-as-user-atexit
      call-as-vassal call-as-vassal1 call-as-vassal3 call-asap call-in-jail call-post-app
      call-post-jail call-pre-app call-pre-jail carbon-idle-avg carbon-no-workers
      catch-exceptions cflags cgi-allowed-ext cgi-async-max-attempts cgi-buffer-size
      cgi-close-stdin-on-eof cgi-do-not-kill-on-error cgi-from-docroot cgi-helper cgi-index
      cgi-loadlib cgi-map-helper cgi-mode cgi-optimize cgi-optimized cgi-path-info cgi-safe
      cgi-timeout cgi-unset cgroup-dir-mode cgroup-opt check-cache check-mount
      check-mountpoint check-static-docroot chunked-input-limit chunked-input-timeout clock
      clock-list clocks-list collect-header command-mode config-py connect-and-read
      cron-legion daemons-honour-stdin declare-option declare-option2 del-header
      disable-sendfile dlopen dot-h early-emperor early-python-path early-pythonpath
      emperor-broodlord emperor-cap emperor-curse-tolerance emperor-extra-ext
      emperor-extra-extension emperor-freq emperor-graceful-shutdown emperor-magic-exec
      emperor-max-throttle emperor-no-blacklist emperor-nofollow emperor-on-demand-dir
      emperor-on-demand-directory emperor-on-demand-exec emperor-on-demand-ext
      emperor-on-demand-extension emperor-pidfile emperor-procname emperor-proxy-socket
      emperor-required-heartbeat emperor-stats emperor-stats-server emperor-throttle
      emperor-tyrant emperor-tyrant-nofollow emperor-use-clone emperor-wrapper
      emperor-wrapper-fallback emperor-wrapper-override end-blacklist end-whitelist
      error-route error-route-host error-route-if error-route-if-not error-route-label
      error-route-qs error-route-referer error-route-remote-addr error-route-remote-user
      error-route-run error-route-status error-route-uri error-route-user-agent
      exception-handler executable exit extract fastcgi-modifier1 fastcgi-modifier2
      fastcgi-nph-socket fastcgi-socket fastrouter-buffer-size fastrouter-cheap
      fastrouter-events fastrouter-fallback fastrouter-fallback-on-no-key fastrouter-gid
      fastrouter-gracetime fastrouter-harakiri fastrouter-post-buffering
      fastrouter-post-buffering-dir fastrouter-processes fastrouter-quiet
      fastrouter-resubscribe fastrouter-resubscribe-bind fastrouter-ss fastrouter-stats
      fastrouter-stats-server fastrouter-subscription-fallback-key
      fastrouter-subscription-server fastrouter-subscription-slot fastrouter-timeout
      fastrouter-to fastrouter-uid fastrouter-use-base fastrouter-use-cache
      fastrouter-use-code-string fastrouter-use-pattern fastrouter-use-socket
      fastrouter-workers fastrouter-zerg fd-safe file-serve-mode file-write fileserve-mode
      final-route final-route-host final-route-if final-route-if-not final-route-label
      final-route-qs final-route-referer final-route-remote-addr final-route-remote-user
      final-route-run final-route-status final-route-uri final-route-user-agent flock
      flock-wait flock-wait2 flock2 force-gateway forkpty-router forkpty-router-cmd
      forkpty-router-command forkpty-urouter forkptyrouter forkptyrouter-cheap
      forkptyrouter-cmd forkptyrouter-cols forkptyrouter-command forkptyrouter-events
      forkptyrouter-fallback forkptyrouter-harakiri forkptyrouter-processes
      forkptyrouter-rows forkptyrouter-ss forkptyrouter-stats forkptyrouter-stats-server
      forkptyrouter-timeout forkptyrouter-workers forkptyrouter-zerg forkptyurouter freebind
      fs-signal ftok get heartbeat honour-range honour-stdin http-auto-gzip http-buffer-size
      http-cheap http-connect-timeout http-enable-proxy-protocol http-events http-fallback
      http-gid http-gracetime http-harakiri http-manage-rtsp http-manage-source
      http-modifier1 http-modifier2 http-quiet http-resubscribe
      http-server-name-as-http-host http-socket-modifier1 http-socket-modifier2 http-ss
      http-stats http-stats-server http-stud-prefix http-subscription-fallback-key
      http-subscription-server http-uid http-use-base http-use-cache http-use-code-string
      http-use-pattern http-use-socket http-var http-zerg https-export-cert
      https-session-context https-socket-modifier1 https-socket-modifier2 ignore-script-name
      imperial-monitor-list imperial-monitors-list import ini-paste ini-paste-logged
      inject-after inject-before iprint jvm-classpath ksm legion-attach-daemon legion-cron
      legion-death legion-death-on-lord-error legion-freq legion-join legion-lord
      legion-mcast legion-node legion-node-joined legion-node-left legion-quorum
      legion-scroll legion-scroll-list-max-size legion-scroll-max-size legion-setup
      legion-skew-tolerance legion-smart-attach-daemon legion-smart-attach-daemon2
      legion-tolerance legion-unlord limit-post listen-queue-alarm load-file-in-cache
      load-file-in-cache-gzip lock-engine locks log-alarm log-format-strftime log-prefix
      log-sendfile log-zeromq logformat-strftime logger-list loggers-list loop-list
      loops-list lq-alarm manage-script-name max-vars mime-file mimefile mode
      mount-as-emperor mount-as-root mount-as-vassal mount-asap mount-check mount-in-jail
      mount-post-jail mount-pre-jail mountpoint-check mule-harakiri mule-msg-size multicast
      multicast-loop multicast-ttl nagios namespace-keep-mount namespace-net never-swap
      no-defer-accept no-fd-passing not-alarm-log not-log-alarm notfound-log notify-socket
      ns-net pam pam-user paste-logger perl perl-exec persistent-ipcsem php-ini ping
      ping-timeout plugin-list plugins-list post-pymodule-alias print print-sym print-symbol
      privileged-binary-patch privileged-binary-patch-arg profiler propagate-touch
      pty-connect pty-exec pty-input pty-log pty-no-isig pty-socket pty-uconnect pull-header
      py py-auto-reload-ignore py-import py-sharedarea pyimport pymodule-alias pypy-home
      pypy-lib pyshell pyshell-oneshot python python-import python-raw queue-blocksize
      queue-store queue-store-sync raw-modifier1 raw-modifier2 rawrouter-buffer-size
      rawrouter-cheap rawrouter-events rawrouter-fallback rawrouter-gracetime
      rawrouter-harakiri rawrouter-max-retries rawrouter-processes rawrouter-quiet
      rawrouter-ss rawrouter-stats rawrouter-stats-server rawrouter-subscription-server
      rawrouter-subscription-slot rawrouter-timeout rawrouter-to rawrouter-use-base
      rawrouter-use-cache rawrouter-use-code-string rawrouter-use-pattern
      rawrouter-use-socket rawrouter-workers rawrouter-xclient rawrouter-zerg rbrequire
      re-fork re-fork-as-root re-fork-post-jail refork refork-as-root refork-post-jail
      reload-on-fd reload-os-env rem-header remap-modifier resolve response-header-collect
      response-headers-limit response-route response-route-host response-route-if
      response-route-if-not response-route-label response-route-qs response-route-referer
      response-route-remote-addr response-route-remote-user response-route-run
      response-route-status response-route-uri response-route-user-agent route-host route-if
      route-if-not route-label route-qs route-referer route-remote-addr route-remote-user
      route-run route-user-agent router-list routers-list rrdtool rrdtool-freq rrdtool-lib
      rsyslog-packet-size rsyslog-split-messages rvm-path safe-fd scgi-modifier1
      scgi-modifier2 scgi-nph-socket scgi-socket segfault-alarm setns setns-preopen
      setns-skip setns-socket setns-socket-skip shared-import shared-py-import
      shared-pyimport shared-python-import shutdown-sockets signal signal-bufsize
      signal-rbtimer signal-timer signals-bufsize skip-zero sni sni-dir sni-dir-ciphers
      sni-regexp snmp-community so-send-timeout so-write-timeout socket-rcvbuf
      socket-send-timeout socket-sndbuf socket-write-timeout spooler-chdir spooler-external
      spooler-freq spooler-frequency spooler-harakiri spooler-import spooler-max-tasks
      spooler-ordered spooler-processes spooler-py-import spooler-pyimport
      spooler-python-import spooler-quiet ssl-enable-sslv3 ssl-enable-tlsv1 ssl-enable3
      ssl-option ssl-tmp-dir ssl-verbose ssl-verify-depth sslrouter-buffer-size
      sslrouter-cheap sslrouter-events sslrouter-fallback sslrouter-gracetime
      sslrouter-harakiri sslrouter-max-retries sslrouter-processes sslrouter-quiet
      sslrouter-session-context sslrouter-sni sslrouter-ss sslrouter-stats
      sslrouter-stats-server sslrouter-subscription-server sslrouter-timeout sslrouter-to
      sslrouter-use-base sslrouter-use-cache sslrouter-use-code-string sslrouter-use-pattern
      sslrouter-use-socket sslrouter-workers sslrouter-zerg st start-unsubscribed
      static-cache-paths static-cache-paths-name static-expires static-expires-mtime
      static-expires-path-info static-expires-path-info-mtime static-expires-type
      static-expires-type-mtime static-expires-uri static-expires-uri-mtime static-gzip
      static-gzip-all static-gzip-dir static-gzip-ext static-gzip-prefix static-gzip-suffix
      static-safe static-skip-ext subscribe subscribe-freq subscribe-to
      subscribe-with-modifier1 subscribe2 subscription-algo subscription-dotsplit
      subscription-notify-socket subscription-tolerance subscriptions-credentials-check
      subscriptions-sign-check subscriptions-sign-check-tolerance
      subscriptions-sign-skip-uid subscriptions-use-credentials symcall-post-fork
      symcall-register-rpc symcall-use-next tcp-fast-open tcp-fast-open-client tcp-fastopen
      tcp-fastopen-client tcp-nodelay test touch-spoolers-reload tuntap-device
      tuntap-device-rule tuntap-router tuntap-router-firewall-in tuntap-router-firewall-out
      tuntap-router-route tuntap-router-stats tuntap-use-credentials udp ugreen-stacksize
      umount-as-emperor umount-as-root umount-as-vassal umount-asap umount-in-jail
      umount-post-jail umount-pre-jail unique-cron-legion unique-legion-cron
      unprivileged-binary-patch unprivileged-binary-patch-arg unsubscribe-on-graceful-reload
      upload-progress use-abort vassal-cap vassal-set vassal-sos vassal-sos-backlog
      vassals-cap vassals-include vassals-include-before vassals-inherit
      vassals-inherit-before vassals-set vassals-start-hook vassals-stop-hook vhost
      vhost-host wait-for-dir wait-for-file wait-for-fs wait-for-fs-timeout wait-for-iface
      wait-for-iface-timeout wait-for-interface wait-for-interface-timeout
      wait-for-mountpoint wait-for-socket wait-for-socket-timeout wait-iface
      wait-iface-timeout wait-interface wait-interface-timeout webdav-add-collection-prop
      webdav-add-collection-prop-comp webdav-add-collection-prop-href webdav-add-object-prop
      webdav-add-object-prop-comp webdav-add-object-prop-href webdav-add-option
      webdav-add-prop webdav-add-prop-comp webdav-add-prop-href
      webdav-add-rtype-collection-prop webdav-add-rtype-object-prop webdav-add-rtype-prop
      webdav-class-directory webdav-css webdav-div webdav-javascript webdav-js
      webdav-lock-cache webdav-mount webdav-principal-base webdav-skip-prop
      websocket-max-size websocket-ping-freq websocket-pong-tolerance websockets-max-size
      websockets-ping-freq websockets-pong-tolerance weight whitelist zabbix-template
    `,
  ],
];

/** What is said of whole plugins, where an option has no hint of its own. */
const PLUGINS: readonly Family[] = [
  ["the emperor is not available, run one instance per service", "emperor- vassal"],
  [
    "not available, let a proxy such as nginx distribute requests",
    "fastrouter- rawrouter- sslrouter- http-subscription-",
  ],
  ["not available yet", "alarm- cache- legion- spooler-"],
];

function pluginHint(name: string): string {
  const [hint = ""] =
    PLUGINS.find(([, starts]) => starts.split(" ").some((start) => name.startsWith(start))) ?? [];
  return hint;
}

let options: ReadonlyMap<string, string> | null = null;

/**
 * From the name of a uWSGI option to what to do instead; empty: there is nothing to say. Only a mistake
 * asks for it, so it is made when the first one does.
 */
export function uwsgiOptions(): ReadonlyMap<string, string> {
  options ??= new Map(
    FAMILIES.flatMap(([hint, names]) =>
      names.trim().split(/\s+/).map((name) => [name, hint || pluginHint(name)] as const)
    ),
  );
  return options;
}

/** From uWSGI's letters to the names of its options, as far as duwsgi lacks them. */
export const UWSGI_LETTERS: ReadonlyMap<string, string> = new Map([
  ["x", "xmlconfig"],
  ["v", "max-vars"],
  ["c", "cgi-mode"],
  ["a", "abstract-socket"],
  ["T", "enable-threads"],
  ["i", "single-interpreter"],
  ["r", "reaper"],
  ["A", "sharedarea"],
  ["Q", "spooler"],
  ["y", "yaml"],
  ["j", "json"],
  ["H", "virtualenv"],
  ["w", "module"],
]);
