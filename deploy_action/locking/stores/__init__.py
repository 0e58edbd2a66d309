"""The places that can keep the registry. Each is one module, named as the scheme of its address, that
declares itself as STORE, and is found by that name."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deploy_action.locking.registry_address import RegistryAddress
    from deploy_action.locking.store import Store


class UnknownStore(ValueError):
    """`meant`: a question, or empty."""

    def __init__(self, scheme: str, near: list[str]) -> None:
        self.meant = f"Did you mean `{near[0]}`?" if near else ""
        super().__init__(f"No registry is called `{scheme}`. {self.meant}".rstrip())


def store_of(scheme: str) -> Store:
    """Raises UnknownStore, with a sentence for people, where no store has that scheme."""
    if scheme in _module_names():
        found = getattr(import_module(f"{__name__}.{scheme}"), "STORE", None)
        if found is not None:
            store: Store = found
            return store
    schemes = [store.scheme for store in all_stores()]
    raise UnknownStore(scheme, get_close_matches(scheme, schemes, n=1, cutoff=0.5))


def all_stores() -> list[Store]:
    """By the name of their scheme."""
    modules = [import_module(f"{__name__}.{name}") for name in sorted(_module_names())]
    return [module.STORE for module in modules if hasattr(module, "STORE")]


def parse_registry(text: str) -> RegistryAddress:
    """Parses the input `registry`: `SCHEME://…`, a scheme alone, or an ARN, which names its service. Raises
    ValueError with a sentence for people."""
    scheme = f"{text}::".split(":")[2] if text.startswith("arn:") else text.partition("://")[0]
    why = ""
    try:
        address = store_of(scheme.lower()).parse(text)
    except UnknownStore as error:
        address, why = None, f" {error.meant}"
    if address is None:
        examples = ", ".join(store.example for store in all_stores())
        raise ValueError(f"`{text}` is none of {examples}.{why}".rstrip())
    return address


def _module_names() -> list[str]:
    return [module.name for module in iter_modules(__path__)]
