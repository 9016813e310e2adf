"""HTTP and WebSocket interface: reads through the ports, answers in the public contract."""
