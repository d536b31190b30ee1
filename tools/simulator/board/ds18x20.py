"""`ds18x20` of a stock ESP32, over the simulated `onewire`."""

_FAMILIES = (0x10, 0x22, 0x28)
_CONVERT, _READ, _WRITE = 0x44, 0xBE, 0x4E


class DS18X20:
    def __init__(self, onewire):
        self.ow = onewire
        self.buf = bytearray(9)

    def scan(self):
        return [rom for rom in self.ow.scan() if rom[0] in _FAMILIES]

    def convert_temp(self):
        self.ow.reset(True)
        self.ow.writebyte(self.ow.SKIP_ROM)
        self.ow.writebyte(_CONVERT)

    def read_scratch(self, rom):
        self.ow.reset(True)
        self.ow.select_rom(rom)
        self.ow.writebyte(_READ)
        self.ow.readinto(self.buf)
        if self.ow.crc8(self.buf):
            raise Exception("CRC error")  # noqa: TRY002 - as the driver does
        return self.buf

    def write_scratch(self, rom, buf):
        self.ow.reset(True)
        self.ow.select_rom(rom)
        self.ow.writebyte(_WRITE)
        self.ow.write(buf)

    def read_temp(self, rom):
        """Degrees Celsius of a DS18B20; the simulator has no other."""
        pad = self.read_scratch(rom)
        sixteenths = pad[1] << 8 | pad[0]
        return (sixteenths - 0x10000 if sixteenths & 0x8000 else sixteenths) / 16
