"""The program by which Firebase's deploy command learns which functions a source declares.

It starts the serving module of firebase-functions on a loopback port, asks for the list, and ends it again.
Source: firebase-tools 15.28.1; firebase-functions 0.6.0.
"""

from __future__ import annotations

SDK_MISSING, FAILED, TIMED_OUT = 3, 4, 5
"""Exit statuses of the program."""

LIMIT_SECONDS = 10
"""How long the deploy command waits; ``FUNCTIONS_DISCOVERY_TIMEOUT`` says another number of seconds."""

PROGRAM = f"""\
import importlib.util, os, socket, subprocess, sys, time, urllib.error, urllib.request
from pathlib import Path
sdk = importlib.util.find_spec("firebase_functions")
if sdk is None:
    sys.exit((print("firebase_functions cannot be imported"), {SDK_MISSING})[1])
serving = Path(sdk.submodule_search_locations[0], "private", "serving.py")
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
server = subprocess.Popen([sys.executable, str(serving)], env={{**os.environ, "ADMIN_PORT": str(port)}})
ask = urllib.request.build_opener(urllib.request.ProxyHandler({{}})).open
end = time.monotonic() + float(os.environ.get("FUNCTIONS_DISCOVERY_TIMEOUT") or {LIMIT_SECONDS})
status = {TIMED_OUT}
try:
    while time.monotonic() < end:
        if server.poll() is not None:
            status = {FAILED}
            break
        try:
            url = f"http://127.0.0.1:{{port}}/__/functions.yaml"
            print(ask(url, timeout=max(0.1, end - time.monotonic())).read().decode())
            status = 0
            break
        except urllib.error.HTTPError:
            status = {FAILED}
            break
        except OSError:
            time.sleep(0.1)
finally:
    server.kill()
    server.wait()
sys.exit(status)
"""
