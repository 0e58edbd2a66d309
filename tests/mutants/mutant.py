"""A defect of a safety rule, built into the running process by object, and the tests that must notice it.

Functions and tests are named by the objects themselves: whatever renames or moves them renames them here.
"""

from __future__ import annotations

import functools
import inspect
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping

    Replacement = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One parameter set of a parametrised test; without it, all of them have to fail."""

    test: Callable[..., Any]
    id: str


@dataclass(frozen=True, slots=True)
class Mutant:
    build: Callable[[Patch], None]
    killers: tuple[Callable[..., Any] | Case, ...]

    @property
    def name(self) -> str:
        return self.build.__name__

    @property
    def node_ids(self) -> tuple[str, ...]:
        """As pytest names them; without brackets for all cases of a test."""
        return tuple(node_id(killer) for killer in self.killers)


def killed_by(*killers: Callable[..., Any] | Case) -> Callable[[Callable[[Patch], None]], Mutant]:
    """Makes a mutant of a function that builds it. Each of the tests has to fail then."""
    return lambda build: Mutant(build, killers)


def node_id(killer: Callable[..., Any] | Case) -> str:
    test, case = (killer.test, f"[{killer.id}]") if isinstance(killer, Case) else (killer, "")
    # A property test of hypothesis keeps the test itself within.
    inner = getattr(getattr(test, "hypothesis", None), "inner_test", test)
    return f"{inspect.getfile(inner)}::{inner.__qualname__.replace('.', '::')}{case}"


class Patch:
    """Replaces objects until `undo`, in every module of their package and of the tests that imported them.

    Raises LookupError for what is not where it says it is.
    """

    def __init__(self) -> None:
        self._undo = ExitStack()

    def function(self, target: object, replacement: Replacement) -> None:
        """A function, method or property. `replacement` is called with the original, then as that is."""
        function: Any = target.fget if isinstance(target, property) else target
        owner = _owner(function)
        name = function.__name__
        found = inspect.getattr_static(owner, name)
        original: Any = found
        if isinstance(found, property):
            original = found.fget
        elif isinstance(found, (staticmethod, classmethod)):
            original = found.__func__

        @functools.wraps(original)
        def replaced(*args: Any, **kwargs: Any) -> Any:
            return replacement(original, *args, **kwargs)

        if isinstance(owner, ModuleType):
            self._everywhere(found, replaced, _top(owner))
        else:
            new = type(found)(replaced) if found is not original else replaced
            setattr(owner, name, new)
            self._undo.callback(setattr, owner, name, found)

    def constant(self, module: ModuleType, name: str, value: object) -> None:
        """A module's constant, also where it was imported by its name."""
        found = getattr(module, name)
        for other in _modules(_top(module)):
            known = vars(other).get(name)
            if type(known) is type(found) and known == found:
                setattr(other, name, value)
                self._undo.callback(setattr, other, name, known)

    def entry(self, table: MutableMapping[Any, Any], key: object, value: object) -> None:
        """An entry of a table."""
        self._undo.callback(table.__setitem__, key, table[key])
        table[key] = value

    def undo(self) -> None:
        self._undo.close()

    def _everywhere(self, found: object, new: object, package: str) -> None:
        _swap(found, new, package)
        # What was imported meanwhile has the new one.
        self._undo.callback(_swap, new, found, package)


def _owner(function: Any) -> Any:
    owner: Any = sys.modules[function.__module__]
    *classes, name = function.__qualname__.split(".")
    for part in classes:
        owner = getattr(owner, part)
    if not hasattr(owner, name):
        raise LookupError(f"{function.__qualname__} is not in {function.__module__}")
    return owner


def _top(module: ModuleType) -> str:
    return module.__name__.partition(".")[0]


def _modules(package: str) -> Iterator[ModuleType]:
    """Those of the package and of the tests; not the rules, which keep the originals."""
    for name, module in tuple(sys.modules.items()):
        if name.partition(".")[0] in {package, "tests"} and not name.startswith(__package__ or "?"):
            yield module


def _swap(found: object, new: object, package: str) -> None:
    for module in _modules(package):
        for name, value in tuple(vars(module).items()):
            if value is found:
                setattr(module, name, new)
