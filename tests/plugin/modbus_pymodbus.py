# SPDX-License-Identifier: Apache-2.0
# An independent Modbus/TCP server with the image that test_modbus.c expects; prints its port. Ends with
# its parent. Needs python3-pymodbus 3.0 of Debian.
import os
import struct
import sys
import threading
import time

try:
    from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
    from pymodbus.server.async_io import ModbusTcpServer
except ImportError as why:
    print(f"pymodbus cannot be used: {why}", file=sys.stderr)
    sys.exit(1)
import asyncio


def words(fmt, value):
    raw = struct.pack(">" + fmt, value)
    return list(struct.unpack(f">{len(raw) // 2}H", raw))


image = [0] * 100
image[0:2] = words("f", -123456.5)
image[10:14] = words("d", 219.5)
image[20:24] = words("q", 1234567890123)
image[30:32] = reversed(words("i", -70000))


def end_with_parent(parent):
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(0)


async def main():
    block = ModbusSequentialDataBlock(0, image)
    context = ModbusServerContext(slaves=ModbusSlaveContext(hr=block, ir=block, zero_mode=True), single=True)
    server = ModbusTcpServer(context, address=("127.0.0.1", 0))
    task = asyncio.ensure_future(server.serve_forever())
    for _ in range(500):
        if server.server and server.server.sockets:
            break
        await asyncio.sleep(0.01)
    print(server.server.sockets[0].getsockname()[1], flush=True)
    await task


threading.Thread(target=end_with_parent, args=(os.getppid(),), daemon=True).start()
asyncio.run(main())
