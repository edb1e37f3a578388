"""What is measured."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Scenario:
    about: str
    path: str = ""
    connections: int = 64
    script: str = ""  # of load.SCRIPTS
    close: bool = False  # a connection for each request
    warm_up: int = 1  # seconds
    floor: int = 0  # bytes of the floor program's body; 0: it has nothing to say here, or `relay`
    relay: bool = False  # the floor is a program that passes on what the origin says
    hits: bool = True
    workers: int = 1  # 2: on both processors, together with load and origin; what each of them takes is counted apart
    memory: str = ""  # a function of memory.py, instead of requests


ALL = {
    "hit1k": Scenario("hits, 1 KiB, 64 connections, small request heads", "/h/1k", floor=1024),
    "hit1k_browser": Scenario("the same with request heads as browsers send them", "/h/1k", script="browser", floor=1024),
    "hit_zipf": Scenario("hits among 100 000 objects, by popularity (Zipf, 0.9)", "/h1/1k", script="zipf", warm_up=8, floor=1024),
    "hit100k": Scenario("hits, 100 KiB", "/h/100k", floor=102400),
    "hit1k_c2000": Scenario("hits, 1 KiB, 2000 connections", "/h/1k", connections=2000, warm_up=2, floor=1024),
    "hit1k_close": Scenario("hits, 1 KiB, a connection for each", "/h/1k", close=True),
    "hit1k_two": Scenario("hits, 1 KiB, one object for two workers that share their processors with the load; beside two processes that share nothing", "/h/1k",
                          workers=2),
    "hit_zipf_two": Scenario("the same among 100 000 objects (Zipf, 0.9)", "/h1/1k", script="zipf", warm_up=10, workers=2),
    "miss1k": Scenario("misses that may not be stored, 1 KiB", "/m/1k", hits=False, relay=True),
    "miss100k": Scenario("misses that may not be stored, 100 KiB", "/m/100k", hits=False, relay=True),
    "conn_mem": Scenario("memory of an idle connection", memory="connection"),
    "obj_mem": Scenario("memory of a stored object of 1 KiB", memory="stored_object"),
}

QUICK = ["hit1k", "miss1k", "conn_mem"]
