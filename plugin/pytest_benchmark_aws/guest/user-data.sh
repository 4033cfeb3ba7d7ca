#!/bin/sh
# pytest-benchmark-aws: runs benchmarks, then powers off.
# The power-off comes first, before all that can fail or hang.
shutdown -P +@MINUTES@ || { poweroff; exit 1; }
umask 077
export HOME="${HOME:-/root}"
root="${PYTEST_BENCHMARK_AWS_ROOT:-/var/lib/pytest-benchmark-aws}"
mkdir -p "$root"
cd "$root" || { poweroff; exit 1; }
python3 - <<'END'
import hashlib, http.client, sys, time, urllib.request

for attempt in range(10):
    try:
        data = urllib.request.urlopen("@URL@", timeout=30).read()
        break
    except (OSError, http.client.HTTPException) as error:
        print("fetch of the agent,", attempt + 1, "of 10:", error, flush=True)
        time.sleep(min(2**attempt, 30))
else:
    sys.exit("no agent: look at the subnet's way to S3")
if hashlib.sha256(data).hexdigest() != "@SHA256@":
    sys.exit("the agent is not what was sent")
with open("agent.pyz", "wb") as file:
    file.write(data)
END
[ -f agent.pyz ] && python3 agent.pyz
poweroff
