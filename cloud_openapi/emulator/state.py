"""Everything that an emulator knows and remembers."""

import random
from collections.abc import Mapping
from functools import lru_cache

from cloud_openapi.catalogue import Catalogue, default_catalogue
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator.clock import Clock
from cloud_openapi.emulator.errors import TOKEN_PATHS
from cloud_openapi.emulator.fault import Known
from cloud_openapi.emulator.faults import Faults
from cloud_openapi.emulator.journal import Journal
from cloud_openapi.emulator.readiness import Readiness
from cloud_openapi.emulator.tokens import Tokens
from cloud_openapi.emulator.world import World

_WORLDS = 1000


class Emulator:
    """The state behind the application: mini programs, tokens, clock, numbers, journal.

    ``apps`` maps each appid to its secret; by default it is the demo mini program alone. The same
    seed gives the same numbers, tokens and request ids. Until ``ready_hour`` (0 to 24, Beijing's)
    the data of yesterday are not ready.
    """

    def __init__(  # noqa: PLR0913 - each is a setting of its own
        self,
        *,
        seed: int = 0,
        clock: Clock | None = None,
        apps: Mapping[str, str] | None = None,
        catalogue: Catalogue | None = None,
        journal_size: int = 1000,
        ready_hour: int = 0,
    ) -> None:
        self.seed = seed
        self.clock = clock or Clock()
        self.apps = dict(apps or {DEMO_APPID: DEMO_SECRET})
        self.catalogue = default_catalogue() if catalogue is None else catalogue
        self.journal = Journal(journal_size)
        self.readiness = Readiness(ready_hour)
        self.chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self.tokens = Tokens(self.apps, self.clock, self.chance)
        apis = {api.name: api.path for api in self.catalogue.values()}
        known = Known(apis, frozenset({*TOKEN_PATHS, *apis.values()}), self.apps)
        self.faults = Faults(seed, self.clock, known)
        self.world = lru_cache(maxsize=_WORLDS)(self._make_world)
        """Return the simulated mini program of an appid."""

    def _make_world(self, appid: str) -> World:
        return World(self.seed, appid)
