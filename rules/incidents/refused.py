"""Why an operator's command cannot be done: one clear line."""


class RefusedError(Exception):
    pass
