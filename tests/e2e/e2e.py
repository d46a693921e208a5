# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: TAP output, a site in a temporary folder, its processes.

A site runs femsd against fems-plant (or another Modbus server) and fems-erp on a common clock that
starts at a given time and runs `speed` times as fast as the real one.
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone

KST = timezone(timedelta(hours=9))
SRC = os.environ.get("top_srcdir", os.path.abspath(os.path.join(os.path.dirname(__file__), "../..")))
BUILD = os.environ.get("top_builddir", os.path.join(SRC, "build"))
SHARED = os.environ.get("FEMS_SHARED", os.path.join(SRC, "../shared"))
SLOW = 5 if os.environ.get("SANITIZERS", "no") != "no" else 1


class Tap:
    """Numbered results; the plan line comes last."""

    def __init__(self):
        self.n = 0
        self.bad = 0

    def ok(self, good, name, detail=""):
        self.n += 1
        self.bad += not good
        print(f"{'ok' if good else 'not ok'} {self.n} - {name}", flush=True)
        if not good and detail != "":
            for line in str(detail).splitlines():
                print(f"# {line}", flush=True)
        return good

    def skip(self, name, why):
        self.n += 1
        print(f"ok {self.n} - {name} # SKIP {why}", flush=True)

    def done(self):
        print(f"1..{self.n}", flush=True)
        sys.exit(1 if self.bad else 0)


def skip_all(why):
    print(f"1..0 # SKIP {why}", flush=True)
    sys.exit(0)


def free_ports(count):
    """First port of `count` free ones in a row on the loopback address."""
    base = 20000 + os.getpid() % 20000
    while True:
        socks = []
        try:
            for i in range(count):
                s = socket.socket()
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                socks.append(s)
                s.bind(("127.0.0.1", base + i))
            return base
        except OSError:
            base += count
            if base > 60000:
                base = 20000
        finally:
            for s in socks:
                s.close()


def wait(what, seconds, probe):
    """Calls probe until it returns something true; None after `seconds` (longer under sanitizers)."""
    until = time.monotonic() + seconds * SLOW
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > until:
            print(f"# gave up waiting for {what} after {seconds * SLOW} s", flush=True)
            return None
        time.sleep(0.05)


def when(text):
    """RFC 3339 -> datetime."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


class Site:
    def __init__(self, start, speed):
        self.dir = tempfile.mkdtemp(prefix="fems-e2e-")
        self.start, self.speed = start, speed
        self.procs = {}
        self.plant_base = free_ports(40)
        self.erp_port = self.plant_base + 20
        self.web_port = self.plant_base + 21
        self.socket = os.path.join(self.dir, "femsd.sock")
        self.settings = os.path.join(self.dir, "fems.yaml")
        epoch = int(time.time() * 1e6)
        self.env = dict(os.environ, FEMS_CLOCK=f"{int(start.timestamp() * 1e6)},{epoch},{speed}",
                        FEMS_PROFILE_PATH=os.path.join(SRC, "meters/profiles"))
        self.epoch = epoch / 1e6

    # ---- clock ----

    def now(self):
        return self.start + timedelta(seconds=(time.time() - self.epoch) * self.speed)

    def sleep_until(self, t):
        time.sleep(max(0.0, (t - self.now()).total_seconds() / self.speed))

    # ---- processes ----

    def spawn(self, name, *argv):
        log = open(os.path.join(self.dir, name + ".log"), "ab")
        self.procs[name] = subprocess.Popen(argv, env=self.env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        log.close()
        return self.procs[name]

    def log(self, name):
        with open(os.path.join(self.dir, name + ".log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def plant(self, *extra):
        return self.spawn("plant", os.path.join(BUILD, "fems-plant"), "--port", str(self.plant_base), "--erp",
                          f"http://127.0.0.1:{self.erp_port}/dispatch.json", "--control",
                          os.path.join(self.dir, "plant.sock"), *extra)

    def plant_do(self, *words):
        r = subprocess.run([os.path.join(BUILD, "fems-plant"), "--control", os.path.join(self.dir, "plant.sock"), *words],
                           capture_output=True, text=True, check=True)
        return r.stdout

    def erp(self, *extra):
        p = self.spawn("erp", os.path.join(BUILD, "fems-erp"), "--listen", f"127.0.0.1:{self.erp_port}", "--keep",
                       os.path.join(self.dir, "erp"), *extra)
        wait("the ERP stand-in", 10, lambda: self.http("GET", f"http://127.0.0.1:{self.erp_port}/")[0] == 200)
        return p

    def femsd(self):
        p = self.spawn("femsd", os.path.join(BUILD, "femsd"), "--config", self.settings)
        wait("femsd", 10, lambda: p.poll() is not None or self.ctl("status") is not None)
        return p

    def kill(self, name, sig=signal.SIGTERM, seconds=10):
        """Ends a process; returns its exit status, or None when it had to be killed."""
        p = self.procs.pop(name)
        p.send_signal(sig)
        try:
            return p.wait(seconds * SLOW)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
            return None

    def close(self, keep=False):
        for name in list(self.procs):
            self.kill(name)
        if keep or os.environ.get("FEMS_KEEP"):
            print(f"# kept: {self.dir}", flush=True)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)

    # ---- talking ----

    def ctl(self, *words):
        """Reply of femsctl as an object, None on failure."""
        r = subprocess.run([os.path.join(BUILD, "femsctl"), "--socket", self.socket, "--json", *words],
                           capture_output=True, text=True)
        self.ctl_error, self.ctl_status = r.stderr, r.returncode
        return json.loads(r.stdout) if r.returncode == 0 and r.stdout else None

    def call(self, service, **request):
        return self.ctl("call", service, json.dumps(request))

    @staticmethod
    def http(method, url, body=None, headers=None):
        data = json.dumps(body).encode() if body is not None else None
        req = urllib.request.Request(url, data=data, method=method,
                                     headers={"Content-Type": "application/json", **(headers or {})})
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(req, timeout=10) as r:
                return r.status, r.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()
        except OSError as e:
            return 0, str(e)

    def erp_get(self, path):
        status, body = self.http("GET", f"http://127.0.0.1:{self.erp_port}{path}")
        return json.loads(body) if status == 200 else None

    def erp_post(self, path, body):
        return self.http("POST", f"http://127.0.0.1:{self.erp_port}{path}", body)

    # ---- settings of the demo, adapted ----

    def demo_settings(self, control="advise", poll="1s", pull="2s", budget="2s", more=""):
        with open(os.path.join(SRC, "etc/demo/fems.yaml"), encoding="utf-8") as f:
            text = f.read()
        for i in range(16):
            text = text.replace(f"@PLANT+{i}@", str(self.plant_base + i))
        for key, value in {"ERP": self.erp_port, "PORT": self.web_port, "LANG": "en", "CONTROL": control, "POLL": poll,
                           "WORK": self.dir, "DATA": os.path.join(SRC, "etc")}.items():
            text = text.replace(f"@{key}@", str(value))
        text = text.replace("interval: 2s", f"interval: {pull}")
        text = text.replace("budget: 2s", f"budget: {budget}")
        web_root = os.path.join(BUILD, "plugins/web/dist")
        if not os.path.exists(os.path.join(web_root, "index.html")):
            web_root = os.path.join(SRC, "plugins/web/dist")
        text = text.replace("{plugin: web,", f"{{plugin: web, root: {web_root},")
        with open(self.settings, "w", encoding="utf-8") as f:
            f.write(text + more)
