"""A worker without a simulator, for the tests of the harness: `python fake_peer.py BEHAVIOUR STEPS`.

Each window claims STEPS environment steps in 1 s of wall clock and half a second of CPU, k times as many in window k.
"""

import json
import sys

behaviour, steps = sys.argv[1], int(sys.argv[2])


def _say(answer):
    print("answer " + json.dumps(answer), flush=True)


if behaviour == "silent":
    sys.stdin.read()
print("a line of another library")
_say(
    {
        "ready": 0.1,
        "content": {"what": "nothing", "worlds": 2, "agents": 2, "sub_steps": 5, "observation": 7, "on": "-"},
    }
)
count = 0
for line in sys.stdin:
    order = json.loads(line)
    if order["do"] == "look":
        _say({"resident_mib": 50.0, "mib_a_world": 3.0})
        continue
    if behaviour == "dies" and count == 2:
        raise SystemExit("out of luck")
    if behaviour == "garbles" and count == 1:
        print("answer {", flush=True)
        continue
    n = steps * max(count, 1)
    _say({"wall": 1.0, "cpu": 0.5, "env_steps": n, "agent_steps": n, "vehicle_updates": 21 * 5 * n, "samples": 0})
    count += 1
