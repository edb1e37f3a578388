"""The origin that all proxies stand before: nginx. /hN/SIZE may be stored for an hour, /mN/SIZE may not; SIZE is 1k or 100k."""
import pathlib
import re
import urllib.request

from processes import Running, free_port

PACKAGES = ["nginx"]
SIZES = {"1k": 1024, "100k": 102400}
CONFIGURATION = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_rlimit_nofile 20000;
events {{ worker_connections 12000; }}
http {{
  access_log off; sendfile on; keepalive_requests 100000000; keepalive_timeout 300; default_type text/plain;
  open_file_cache max=100 inactive=600s;
  client_body_temp_path {folder}/b; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; proxy_temp_path {folder}/p;
  server {{
    listen 127.0.0.1:{port} backlog=4096; root {folder}/files;
    location = /count {{ stub_status; }}
    location ~ ^/h[^/]*/(?<name>.*)$ {{ add_header Cache-Control "public, max-age=3600"; try_files /$name =404; }}
    location ~ ^/m[^/]*/(?<name>.*)$ {{ add_header Cache-Control "no-store"; try_files /$name =404; }}
  }}
}}
"""


class Origin(Running):
    def __init__(self, cpu, folder):
        folder = pathlib.Path(folder)
        (folder / "files").mkdir(parents=True)
        for name, size in SIZES.items():
            (folder / "files" / name).write_bytes(b"x" * size)
        port = free_port()
        (folder / "nginx.conf").write_text(CONFIGURATION.format(folder=folder, port=port))
        super().__init__(["nginx", "-c", f"{folder}/nginx.conf"], cpu, port, folder / "said")

    def requests(self):
        """How many it has had."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/count", timeout=10) as answer:
            return parse_count(answer.read().decode())


def parse_count(text):
    """The third figure of nginx's status page: accepted, handled, requests."""
    return int(re.search(r"^ *\d+ +\d+ +(\d+) *$", text, re.MULTILINE).group(1))
