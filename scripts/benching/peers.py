"""The programs that are compared, each with one worker if not said otherwise: how they are configured and started.

Each is given its folder, its port and the origin's port, writes its files there, and returns its command and environment.
"""
import dataclasses
import pathlib
import shutil
import typing

IDLE = 300  # seconds: no connection ends while something is measured


def floor(_folder, port, origin, size, common, _workers):
    if size == 0:
        return [str(common / "relay_floor"), str(port), str(origin)], {}
    return [str(common / "floor"), str(port), str(size)], {}


def freshet(folder, port, origin, _size, common, workers):
    (folder / "freshet.yaml").write_text(f"""
listeners: [{{bind: "127.0.0.1:{port}", routes: [{{upstream: origin}}]}}]
upstreams: {{origin: {{servers: ["http://127.0.0.1:{origin}"]}}}}
cache: {{max_size: 4GiB}}
admin: off
access_log: off
workers: {workers}
timeouts: {{client_idle: {IDLE}s}}
""")
    return [str(common / "freshet"), "run", "-c", f"{folder}/freshet.yaml"], {}


def nginx(folder, port, origin, _size, _common, workers):
    (folder / "nginx.conf").write_text(f"""
worker_processes {workers}; daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_rlimit_nofile 20000;
events {{ worker_connections 12000; multi_accept on; }}
http {{
  access_log off; sendfile on; keepalive_requests 100000000; keepalive_timeout {IDLE};
  proxy_buffer_size 16k; proxy_buffers 16 16k;
  client_body_temp_path {folder}/b; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; proxy_temp_path {folder}/p;
  open_file_cache max=8000 inactive=600s; open_file_cache_valid 600s;
  proxy_cache_path {folder}/shm levels=1:2 keys_zone=c:256m max_size=8g inactive=1h use_temp_path=off;
  upstream origin {{ server 127.0.0.1:{origin}; keepalive 256; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_cache c; proxy_cache_lock off; }}
  }}
}}
""")
    return ["nginx", "-c", f"{folder}/nginx.conf"], {}


def haproxy(folder, port, origin, _size, _common, workers):
    (folder / "haproxy.cfg").write_text(f"""
global
  maxconn 9000
  nbthread {workers}
  tune.bufsize 131072
defaults
  mode http
  timeout client {IDLE}s
  timeout server {IDLE}s
  timeout connect 5s
  timeout http-keep-alive {IDLE}s
  option http-keep-alive
  http-reuse always
cache c
  total-max-size 2048
  max-object-size 1100000
  max-age 3600
frontend f
  bind 127.0.0.1:{port}
  default_backend b
backend b
  http-request cache-use c
  http-response cache-store c
  server o 127.0.0.1:{origin} pool-max-conn 256
""")
    return ["haproxy", "-db", "-f", f"{folder}/haproxy.cfg"], {}


def varnish(folder, port, origin, _size, _common, _workers):
    (folder / "default.vcl").write_text(
        f'vcl 4.1;\nbackend default {{ .host = "127.0.0.1"; .port = "{origin}"; }}\nsub vcl_recv {{ unset req.http.cookie; }}\n')
    parameters = {"thread_pools": 1, "thread_pool_min": 100, "thread_pool_max": 2000, "timeout_idle": IDLE}
    return ["varnishd", "-F", "-n", f"{folder}/n", "-a", f"127.0.0.1:{port}", "-f", f"{folder}/default.vcl", "-s", "malloc,4g", "-j", "none",
            *(word for name, value in parameters.items() for word in ("-p", f"{name}={value}"))], {}


def squid(folder, port, origin, _size, _common, _workers):
    (folder / "squid.conf").write_text(f"""
http_port 127.0.0.1:{port} accel defaultsite=127.0.0.1 no-vhost
cache_peer 127.0.0.1 parent {origin} 0 no-query originserver name=o no-digest
http_access allow all
cache_mem 4 GB
maximum_object_size_in_memory 2 MB
access_log none
cache_log {folder}/cache.log
cache_store_log none
pid_filename {folder}/pid
coredump_dir {folder}
client_persistent_connections on
server_persistent_connections on
client_idle_pconn_timeout {IDLE} seconds
shutdown_lifetime 0 seconds
cache_effective_user proxy
workers 1
""")
    return ["squid", "-N", "-n", f"bench{port}", "-f", f"{folder}/squid.conf"], {}


