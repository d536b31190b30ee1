from time import sleep_ms

from machine import Pin, SoftI2C
from support import raises
from warden import bme280
from warden.clock import Clock

# The data sheet of the BMP280 (BST-BMP280-DS001, 3.12) works an example: the same formulas.
DIGITS = (27504, 26435, -1000, 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000)
HUMIDITY = (75, 370, 0, 301, 50, 30)


def test_the_worked_example_of_the_data_sheet():
    fine = bme280.temperature_fine(DIGITS, 519888)
    assert fine == 128422
    assert bme280.celsius(fine) == 25.08
    assert abs(bme280.pressure(DIGITS, 415148, fine) - 100653.27) < 0.05


def test_humidity_is_what_the_data_sheets_other_formula_says():
    h1, h2, h3, h4, h5, h6 = HUMIDITY
    for h3, h5, h6 in ((0, 50, 30), (7, -20, -30)):
        for raw in range(20000, 46000, 1000):
            for fine in (-60000, 76800, 128422, 400000):
                a = fine - 76800.0
                value = (raw - (h4 * 64.0 + h5 / 16384.0 * a)) * (
                    h2 / 65536.0 * (1.0 + h6 / 67108864.0 * a * (1.0 + h3 / 67108864.0 * a))
                )
                value *= 1.0 - h1 * value / 524288.0
                digits = DIGITS + (h1, h2, h3, h4, h5, h6)
                found = bme280.humidity(digits, raw, fine)
                assert abs(found - min(max(value, 0), 100)) < 0.05, (raw, fine, found, value)


def test_calibration_of_twelve_bits_has_its_sign():
    first = bytes(25) + bytes([75])
    second = bytes([0x72, 0x01, 0x00, 0x80, 0xF1, 0xFF, 0xE2])
    digits = bme280.calibration(first, second)
    assert digits[12:] == (75, 370, 0, -2047, -1, -30)


def test_another_chip_is_told():
    wires = SoftI2C(scl=Pin(22), sda=Pin(21))
    wires._sensors[0]._registers[0xD0] = 0x58
    chip = bme280.Bme280(wires, 0x76, Clock())
    with raises(ValueError, "no BME280 but a chip 0x58"):
        chip.start()


def test_a_sensor_that_lost_its_power_meanwhile_has_not_measured():
    wires = SoftI2C(scl=Pin(22), sda=Pin(21))
    chip = bme280.Bme280(wires, 0x76, Clock())
    chip.start()
    wires._sensors[0]._reset()
    sleep_ms(20)
    with raises(ValueError, "it has not measured"):
        chip.read({})
    chip.start()
    sleep_ms(20)
    assert chip.read({})["temperature"] == 20
