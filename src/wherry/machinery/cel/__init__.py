"""CEL, the Common Expression Language, as Kubernetes has it: parse, check, estimate, compile, evaluate.

    from wherry.machinery.cel.kubernetes import kubernetes
    from wherry.machinery.cel.types import DYN, INT, object_type

    env = kubernetes({"self": object_type("self", {"replicas": INT}), "params": DYN})
    program = env.compile("self.replicas <= params.most", result=BOOL)     # CompileError, WrongResult (source, environment)
    program.evaluate({"self": {"replicas": 3}, "params": {"most": 5}})      # EvaluationError (values)
    value, cost = program.measure(bindings, limit=remaining)                # what it cost, for budgets
    program.references                                                     # names of variables it speaks of

Values are plain JSON (dict, list, str, int, float, bool, None); what JSON does not have is in `values`. Fields of objects
with a declared type are looked up straight in any `Mapping`, so a lazily computed mapping will do as a variable.
`libraries.authorizer.Authorizer(ask)` is the variable `authorizer`; `mutating()` has `Object{...}` (gives `values.Struct`)
and `JSONPatch{...}`. Read next: `environment`, `kubernetes`, `types`, `values`; then `parser`, `checker`, `compiler`.

The parts are pure and know no Kubernetes object. Source: the CEL specification (https://github.com/google/cel-spec).
"""
