"""A phone in the browser: a person in place of a scenario, with a microphone, an ear and keys."""
