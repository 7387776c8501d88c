import pytest

import mqtt
from rest import Rest
from server import ConfigurableServer, Server


@pytest.fixture(scope="session")
def server():
    """One server for all tests that do not stop it."""
    running = Server()
    try:
        yield running.start()
    finally:
        running.remove()


@pytest.fixture(scope="session")
def rest(server):
    return Rest(server.url)


@pytest.fixture(scope="module")
def own(request):
    """A server of the file's own, with the settings in its BASE, that a test may start with others."""
    running = ConfigurableServer(**request.module.BASE)
    try:
        yield running.start()
    finally:
        running.remove()


@pytest.fixture
def configured(own):
    """Starts the file's server with further settings; returns a new device of it."""
    def configured(**settings):
        own.configured(**settings)
        return Rest(own.url).create_device()

    return configured


@pytest.fixture
def device(rest):
    """A new device of the default profile, with an access token."""
    return rest.create_device()


@pytest.fixture
def open_connection(server):
    """Opens MQTT connections that are closed after the test."""
    opened = []

    def open(version=4, **options):
        opened.append(mqtt.Connection(server.mqtt_port, version, **options))
        return opened[-1]

    yield open
    for connection in opened:
        connection.close()


@pytest.fixture
def connect(open_connection):
    """Opens MQTT connections with an access token that must be accepted."""
    def connect(token, version=4, **options):
        connection = open_connection(version)
        assert connection.connect(username=token, **options) == 0
        return connection

    return connect


@pytest.fixture(autouse=True)
def show_log(request):
    """Adds the end of the server's log to the report of a test that fails."""
    yield
    if "server" in request.fixturenames:
        request.node.add_report_section("call", "server log", request.getfixturevalue("server").log()[-2000:])
