"""A client of the administrators' WebSocket API (websocket-api.md) that remembers everything it was sent."""
import json
import time

import websocket

PATIENCE = 40


class Closed(Exception):
    def __init__(self, code, reason):
        super().__init__(code, reason)
        self.code, self.reason = code, reason


class Socket:
    def __init__(self, rest, path="/api/ws", token=None, **options):
        url = rest.url.replace("http", "ws", 1) + path
        if token:
            url += "?token=" + token
        self.socket = websocket.create_connection(url, timeout=PATIENCE, **options)
        self.kept = []

    def send(self, message):
        self.socket.send(message if isinstance(message, str) else json.dumps(message))

    def commands(self, *commands):
        self.send({"cmds": list(commands)})

    def receive(self, seconds=PATIENCE):
        """The next message; raises `Closed`."""
        self.socket.settimeout(seconds)
        while True:
            opcode, data = self.socket.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                raise Closed(int.from_bytes(data[:2], "big"), data[2:].decode())
            if opcode == websocket.ABNF.OPCODE_TEXT:
                return json.loads(data)

    def answer(self, command, seconds=PATIENCE):
        """The next message for the command; others are kept."""
        for place, message in enumerate(self.kept):
            if command in (message.get("cmdId"), message.get("subscriptionId")):
                return self.kept.pop(place)
        deadline = time.monotonic() + seconds
        while True:
            message = self.receive(max(0.1, deadline - time.monotonic()))
            if command in (message.get("cmdId"), message.get("subscriptionId")):
                return message
            self.kept.append(message)

    def until(self, command, condition, seconds=PATIENCE):
        """Messages for the command up to the one that fulfils the condition."""
        messages = []
        deadline = time.monotonic() + seconds
        while True:
            messages.append(self.answer(command, max(0.1, deadline - time.monotonic())))
            if condition(messages[-1]):
                return messages

    def closed(self, seconds=PATIENCE):
        """How the server closes, whatever it sends before."""
        try:
            while True:
                self.receive(seconds)
        except Closed as end:
            return end.code, end.reason

    def echo(self, command=999_999):
        """Nothing that was to come before this moment comes behind it: asks for what is answered at once."""
        self.commands({"type": "TIMESERIES_HISTORY", "cmdId": command, "entityType": "DEVICE"})
        answer = self.answer(command)
        assert answer["errorMsg"] == "Device id is empty!", answer
        kept, self.kept = self.kept, []
        return kept

    def close(self):
        self.socket.close()


def opened(rest, **options):
    """An authenticated session of the person."""
    return Socket(rest, token=rest.token, **options)
