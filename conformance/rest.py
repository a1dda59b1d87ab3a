"""A few requests with JSON in and out."""

import json
import urllib.error
import urllib.request

from processes import Failed


class Rest:
    """A service at an address, asked by the holder of a token."""

    def __init__(self, url, token=None):
        self.url = url.rstrip("/")
        self.token = token

    def ask(self, method, path, body=None):
        """The answer's body, and its headers."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.token:
            headers["X-Auth-Token"] = self.token
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                text = answer.read()
                return json.loads(text) if text else {}, answer.headers
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")[:500]
            raise Failed(f"{method} {self.url}{path}: {error.code} {said}") from error
        except OSError as error:
            raise Failed(f"{method} {self.url}{path}: {error}") from error

    def get(self, path):
        return self.ask("GET", path)[0]

    def post(self, path, body):
        return self.ask("POST", path, body)[0]

    def put(self, path):
        return self.ask("PUT", path)[0]
