"""The front door: an environment compiles expressions into programs, a program gives values.

    env = Environment({"self": INT}, library=KUBERNETES)
    program = env.compile("self > 3")                   # raises CompileError
    program.evaluate({"self": 4})                       # raises EvaluationError

An environment and a program never change and can be shared. Compiled programs are not cached here: who compiles keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from wherry.machinery.cel.ast import Node
from wherry.machinery.cel.bounds import Bounds
from wherry.machinery.cel.checker import Checked, check
from wherry.machinery.cel.compiler import compile_tree
from wherry.machinery.cel.estimate import estimate_cost
from wherry.machinery.cel.frame import Frame, charged
from wherry.machinery.cel.functions import Library
from wherry.machinery.cel.literal_checks import check_literals
from wherry.machinery.cel.macros import Macros
from wherry.machinery.cel.parser import parse
from wherry.machinery.cel.source import CompileError, Issue
from wherry.machinery.cel.types import NAMED, Type
from wherry.machinery.cel.values import EvaluationError, no_overload

PER_CALL_LIMIT: Final = 1_000_000
"""What one evaluation may cost: about a tenth of a second of the original."""

_MISUSE = (TypeError, AttributeError, ValueError, KeyError, IndexError, ArithmeticError, UnicodeError, RecursionError)


class WrongResult(CompileError):
    """The expression is right, but of another type than it has to be: `must evaluate to bool but got int`."""

    def __init__(self, wanted: tuple[Type, ...], found: Type) -> None:
        names = [each.described() for each in wanted]
        shown = names[0] if len(names) == 1 else f"one of [{' '.join(names)}]"
        self.issues = (Issue(-1, f"must evaluate to {shown} but got {found.described()}"),)
        Exception.__init__(self, self.issues[0].message)


class Environment:
    """Variables, functions and types that expressions may use. `types` finds object types by name, beyond the built-in."""

    def __init__(
        self,
        variables: Mapping[str, Type],
        *,
        library: Library,
        macros: Macros,
        types: Callable[[str], Type | None] | None = None,
    ) -> None:
        self._variables = dict(variables)
        self._library = library
        self._macros = macros
        self._types = types

    def extended(
        self, variables: Mapping[str, Type], *, types: Callable[[str], Type | None] | None = None
    ) -> Environment:
        """The same with more variables, and types of its own where given."""
        return Environment(
            {**self._variables, **variables}, library=self._library, macros=self._macros, types=types or self._types
        )

    def compile(self, text: str, *, result: Type | tuple[Type, ...] | None = None) -> Program:
        """Parse, check, compile. Raises `CompileError`; `WrongResult` if the type is none of `result`.

        As upstream, a type that is not known before it runs (`dyn`) is only right where `DYN` is among them.
        """
        tree = parse(text, self._macros)
        try:
            checked, issues = check(
                tree, variables=self._variables, functions=self._library.functions, find_type=self._find_type
            )
            issues = issues or check_literals(tree)
            if issues:
                raise CompileError(text, issues)
            wanted = (result,) if isinstance(result, Type) else result
            found = checked.types[tree]
            if wanted is not None and found not in wanted:
                raise WrongResult(wanted, found)
            code = compile_tree(tree, checked, variables=self._variables, find_type=self._find_type)
        except RecursionError:
            raise CompileError(text, [Issue(-1, "expression nesting is too deep")]) from None
        return Program(text, tree, checked, charged(code), self._variables)

    def _find_type(self, name: str) -> Type | None:
        found = NAMED.get(name) or self._library.types.get(name)
        return found if found is not None or self._types is None else self._types(name)


class Program:
    """A compiled expression."""

    def __init__(
        self, text: str, tree: Node, checked: Checked, code: Callable[[Frame], Any], variables: Mapping[str, Type]
    ) -> None:
        self.text = text
        self.tree = tree
        self.checked = checked
        self._code = code
        self._variables = variables

    @property
    def result_type(self) -> Type:
        return self.checked.types[self.tree]

    @property
    def references(self) -> frozenset[str]:
        """The variables of the environment that the expression speaks of."""
        return frozenset(self._variables) & {name.lstrip(".") for name in self.checked.names.values()}

    def cost_estimate(self) -> Bounds:
        """The least and the greatest cost, by what the types of the variables say of sizes."""
        return estimate_cost(self.tree, self.checked, self._variables)

    def evaluate(self, bindings: Mapping[str, Any], *, limit: int = PER_CALL_LIMIT) -> Any:
        """The value. Raises `EvaluationError`, and nothing else."""
        return self.measure(bindings, limit=limit)[0]

    def measure(self, bindings: Mapping[str, Any], *, limit: int = PER_CALL_LIMIT) -> tuple[Any, int]:
        """The value and what it cost. Raises `EvaluationError`, whose `cost` says the same."""
        frame = Frame(bindings, limit)
        try:
            return self._code(frame), frame.cost
        except EvaluationError as error:
            error.cost = frame.cost
            raise
        except _MISUSE as error:
            wrong = no_overload()
            wrong.cost = frame.cost
            raise wrong from error
