"""Every figure the agent keeps about itself; the names are a contract with dashboards."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_FAST_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The agent's metrics on a registry of their own, so that two agents fit in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.frames = Counter(
            "thingwarden_frames",
            "Frames received, by what became of them",
            ["result"],
            registry=self.registry,
        )
        self.events = Counter(
            "thingwarden_events",
            "Events: stored, duplicate or dead, from accepted frames; external",
            ["outcome"],
            registry=self.registry,
        )
        self.commit_seconds = Histogram(
            "thingwarden_commit_seconds",
            "Time of one durable commit",
            buckets=_FAST_S,
            registry=self.registry,
        )
        self.commit_operations = Histogram(
            "thingwarden_commit_operations",
            "Operations that shared one commit",
            buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
            registry=self.registry,
        )
        self.deliveries = Counter(
            "thingwarden_deliveries",
            "Attempts to deliver an event: delivered, retry, dead or paused",
            ["outcome"],
            registry=self.registry,
        )
        self.delivery_seconds = Histogram(
            "thingwarden_delivery_seconds",
            "Time of one request to SecuriThings",
            buckets=_FAST_S,
            registry=self.registry,
        )
        self.attempts = Counter(
            "thingwarden_attempts",
            "Access attempts received, by GuardianKey's response or what else became of them",
            ["response"],
            registry=self.registry,
        )
        self.relay_seconds = Histogram(
            "thingwarden_relay_seconds",
            "Time of one request to GuardianKey",
            buckets=_FAST_S,
            registry=self.registry,
        )
        self.notifications = Counter(
            "thingwarden_notifications",
            "Notifications received from GuardianKey, by what became of them",
            ["result"],
            registry=self.registry,
        )
        self.access_changes = Counter(
            "thingwarden_access_changes",
            "Changes of access lists sent to boards",
            registry=self.registry,
        )
        self.serial_ports = Gauge(
            "thingwarden_serial_ports",
            "Serial ports by how they stand: open, lent, absent or failing",
            ["state"],
            registry=self.registry,
        )
        self.serial_lines_dropped = Counter(
            "thingwarden_serial_lines_dropped",
            "Lines of boards not taken or not shown, and lines to boards that did not go out",
            registry=self.registry,
        )
        self.commands = Counter(
            "thingwarden_commands",
            "Commands by what became of them: sent, done, failed, unknown or expired",
            ["outcome"],
            registry=self.registry,
        )
        self.app_events = Counter(
            "thingwarden_app_events",
            "Events for the app's handlers: done, failed, hung or dropped",
            ["on", "result"],
            registry=self.registry,
        )
        self.app_requests = Counter(
            "thingwarden_app_requests",
            "Requests to the app, by what became of them",
            ["result"],
            registry=self.registry,
        )
        self.api_requests = Counter(
            "thingwarden_api_requests",
            "Requests of programs to the console's API, by what became of them",
            ["result"],
            registry=self.registry,
        )
        self.refused_requests = Counter(
            "thingwarden_refused_requests",
            "Refused requests for commands to devices, as events: recorded, limited or lost",
            ["result"],
            registry=self.registry,
        )
        self.logins = Counter(
            "thingwarden_logins",
            "Attempts to log in to the console, by what became of them",
            ["result"],
            registry=self.registry,
        )
        self.delivery_paused = Gauge(
            "thingwarden_delivery_paused",
            "1 while SecuriThings refuses the credentials",
            registry=self.registry,
        )
        self.backlog_events = Gauge(
            "thingwarden_backlog_events", "Events waiting for delivery", registry=self.registry
        )
        self.backlog_bytes = Gauge(
            "thingwarden_backlog_bytes",
            "Bytes of events waiting for delivery or given up",
            registry=self.registry,
        )
        self.dead_letters = Gauge(
            "thingwarden_dead_letters", "Events given up, kept for a person", registry=self.registry
        )
        self.oldest_seconds = Gauge(
            "thingwarden_oldest_pending_seconds",
            "Age of the oldest event waiting for delivery",
            registry=self.registry,
        )
        self.device_seen = Gauge(
            "thingwarden_device_last_seen_timestamp_seconds",
            "Unix time of the last frame accepted from a device",
            ["device"],
            registry=self.registry,
        )
        self.device_lost = Gauge(
            "thingwarden_device_lost_events",
            "Events a device says it lost, by its own counters",
            ["device", "reason"],
            registry=self.registry,
        )
        self.device_stale = Gauge(
            "thingwarden_device_stale_frames",
            "Replayed or out-of-order frames refused, per device",
            ["device"],
            registry=self.registry,
        )
