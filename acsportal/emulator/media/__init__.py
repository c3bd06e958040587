"""Sound on its way to the portal and back: tracks, the mix, the socket and its JSON, and what the caller hears."""
