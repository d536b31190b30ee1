import time

from warden import rtc


class Esp32Rtc:
    """machine.RTC of an ESP32: microseconds since 2000, as fields; it starts there."""

    fields = (2000, 1, 1, 5, 0, 0, 0, 0)

    def datetime(self, fields=None):
        if fields is None:
            return Esp32Rtc.fields
        assert len(fields) == 8 and 0 <= fields[7] < 1000000
        Esp32Rtc.fields = fields
        return None


class Esp32Time:
    """`time` of an ESP32, whose seconds count from 2000."""

    @staticmethod
    def gmtime(seconds):
        return time.gmtime(seconds + 946684800)


def on_each_epoch():
    rtc._rtc = Esp32Rtc
    for rtc.time in (time, Esp32Time):
        Esp32Rtc.fields = (2000, 1, 1, 5, 0, 0, 0, 0)
        yield


def test_a_clock_that_was_never_set_tells_nothing():
    for _ in on_each_epoch():
        assert rtc.now_ms() is None
        for year in (1970, 2000, 2024):
            Esp32Rtc.fields = (year, 12, 31, 0, 23, 59, 59, 999999)
            assert rtc.now_ms() is None
        Esp32Rtc.fields = (2025, 1, 1, 0, 0, 0, 0, 0)
        assert rtc.now_ms() == 1735689600000


def test_what_was_set_is_told_to_the_millisecond():
    moments = (1735689600000, 1740787199999, 1740787200000, 1763769600123, 4102444799001)
    for _ in on_each_epoch():
        for moment in moments:
            rtc.set(moment)
            assert rtc.now_ms() == moment


def test_the_fields_are_those_of_the_calendar_in_utc():
    for _ in on_each_epoch():
        rtc.set(1709210096789)
        assert Esp32Rtc.fields == (2024, 2, 29, 3, 12, 34, 56, 789000)


def test_every_day_of_400_years_is_counted():
    rtc._rtc = Esp32Rtc
    for day in range(rtc._days(2025, 1, 1), rtc._days(2425, 1, 1)):
        year, month, day_of_month = time.gmtime(day * 86400)[:3]
        assert rtc._days(year, month, day_of_month) == day


def test_without_a_clock_of_its_own_the_systems_counts():
    rtc._rtc = None
    before = int(time.time()) * 1000
    assert before <= rtc.now_ms() <= before + 10000
    rtc.set(0)
    assert rtc.now_ms() >= before
