from machine import RTC


def test_the_clock_of_the_simulated_board_goes_on_from_what_it_is_set_to():
    for moment, weekday in (
        ((2026, 10, 5, 0, 12, 34, 56, 0), 0),
        ((2000, 1, 1, 0, 0, 0, 0, 0), 5),
        ((2028, 2, 29, 0, 23, 59, 58, 0), 1),
        ((2099, 12, 31, 0, 23, 59, 58, 0), 3),
        ((1970, 3, 1, 0, 0, 0, 0, 0), 6),
    ):
        RTC().datetime(moment)
        told = RTC().datetime()
        assert told[:3] == moment[:3] and told[3] == weekday, told
        assert told[4:6] == moment[4:6] and moment[6] <= told[6] <= moment[6] + 1
        assert 0 <= told[7] < 1000000
