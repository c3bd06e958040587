"""The REST API under /api/: parse, permit, call one verb of `calls.services`, answer with `calls.selectors`."""
