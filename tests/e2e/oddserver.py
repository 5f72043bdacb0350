"""A server with just enough of llama-server's surface to be asked, and odd manners on the socket that
no HTTP library would let it have. Each manner is a function of the connection and the number of the
question; it answers as it likes, and returns False to hang up.

    with OddServer(manner) as server:
        server.url, server.questions
"""

import json
import socket
import threading

TOKENS = {"stop": 1, "forward": 2, "left": 3, "right": 4, "backward": 5}


def response(content, status="200 OK", version="HTTP/1.1"):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    head = f"{version} {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def word(text, probability=0.9):
    return {
        "content": text,
        "completion_probabilities": [{"top_probs": [{"token": text, "prob": probability}]}],
        "timings": {"cache_n": 500, "prompt_n": 90, "prompt_ms": 1, "predicted_ms": 0.1},
    }


class OddServer:
    def __init__(self, manner, alias="odd"):
        self.manner = manner
        self.alias = alias
        self.questions = 0
        self.connections = 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/v1"

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.socket.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, connection.makefile("rb") as stream:
            try:
                while self.exchange(connection, stream):
                    pass
            except (OSError, ValueError):
                pass

    def exchange(self, connection, stream):
        request = stream.readline()
        if not request:
            return False
        path, size = request.split()[1].decode(), 0
        while (line := stream.readline().strip()):
            if line.lower().startswith(b"content-length:"):
                size = int(line.split(b":")[1])
        body = stream.read(size)
        if path == "/completion":
            self.questions += 1
            return self.manner(connection, self.questions)
        connection.sendall(self.answer(path, body))
        return True

    def answer(self, path, body):
        if path == "/health":
            return response({"status": "ok"})
        if path == "/props":
            return response({
                "default_generation_settings": {"n_ctx": 4096}, "total_slots": 1,
                "modalities": {"vision": True}, "media_marker": "<M>", "build_info": "b1",
                "model_alias": self.alias,
            })
        if path == "/v1/models":
            return response({"data": [{"id": self.alias}]})
        if path == "/tokenize":
            text = json.loads(body)["content"]
            return response({"tokens": [TOKENS.get(text, 0)] if text in TOKENS else [9] * 100})
        if path == "/apply-template":
            return response({"prompt": "You see <M>Command:"})
        return response({"error": {"message": "File Not Found"}}, "404 Not Found")