ATS_SETTINGS = {
    "exec_thread.autoconfig INT": 0, "exec_thread.limit INT": 1, "accept_threads INT": 0, "task_threads INT": 1, "cache.threads_per_disk INT": 1,
    "url_remap.remap_required INT": 1, "url_remap.pristine_host_hdr INT": 1, "log.logging_enabled INT": 0, "admin.user_id STRING": "trafficserver",
    "cache.ram_cache.size INT": 2 << 30, "cache.ram_cache_cutoff INT": 8 << 20, "http.cache.required_headers INT": 1,
    "http.keep_alive_no_activity_timeout_in INT": IDLE, "net.connections_throttle INT": 16000, "http.insert_response_via_str INT": 0,
}


def trafficserver(folder, port, origin, _size, _common, _workers):
    etc = folder / "etc"
    shutil.copytree("/etc/trafficserver", etc, dirs_exist_ok=True)
    places = {"prefix": folder, "exec_prefix": "/usr", "bindir": "/usr/bin", "sbindir": "/usr/sbin", "sysconfdir": etc, "datadir": "/usr/share",
              "localstatedir": folder / "var", "runtimedir": folder / "var/run", "logdir": folder / "var/log", "cachedir": folder / "var/cache",
              "libdir": "/usr/lib", "libexecdir": "/usr/lib/trafficserver/modules", "includedir": "/usr/include", "mandir": "/usr/share/man",
              "infodir": "/usr/share/info"}
    for name in ("runtimedir", "logdir", "cachedir"):
        places[name].mkdir(parents=True, exist_ok=True)
    settings = {"http.server_ports STRING": f"{port}:ip-in=127.0.0.1", **ATS_SETTINGS}
    (etc / "records.config").write_text("".join(f"CONFIG proxy.config.{name} {value}\n" for name, value in settings.items()))
    (etc / "remap.config").write_text(f"map / http://127.0.0.1:{origin}/\n")
    (etc / "storage.config").write_text(f"{folder}/shm 1G\n")
    (folder / "runroot.yaml").write_text("".join(f"{name}: {place}\n" for name, place in places.items()))
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o777)
    return ["traffic_server", f"--run-root={folder}/runroot.yaml"], {}


def apache2(folder, port, origin, _size, _common, _workers):
    modules = ["mpm_event", "authz_core", "proxy", "proxy_http", "cache", "cache_disk"]
    (folder / "apache.conf").write_text("".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in modules) + f"""
ServerRoot {folder}
ServerName localhost
PidFile {folder}/pid
Listen 127.0.0.1:{port}
Mutex posixsem
User www-data
Group www-data
ErrorLog {folder}/error.log
ThreadsPerChild 128
ThreadLimit 128
ServerLimit 8
MaxRequestWorkers 1024
AsyncRequestWorkerFactor 8
MaxKeepAliveRequests 0
KeepAliveTimeout {IDLE}
CacheRoot {folder}/shm
CacheEnable disk /
ProxyPass / http://127.0.0.1:{origin}/ keepalive=On
""")
    return ["apache2", "-f", f"{folder}/apache.conf", "-DFOREGROUND"], {"APACHE_RUN_DIR": str(folder)}


@dataclasses.dataclass(frozen=True)
class Peer:
    about: str
    command: typing.Callable
    package: str = ""  # Debian's
    widens: bool = False  # can be measured with two workers
    grows: bool = False  # with each object that it stores: neither in files nor in memory set aside at the start


ALL = {
    "floor": Peer("answers, or passes on, without reading the request", floor),
    "freshet": Peer("this", freshet, widens=True, grows=True),
    "apart": Peer("this, as two processes of one worker each, where others have two workers", freshet),
    "nginx": Peer("proxy_cache, in memory (tmpfs)", nginx, "nginx", widens=True),
    "haproxy": Peer("its small-object cache", haproxy, "haproxy", widens=True),
    "varnish": Peer("malloc storage", varnish, "varnish", grows=True),
    "squid": Peer("cache_mem alone", squid, "squid", grows=True),
    "trafficserver": Peer("RAM cache before a cache in tmpfs", trafficserver, "trafficserver"),
    "apache2": Peer("mod_cache_disk, in memory (tmpfs)", apache2, "apache2"),
}


def prepare(name, folder, port, origin, size, common, workers=1):
    """Command and environment. `folder`/shm leads to a folder in memory, for those that only cache in files."""
    folder, common = pathlib.Path(folder), pathlib.Path(common)
    return ALL[name].command(folder, port, origin, size, common, workers)
