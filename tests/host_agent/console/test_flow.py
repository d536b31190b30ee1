"""The flow per minute, from the metrics that the agent keeps anyway."""

import pytest

from host_agent.console.flow import MINUTE_MS, MINUTES, Flow, Minute
from host_agent.console.pages.flow_chart import flow_chart
from host_agent.metrics import Metrics

START_MS = 1_795_000_020_000


class Clock:
    def __init__(self) -> None:
        self.now_ms = START_MS + 30_000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def flow(metrics: Metrics, clock: Clock) -> Flow:
    metrics.events.labels("stored").inc(1000)  # before anybody looked
    return Flow(metrics, clock)


def test_an_hour_without_events_is_sixty_minutes_of_nothing(flow: Flow) -> None:
    minutes = flow.minutes()
    assert len(minutes) == MINUTES
    assert minutes[-1] == Minute(START_MS)
    assert minutes[0] == Minute(START_MS - 59 * MINUTE_MS)


def test_what_came_is_known_before_the_next_sample(flow: Flow, metrics: Metrics) -> None:
    metrics.events.labels("stored").inc(5)
    metrics.events.labels("duplicate").inc(9)
    metrics.events.labels("dead").inc()
    metrics.deliveries.labels("delivered").inc(3)
    metrics.deliveries.labels("retry").inc(7)
    metrics.deliveries.labels("dead").inc(2)
    for _ in range(2):
        assert flow.minutes()[-1] == Minute(START_MS, received=6, delivered=3, dead=3)
        flow.sample()


def test_a_minute_keeps_its_events(flow: Flow, metrics: Metrics, clock: Clock) -> None:
    metrics.events.labels("stored").inc(2)
    flow.sample()
    clock.now_ms += 2 * MINUTE_MS
    metrics.events.labels("stored").inc(3)
    flow.sample()
    assert [minute.received for minute in flow.minutes()[-4:]] == [0, 2, 0, 3]
    assert len(flow.minutes()) == MINUTES
    starts = [minute.start_ms for minute in flow.minutes()]
    assert starts == [START_MS + (2 - ago) * MINUTE_MS for ago in reversed(range(MINUTES))]


@pytest.mark.parametrize("jump_ms", [-MINUTE_MS, 61 * MINUTE_MS, 10**12], ids=str)
def test_a_clock_that_jumped_begins_a_new_hour(
    flow: Flow, metrics: Metrics, clock: Clock, jump_ms: int
) -> None:
    metrics.events.labels("stored").inc(2)
    flow.sample()
    clock.now_ms += jump_ms
    minutes = flow.minutes()
    assert len(minutes) == MINUTES
    assert sum(minute.received for minute in minutes) == 0
    assert minutes[-1].start_ms <= clock.now_ms < minutes[-1].start_ms + MINUTE_MS


def test_in_rises_and_out_hangs_from_the_middle() -> None:
    chart = flow_chart([Minute(0, received=10, delivered=4, dead=1), Minute(60_000)])
    assert (chart.most, chart.received, chart.delivered, chart.dead) == (10, 10, 4, 1)
    received, delivered, dead = chart.bars
    middle = chart.height / 2
    assert [bar.kind for bar in chart.bars] == ["received", "delivered", "dead"]
    assert received.y + received.height == middle and received.y >= 0
    assert delivered.y == middle
    assert dead.y == delivered.y + delivered.height


@pytest.mark.parametrize("count", [0, 1, 10**9], ids=["none", "one", "many"])
def test_every_bar_lies_inside_and_can_be_seen(count: int) -> None:
    chart = flow_chart([Minute(0, 10**9, 1, 10**9 - 1), Minute(60_000, count, count, count)])
    assert all(bar.height >= 2 for bar in chart.bars)
    assert all(bar.y >= 0 and bar.y + bar.height <= chart.height for bar in chart.bars)
    assert all(bar.x >= 0 and bar.x + chart.bar_width <= chart.width for bar in chart.bars)
