# SPDX-License-Identifier: Apache-2.0
"""A recorded load as the registers of a meter, served by pymodbus: an independent Modbus server.

replay.py PORT START_RFC3339 FILE FIRST_ROW: FILE has kwh,kvarh_lag,kvarh_lead per 15 minutes; row
FIRST_ROW (from 0) begins at START. The map is that of Schneider's iEM3255 (64-bit Wh counters).

The counters stand still within 300 s of each quarter hour and move in between, so that a reader who
sees them some seconds late still finds the exact energy of each quarter hour.
"""
import asyncio
import csv
import os
import struct
import sys
import time
from datetime import datetime

from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext, ModbusSparseDataBlock
from pymodbus.server import StartAsyncTcpServer

SLOT, EDGE = 900.0, 300.0


def clock():
    start, epoch, speed = os.environ["FEMS_CLOCK"].split(",")
    return (int(start) + (time.time() * 1e6 - int(epoch)) * float(speed)) / 1e6


class Load:
    def __init__(self, path, first, begin):
        with open(path, encoding="utf-8") as f:
            rows = [[round(float(r[k]) * 1000) for k in ("kwh", "kvarh_lag", "kvarh_lead")] for r in csv.DictReader(f)]
        self.rows, self.begin = rows[first:], begin

    def at(self, t):
        """Counters (Wh, varh lagging, varh leading) and power in W."""
        slot, into = divmod(max(0.0, t - self.begin), SLOT)
        slot = min(int(slot), len(self.rows) - 1)
        share = min(1.0, max(0.0, (into - EDGE) / (SLOT - 2 * EDGE)))
        done = [sum(r[k] for r in self.rows[:slot]) + int(self.rows[slot][k] * share) for k in range(3)]
        return done, self.rows[slot][0] * 3600 / SLOT


class Registers(ModbusSparseDataBlock):
    def __init__(self, load):
        super().__init__({0: 0})
        self.load = load

    def validate(self, address, count=1):
        return 2900 <= address and address + count <= 3700

    def getValues(self, address, count=1):
        (wh, lag, lead), power = self.load.at(clock())
        image = {}

        def put(at, fmt, value):
            for i, word in enumerate(struct.unpack(f">{struct.calcsize(fmt) // 2}H", struct.pack(fmt, value))):
                image[at + i] = word

        put(3203, ">q", wh)
        put(3219, ">q", lag)
        put(3223, ">q", lead)
        put(3059, ">f", power / 1000)
        put(3109, ">f", 60.0)
        for at in (3027, 3029, 3031):
            put(at, ">f", 220.0)
        return [image.get(address + i, 0) for i in range(count)]


async def main():
    port, begin, path, first = int(sys.argv[1]), datetime.fromisoformat(sys.argv[2]).timestamp(), sys.argv[3], int(sys.argv[4])
    slave = ModbusSlaveContext(hr=Registers(Load(path, first, begin)), zero_mode=True)
    await StartAsyncTcpServer(ModbusServerContext(slaves={1: slave}, single=False), address=("127.0.0.1", port))


asyncio.run(main())
