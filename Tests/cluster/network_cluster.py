"""A cluster each of whose processes has a host of its own."""
from cluster import EXECUTOR, SERVICES, Cluster
from network import Network

#: Where tests and devices are.
CLIENTS = "clients"
SHARED = ["postgres-1", "redis-1", "zookeeper-1", "haproxy-1"]


class NetworkCluster(Cluster):
    """The process that brings it up is at the clients' host until it takes it down."""

    def __init__(self, folder):
        super().__init__(folder)
        self.network = None

    def place(self, name):
        return self.network.place(name)

    def up(self, brokers=1, count=2, environment=None):
        self.folder.mkdir(parents=True, exist_ok=True)
        services = [f"{service}-{number}" for service in [*SERVICES, EXECUTOR] for number in range(1, count + 1)]
        shared = [*SHARED, *(f"kafka-{number}" for number in range(1, brokers + 1))]
        self.network = Network([CLIENTS, *shared, *services], self.folder)
        self.network.enter(CLIENTS)
        super().up(brokers=brokers, count=count, environment=environment)

    def down(self, keep=False):
        if self.network:
            self.network.heal()
        super().down(keep=keep)
        if self.network:
            self.network.close()
            self.network = None
