"""The load generator, wrk: processes of one thread each, on the processor that the proxies do not have, or on all."""
import re
import subprocess

from processes import Failed

UNITS = {"us": 1, "ms": 1e3, "s": 1e6, "m": 60e6}
FIGURES = {
    "requests": re.compile(r"(\d+) requests in"),
    "per_second": re.compile(r"Requests/sec:\s+([\d.]+)"),
}

BROWSER = "".join(f'wrk.headers["{name}"] = "{value}"\n' for name, value in [
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"),
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8"),
    ("Accept-Language", "en-GB,en;q=0.5"), ("Sec-Fetch-Dest", "document"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Site", "none"),
    ("Upgrade-Insecure-Requests", "1"), ("Priority", "u=0, i")])

# 100 000 objects, the n-th asked for 1 / n^0.9 as often as the first; the 60 000 requests repeat.
ZIPF = """
local objects, requests, next = 100000, {}, 0
init = function(args)
  math.randomseed(7)
  local sums, sum = {}, 0
  for n = 1, objects do sum = sum + 1 / n ^ 0.9; sums[n] = sum end
  for k = 1, 60000 do
    local at, low, high = math.random() * sum, 1, objects
    while low < high do
      local middle = math.floor((low + high) / 2)
      if sums[middle] < at then low = middle + 1 else high = middle end
    end
    requests[k] = wrk.format("GET", "/h" .. low .. "/1k")
  end
end
request = function() next = next % #requests + 1; return requests[next] end
"""
SCRIPTS = {"browser": BROWSER, "zipf": ZIPF}


def parse(said):
    """What wrk has measured. `bad`: answers other than 2xx and 3xx, and broken connections."""
    found = {}
    for name, pattern in FIGURES.items():
        match = pattern.search(said)
        if not match:
            raise Failed(f"wrk has measured nothing: {said[-300:].strip()}")
        found[name] = float(match.group(1))
    slowest = re.search(r"99%\s+([\d.]+)(us|ms|s|m)\b", said)
    found["p99_us"] = float(slowest.group(1)) * UNITS[slowest.group(2)] if slowest else 0.0
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    found["bad"] = (int(bad.group(1)) if bad else 0) + (sum(map(int, broken.groups())) if broken else 0)
    if not found["requests"]:
        raise Failed("no request was answered")
    return found


def add_up(parts):
    """What several have measured at the same time."""
    whole = {name: sum(part[name] for part in parts) for name in parts[0]}
    whole["p99_us"] = max(part["p99_us"] for part in parts)
    return whole


def run(scenario, ports, seconds, cpus, folder):
    """On each of `cpus` one for each of `ports`; together they have the scenario's connections."""
    connections = scenario.connections // (len(ports) * len(cpus))
    more = []
    if scenario.script:
        script = folder / f"{scenario.script}.lua"
        script.write_text(SCRIPTS[scenario.script])
        more += ["-s", str(script)]
    if scenario.close:
        more += ["-H", "Connection: close"]
    running = [subprocess.Popen(["taskset", "-c", str(cpu), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", *more,
                                 f"http://127.0.0.1:{port}{scenario.path}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
               for cpu in cpus for port in ports]
    try:
        return add_up([parse(one.communicate(timeout=seconds + 60)[0]) for one in running])
    except subprocess.TimeoutExpired:
        raise Failed("wrk does not end") from None
    finally:
        for one in running:
            if one.poll() is None:
                one.kill()
            one.wait()
