"""Starts a turbonav-standin for a test and ends it by its own pid.

    with Standin("--service", "5") as server:
        server.url          # http://127.0.0.1:PORT/v1
        server.post("/completion", {...})

The binary is $NAV_TEST_BUILD (or build)/vlm/standin/turbonav-standin.
"""
import http.client
import json
import os
import signal
import subprocess

# So many times as long as usual may something take: where the processor is emulated, or others come first on it.
PATIENCE = int(os.environ.get("NAV_TEST_PATIENCE", "1"))


def binary():
    build = os.environ.get("NAV_TEST_BUILD", "build")
    return os.path.abspath(os.path.join(build, "vlm", "standin", "turbonav-standin"))


class Answer:
    """One HTTP response, read whole."""

    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json["error"]


class Standin:
    def __init__(self, *options):
        self.process = subprocess.Popen(
            [binary(), "--listen", "127.0.0.1:0", *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline().strip()
        if not line.startswith("listening on "):
            self.stop()
            raise RuntimeError(f"the stand-in said {line!r}")
        self.url = line.removeprefix("listening on ")
        self.port = int(self.url.split(":")[2].split("/")[0])

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        code, _, error = self.stop()
        if exception[0] is None:
            assert code == 0, error

    def stop(self, number=signal.SIGTERM):
        """Ends it; its exit code, what else it printed, and its standard error."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            out, error = self.process.communicate(timeout=10 * PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, error = self.process.communicate()
        return self.process.returncode, out, error

    def connect(self, timeout=10):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def request(self, method, path, body=None, headers=None, connection=None, timeout=10):
        own = connection is None
        connection = connection or self.connect(timeout)
        try:
            data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            connection.request(method, path, data, headers or {})
            return Answer(connection.getresponse())
        finally:
            if own:
                connection.close()

    def get(self, path, **keywords):
        return self.request("GET", path, **keywords)

    def post(self, path, body, **keywords):
        return self.request("POST", path, body, **keywords)
