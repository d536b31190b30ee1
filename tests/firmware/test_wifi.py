import machine
from support import Ticks
from warden.wifi import Wifi


def test_it_connects_loses_and_finds_the_network_without_waiting():
    ticks = Ticks()
    wifi = Wifi("home", "password", "front-door", ticks.clock())
    machine.air[0] = 0
    wifi.tick()
    ticks.now += 10
    assert not wifi.up and wifi.rssi() is None
    machine.air[0] = 1
    assert wifi.up and wifi.rssi() == -55
    machine.air[0] = 0
    for _ in range(100):
        wifi.tick()
        ticks.now += 1000
    assert not wifi.up
    machine.air[0] = 1
    ticks.now += 30000
    wifi.tick()
    assert wifi.up
