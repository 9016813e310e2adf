"""The vocabulary of Wattline: places, devices, quantities, batches, ports. No I/O, no clock."""
