"""Azure Communication Services, as far as the portal has met it, played on loopback by one process of its own."""
