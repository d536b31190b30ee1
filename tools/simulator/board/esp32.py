"""NVS of the simulated board: one file per namespace, replaced atomically by `commit`."""

import binascii
import json
import os

_NOT_FOUND = -0x1102
_INVALID_LENGTH = -0x110C
_CORRUPT = -0x1117


class NVS:
    def __init__(self, namespace):
        if len(namespace) > 15:
            raise OSError(-0x1103, "ESP_ERR_NVS_INVALID_NAME")
        self._path = "nvs-%s.json" % namespace
        try:
            with open(self._path) as file:
                self._values = json.load(file)
        except OSError:
            self._values = {}
        except ValueError:
            self._values = None

    def _check(self):
        if self._values is None:
            raise OSError(_CORRUPT, "ESP_ERR_NVS_CORRUPT_KEY_PART")

    def set_blob(self, key, value):
        self._check()
        self._values[key] = binascii.hexlify(value).decode()

    def get_blob(self, key, buffer):
        self._check()
        if key not in self._values:
            raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")
        value = binascii.unhexlify(self._values[key])
        if len(value) > len(buffer):
            raise OSError(_INVALID_LENGTH, "ESP_ERR_NVS_INVALID_LENGTH")
        buffer[: len(value)] = value
        return len(value)

    def commit(self):
        with open(self._path + ".tmp", "w") as file:
            json.dump(self._values, file)
        os.rename(self._path + ".tmp", self._path)
