"""Who asks: API keys by the Authorization header, the scope that each route needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl

from starlette.requests import Request

from service.access import LOCAL_TENANT, SCOPES, Key, KeyStore, Scope, parts_of
from service.api.key_lookups import KeyLookups
from service.api.rates import Rates
from service.errors import ForbiddenError, UnauthenticatedError
from service.settings import Settings

Need = Scope | Literal["any"]  # any: a key, whatever its scopes
SCOPE_OF_TAG: dict[str, Scope] = {
    "expressions": "compute",
    "training": "compute",
    "jobs": "jobs",
    "datasets": "datasets",
}
METRICS_PATH = "/metrics"
_NAMES_OF_KEYS = frozenset(
    {"api_key", "apikey", "api-key", "key", "token", "access_token", "authorization"}
)
_REFUSED = "the request has no API key that is good now"
_HINT = "send the header Authorization: Bearer gs_…; gradserve keys create makes a key"


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose request it is; `key_id` is None where no keys are asked for."""

    tenant: str
    key_id: str | None = None


def need_of(path: str, tags: Sequence[object]) -> Need | None:
    """What a route asks of a key; None for the routes that are open."""
    if path == METRICS_PATH:
        return "metrics"
    if not path.startswith("/v1/"):
        return None
    return next((SCOPE_OF_TAG[tag] for tag in tags if tag in SCOPE_OF_TAG), "any")


class Access:
    """Lets requests in, or refuses them: one and the same answer for every key that is bad."""

    def __init__(self, settings: Settings, keys: KeyStore) -> None:
        self._settings = settings
        self._lookups = KeyLookups(keys, settings.key_refresh_seconds)
        self._rates = Rates(settings.rate_limit)

    async def admit(self, request: Request, need: Need) -> Caller:
        """Who asks; the answer will tell what is left of the rate.

        Raises:
            UnauthenticatedError: there is no good key, or one is in the address.
            ForbiddenError: the key lacks the scope.
            RateLimitedError: the key is used too often.
            UnavailableError: the keys cannot be read.
        """
        if not await self._asks_for_keys(need):
            return Caller(LOCAL_TENANT)
        key = await self._key_of(request)
        if key is None:
            raise UnauthenticatedError(_REFUSED, hint=_HINT)
        headers, refusal = self._rates.spend(key.id)
        request.scope["gradserve.headers"].extend(headers)
        if refusal is not None:
            raise refusal
        if need != "any" and need not in key.scopes:
            found = ", ".join(scope for scope in SCOPES if scope in key.scopes) or "none"
            raise ForbiddenError(
                f"the key has the scopes {found}, but this route needs {need}",
                hint=f"gradserve keys create --scope {need} makes such a key",
            )
        return Caller(key.tenant, key.id)

    async def is_still_good(self, caller: Caller) -> bool:
        """Whether the key that a long answer began with would still be let in."""
        return caller.key_id is None or await self._lookups.is_live(caller.key_id)

    async def _asks_for_keys(self, need: Need) -> bool:
        settings = self._settings
        if settings.insecure:
            return need == "metrics" and not settings.is_loopback
        return not settings.is_loopback or await self._lookups.has_keys()

    async def _key_of(self, request: Request) -> Key | None:
        if _is_in_address(request):
            return None
        headers = request.headers.getlist("authorization")
        scheme, _, token = headers[0].partition(" ") if len(headers) == 1 else ("", "", "")
        parts = parts_of(token.strip()) if scheme.lower() == "bearer" else None
        return await self._lookups.opened(*parts) if parts else None


def _is_in_address(request: Request) -> bool:
    """Whether the query has a key: addresses end up in logs and histories."""
    query = request.scope["query_string"].decode("latin-1")
    pairs = parse_qsl(query, keep_blank_values=True) if query else ()
    return any(n.lower() in _NAMES_OF_KEYS or parts_of(value) for n, value in pairs)


async def let_in(request: Request, access: Access, need: Need) -> None:
    """Note who asks, for `caller_of`; raises what `Access.admit` raises."""
    request.scope["gradserve.caller"] = await access.admit(request, need)


def caller_of(request: Request) -> Caller:
    """Who asks, once the request was let in."""
    found = request.scope["gradserve.caller"]
    assert isinstance(found, Caller)
    return found
