"""docs/benchmarks.md, between its markers, and docs/benchmarks.svg, from the results."""
import html

import peers
import results
import scenarios

BEGIN, END = "<!-- begin: made by scripts/bench -->", "<!-- end: made by scripts/bench -->"
TIED = 1.03  # two figures that are closer are one: their rounds overlap


def figure_of(name):
    return "bytes" if scenarios.ALL[name].memory else "cpu_us"


def good(measured):
    """peer -> rounds, for those that could be measured."""
    return {peer: entry["rounds"] for peer, entry in measured.items() if entry.get("rounds")}


def number(value):
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}".replace(",", " ")


def goals(found):
    """Rows: scenario, Freshet, the best peer, ratio, whether the goal is met, ratio to the floor."""
    rows = []
    for name, measured in found.items():
        what, rounds = figure_of(name), good(measured)
        others = {peer: results.middle(one, what) for peer, one in rounds.items() if peer not in ("floor", "freshet", "apart")}
        if "freshet" not in rounds or not others:
            continue
        ours, best = results.middle(rounds["freshet"], what), min(others, key=others.get)
        ratio = ours / others[best]
        to_floor = f"{ours / results.middle(rounds['floor'], what):.2f}" if "floor" in rounds else ""
        rows.append((name, ours, best, others[best], ratio, "yes" if ratio <= TIED else "**no**", to_floor))
    return rows


def table(head, rows):
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *("| " + " | ".join(map(str, row)) + " |" for row in rows), ""]


def scenario_table(name, measured):
    what, rounds = figure_of(name), good(measured)
    ours = results.middle(rounds["freshet"], what) if "freshet" in rounds else None
    rows = []
    for peer in sorted(rounds, key=lambda one: results.middle(rounds[one], what)):
        value, (least, most) = results.middle(rounds[peer], what), results.spread(rounds[peer], what)
        row = [f"**{peer}**" if peer == "freshet" else peer, number(value), f"{number(least)} – {number(most)}", f"{value / ours:.2f}" if ours else ""]
        if what == "cpu_us":
            row += [number(results.middle(rounds[peer], "user_us")), number(results.middle(rounds[peer], "system_us")),
                    number(results.middle(rounds[peer], "per_second")), number(results.middle(rounds[peer], "p99_us")),
                    int(sum(one["bad"] for one in rounds[peer]))]
        rows.append(row)
    rows += [[peer, f"not measured: {entry['failed'].splitlines()[0][:100]}"] for peer, entry in measured.items() if "failed" in entry]
    if what == "bytes":
        head = ["", "bytes each", "spread", "× Freshet"]
    else:
        head = ["", "CPU µs a request", "spread", "× Freshet", "user", "system", "requests/s", "p99 µs", "errors"]
    return [f"### {name}", "", f"{scenarios.ALL[name].about[0].upper()}{scenarios.ALL[name].about[1:]}.", "",
            *table(head, [row + [""] * (len(head) - len(row)) for row in rows])]


def versions(found):
    seen = {}
    for measured in found.values():
        for peer, entry in measured.items():
            if entry.get("version"):
                seen[peer] = entry["version"]
    return [[peer, seen[peer], peers.ALL[peer].about] for peer in peers.ALL if peer in seen]


def lengths(found):
    """How many rounds of how many seconds the figures of requests come from."""
    told = {(len(entry["rounds"]), entry["seconds"]) for name, measured in found.items() if not scenarios.ALL[name].memory
            for entry in measured.values() if entry.get("rounds")}
    return ", ".join(f"{count} rounds of {seconds} s" for count, seconds in sorted(told))


def text(all_results, commands):
    found = {name: all_results["scenarios"][name] for name in scenarios.ALL if name in all_results["scenarios"]}
    about = all_results["machine"]
    dates = sorted(entry["at"] for measured in found.values() for entry in measured.values() if entry.get("at"))
    lines = [f"Measured {dates[0]}" + (f" to {dates[-1]}" if dates[0] != dates[-1] else "") + f" on {about['processors']} × {about['processor']}, "
             f"{about['memory_gib']} GiB, {about['system']}, Linux {about['kernel']}; {lengths(found)}; by:", "", "```sh", *commands, "```", "",
             "## The goal", "", "Never more than the best of the others, with its rounds' noise (3 %) forgiven. CPU microseconds for each request; for the last two, bytes.", "",
             *table(["scenario", "Freshet", "best other", "", "ratio", "met", "× floor"],
                    [[name, number(ours), best, number(other), f"{ratio:.2f}", met, floor] for name, ours, best, other, ratio, met, floor in goals(found)]),
             "## Results", ""]
    for name, measured in found.items():
        lines += scenario_table(name, measured)
    lines += ["## Versions", "", *table(["", "version", "as"], versions(found))]
    return "\n".join(lines)


def put_between_markers(document, made):
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the document has lost its markers")
    return f"{before}{BEGIN}\n\n{made}\n{END}{after}"


# ---- the picture ----

WIDTH, LEFT, RIGHT, BAR, GAP, TITLE = 760, 120, 90, 14, 4, 30
STYLE = """
svg { font: 12px system-ui, sans-serif; } text { fill: #24292f; } .title { font-weight: 600; } .value { font-variant-numeric: tabular-nums; }
.other { fill: #8c959f; } .floor { fill: #d0d7de; } .freshet { fill: #0969da; } .card { fill: #ffffff; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .other { fill: #6e7681; } .floor { fill: #3d444d; } .freshet { fill: #4493f8; } .card { fill: #0d1117; }
}
"""


def bars(name, measured, top):
    """One scenario's lines of the picture, and where they end."""
    what, rounds = figure_of(name), good(measured)
    values = {peer: results.middle(one, what) for peer, one in rounds.items()}
    unit = "bytes each" if what == "bytes" else "CPU µs a request"
    out = [f'<text class="title" x="8" y="{top + 18}">{html.escape(name)}: {html.escape(scenarios.ALL[name].about)} ({unit})</text>']
    top += TITLE
    for peer in sorted(values, key=values.get):
        width = max(1.0, values[peer] / max(values.values()) * (WIDTH - LEFT - RIGHT))
        kind = peer if peer in ("floor", "freshet") else "other"
        out += [f'<text x="{LEFT - 8}" y="{top + BAR - 2}" text-anchor="end">{html.escape(peer)}</text>',
                f'<rect class="{kind}" x="{LEFT}" y="{top}" width="{width:.1f}" height="{BAR}" rx="2"/>',
                f'<text class="value" x="{LEFT + width + 6:.1f}" y="{top + BAR - 2}">{number(values[peer])}</text>']
        top += BAR + GAP
    return out, top + 10


def picture(all_results):
    lines, top = [], 8
    for name in scenarios.ALL:
        if good(all_results["scenarios"].get(name, {})):
            more, top = bars(name, all_results["scenarios"][name], top)
            lines += more
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}" role="img">',
                      "<title>What requests and objects cost, less is better</title>", f"<style>{STYLE}</style>",
                      f'<rect class="card" width="{WIDTH}" height="{top}" rx="6"/>', *lines, "</svg>", ""])
