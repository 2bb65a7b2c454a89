"""API keys: `gs_<id>_<secret>`, hashed, scoped, expiring; and the protocol of their store."""

import re
import secrets
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from typing import Literal, Protocol, get_args

Scope = Literal["compute", "jobs", "datasets", "metrics"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
LOCAL_TENANT = "local"  # of everything where no keys are asked for
_PREFIX = "gs"
_ID_BYTES, _SECRET_BYTES = 8, 32
_WRITTEN = re.compile(rf"{_PREFIX}_([^\W_]{{{2 * _ID_BYTES}}})_[^\W_]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is stored: never its secret. Times are seconds of the store's clock."""

    id: str
    tenant: str
    name: str
    scopes: tuple[Scope, ...]
    secret_hash: bytes
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None

    def opens(self, secret: str, now: float) -> bool:
        """Whether this secret is the key's and the key is good now; in constant time."""
        is_same = compare_digest(self.secret_hash, hash_of(secret))
        return is_same and self.is_live(now)

    def is_live(self, now: float) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class KeyStore(Protocol):
    """Where keys are kept."""

    def now(self) -> float:
        """The store's time, in seconds since 1970."""

    def add_key(self, key: Key) -> None:
        """Keep a new key."""

    def key(self, key_id: str) -> Key | None:
        """The key of this id, also one that is revoked or has expired."""

    def keys(self) -> list[Key]:
        """All keys, the newest first."""

    def revoke_key(self, key_id: str) -> Key | None:
        """Make a key useless from now on; None if there is none of this id."""

    def has_keys(self) -> bool:
        """Whether there is any key, also a useless one."""


def new_token() -> tuple[str, str]:
    """A new id and secret, of 64 and 256 random bits, as hexadecimal digits."""
    return secrets.token_hex(_ID_BYTES), secrets.token_hex(_SECRET_BYTES)


def hash_of(secret: str) -> bytes:
    """SHA-256 of a secret; it has 256 random bits, so that no slower hash is needed."""
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


def written(key_id: str, secret: str) -> str:
    """A key as its owner sends it."""
    return f"{_PREFIX}_{key_id}_{secret}"


def without_secrets(text: str) -> str:
    """The text with the secret of each key in it left out, so that it can be logged."""
    return _WRITTEN.sub(rf"{_PREFIX}_\1_…", text)


def parts_of(token: str) -> tuple[str, str] | None:
    """Id and secret of a key as it is sent; None if it is none."""
    parts = token.split("_")
    if len(parts) != 3 or parts[0] != _PREFIX:
        return None
    key_id, secret = parts[1:]
    fits = len(key_id) == 2 * _ID_BYTES and len(secret) == 2 * _SECRET_BYTES
    return (key_id, secret) if fits and (key_id + secret).isalnum() else None
