"""What each case of bad_inputs.json is answered, by id: the place, the words, the numbers."""

from math import pi, tan

from tests.hostile.expected import (
    Answered,
    Closed,
    NeuronAnswered,
    Refused,
    invalid,
    malformed,
    not_finite,
    not_http,
    other_media,
    over_limit,
    syntax,
    unknown_function,
)
from tests.hostile.expected_of_jobs import OF_JOBS

CHARACTERS = "the limit max_expression_characters is 10000"
NODES = "the limit max_expression_nodes is 2000"
NAME_RULE = "a Latin or Greek letter or _, then up to 63 letters, digits, _"
LENGTH = 10_000
EXPECTED: dict[str, Refused | Answered | NeuronAnswered | Closed] = {
    "syntax-01": syntax((0, 0), "the expression is empty", "expected a value"),
    "syntax-04": syntax((8, 9), "unclosed '(' opened at 8", "expected ')'"),
    "syntax-07": syntax((3, 3), "unexpected end", "expected a value after '*'"),
    "syntax-10": Answered(
        value=[1, 2],
        jacobian=[[0, 0], [0, 1]],
        kinks=(
            {
                "expression": "maximum(x,1,)",
                "start": 0,
                "end": 13,
                "rule": "maximum",
                "count": 1,
                "positions": [[0]],
                "value": 0.0,
                "subdifferential": [0.0, 1.0],
            },
        ),
    ),
    "syntax-13": syntax((0, 1), "not an assignment", "expected a name and '='"),
    "syntax-16": syntax((2, 3), "unexpected line continuation"),
    "syntax-19": syntax((6, 7), "do not chain", "write (0 < x) * (x < 1)"),
    "syntax-22": syntax((0, 1), "'{' is not part of the language", "no dict"),
    "syntax-25": Refused("shape_mismatch", ("index 5", "an axis of size 2"), (2, 3)),
    "syntax-28": syntax((4, 6), "complex number '1j'", "numbers are real"),
    "syntax-31": syntax((1, 2), "unexpected 'x' after '2'", "write 2*x"),
    "syntax-34": Answered(value=[1, 4], jacobian=[[2, 0], [0, 4]]),
    "parser_bomb-01": over_limit((LENGTH, 200_001), "200001 characters", CHARACTERS),
    "parser_bomb-04": over_limit((2000, 5001), "5001 nodes", NODES),
    "parser_bomb-07": over_limit((LENGTH, 10_001), "10001 characters", CHARACTERS),
    "parser_bomb-10": over_limit((3000, 3001), "2001 nodes", NODES),
    "parser_bomb-13": over_limit((LENGTH, 25_001), "25001 characters", CHARACTERS),
    "parser_bomb-16": over_limit((LENGTH, 200_001), "200001 characters", CHARACTERS),
    "parser_bomb-19": over_limit((LENGTH, 1_200_001), "1200001 characters", CHARACTERS),
    "parser_bomb-22": over_limit((LENGTH, 1_000_000), "1000000 characters", CHARACTERS),
    "parser_bomb-25": over_limit((LENGTH, 12_001), "12001 characters", CHARACTERS),
    "numeric_literal-01": not_finite((7, 14), "9**9**9", "is inf", "9.0 and 387420489.0"),
    "numeric_literal-04": over_limit((LENGTH, 1_000_006), "1000006 characters", CHARACTERS),
    "numeric_literal-07": Answered(value=[0, 0], jacobian=[[0, 0], [0, 0]]),
    "numeric_literal-10": not_finite((5, 8), "1/0 at 5–8 is inf", "from 1.0 and 0.0"),
    "numeric_literal-13": syntax((0, 3), "string 'a'", "strings are not values"),
    "numeric_literal-16": Refused(
        "wrong_arguments", ("shape has a size of -1", "expected 1 to"), (6, 8)
    ),
    "unicode-01": Refused(
        "unknown_name", ("U+0445 CYRILLIC SMALL LETTER HA", "looks like x", "'x'"), (0, 1)
    ),
    "unicode-04": syntax((0, 1), "U+FB01", "LATIN SMALL LIGATURE FI"),
    "unicode-07": syntax((2, 3), "U+202E", "RIGHT-TO-LEFT OVERRIDE"),
    "unicode-10": syntax((1, 2), "U+001B", "ESCAPE"),
    "unicode-13": Answered(value=5, jacobian=[2, 4]),
    "unicode-16": syntax((4, 5), "U+0661", "ASCII digits only", "write 1"),
    "unicode-19": over_limit((LENGTH, 10_001), "10001 characters", CHARACTERS),
    "unicode-22": invalid("/variables/x\0", r"found the name 'x\x00'", NAME_RULE),
    "code_injection-01": syntax((1, 11), "attribute '.__class__' at 1–11"),
    "code_injection-04": unknown_function((0, 4), "unknown function 'eval' at 0–4"),
    "code_injection-07": syntax((0, 6), "'lambda' at 0–6"),
    "code_injection-10": syntax((1, 6), "'yield' at 1–6"),
    "code_injection-13": syntax((0, 4), "string '%s'", "strings are not values"),
    "code_injection-16": syntax((20, 21), "unexpected '(' after ')'", "only a name is called"),
    "code_injection-19": syntax((1, 8), "attribute '.ctypes' at 1–8"),
    "code_injection-22": syntax((0, 3), "without the 'np.' prefix"),
    "code_injection-25": unknown_function((0, 4), "unknown function 'type' at 0–4"),
    "code_injection-28": unknown_function((0, 4), "unknown function 'help' at 0–4"),
    "code_injection-31": syntax((21, 31), "attribute '.__class__' at 21–31"),
    "code_injection-34": unknown_function((0, 10), "unknown function 'fromstring' at 0–10"),
    "code_injection-37": Refused("unknown_name", ("unknown name '_' at 0–1",), (0, 1)),
    "names-01": unknown_function((0, 7), "'maximun' at 0–7", "did you mean 'maximum'?"),
    "names-04": syntax((0, 3), "write exp(x)", "without the 'np.' prefix"),
    "names-07": Refused(
        "wrong_arguments", ("'x' at 0–1 is a variable", "did you mean x * 2?"), (0, 4)
    ),
    "names-10": Refused(
        "shape_mismatch", ("axis 3 does not exist", "shape (2)", "ndim 1"), (0, 14)
    ),
    "names-13": Refused("unknown_name", ("unknown name 'X'", "did you mean 'x'?"), (0, 1)),
    "names-16": Refused("unknown_name", ("'q' in wrt", "declared variables: x"), "/wrt/0"),
    "names-19": invalid("/wrt", "10000 names", "the limit max_variables is 100"),
    "names-22": Answered(value=2, jacobian=1),
    "names-25": invalid("/variables/", "found the name ''", NAME_RULE),
    "names-28": invalid("/variables/x/valeu", "'valeu'", "expected shape, dtype, data"),
    "arrays-01": invalid("/variables/x/1", "length 1, expected 2"),
    "arrays-04": invalid("/variables/x", "an axis of size 0", "shape (2×0)"),
    "arrays-07": invalid("/variables/x/0", "found a string, expected a number"),
    "arrays-10": invalid("/variables/x/0", "found true, expected a number"),
    "arrays-13": invalid("/variables/x/0", "found a string, expected a number"),
    "arrays-16": Refused(
        "over_limit", ("deeper than 8 levels", "max_dimensions"), "/variables/x"
    ),
    "arrays-19": Answered(value=1, jacobian=[1e-323, 2]),
    "arrays-22": Refused("shape_mismatch", ("x (3) and y (2)", "3 and 2 differ"), (0, 5)),
    "arrays-25": Refused("shape_mismatch", ("x (2×1×2) by x (2×1×2)", "2 and 1"), (0, 5)),
    "arrays-28": Refused("shape_mismatch", ("det takes a 2-d matrix", "shape (2)"), (0, 6)),
    "shape_spec-01": invalid("/variables/x/shape/0", "the number -1", "at least 1"),
    "shape_spec-04": invalid("/variables/x/shape/0", "found a string", "a whole number"),
    "shape_spec-07": invalid("/variables/x/data", "found 1 numbers", "about 1.21e+24"),
    "shape_spec-10": invalid("/variables/x/shape/0", "1.1805916207174113e+21"),
    "json-01": malformed("offset 35, line 1, column 36", "NaN is not JSON", "finite number"),
    "json-04": malformed("offset 18, line 1, column 19", "NaN is not JSON"),
    "json-07": malformed("offset 35, line 1, column 36"),
    "json-10": malformed("offset 35, line 1, column 36"),
    "json-13": malformed("offset 17, line 1, column 18", "unexpected character"),
    "json-16": malformed("the body is empty"),
    "json-19": invalid("", "found an array, expected an object"),
    "json-22": Refused(
        "duplicate_key", ("offset 18", "the key 'expression' for the second time"), status=400
    ),
    "json-25": Refused(
        "over_limit", ("deeper than 8 levels", "max_dimensions"), "/variables/x"
    ),
    "json-28": malformed("offset 0", "byte order mark (BOM)", "without one"),
    "json-31": malformed("offset 15", "the byte 0xff", "expected UTF-8"),
    "json-34": malformed("offset 19, line 2, column 1"),
    "http-01": other_media("found none, expected application/json", "send application/json"),
    "http-04": other_media("found 'multipart/form-data; boundary=b'", "application/json"),
    "http-07": other_media("found 'application/x-www-form-urlencoded", "application/json"),
    "http-10": other_media("header Content-Encoding: found 'gzip', expected none"),
    "http-13": Refused(
        "body_too_large", ("33554433 bytes", "max_body_bytes is 33554432"), status=413
    ),
    "http-16": Refused(
        "not_found", ("'/v1/jacobain'", "did you mean '/v1/jacobian'?"), status=404
    ),
    "http-19": Answered(value=5, jacobian=[2, 4]),
    "http-22": not_http("not valid HTTP/1.1"),
    "http-25": not_http("header Host: found 'evil.example'", "GRADSERVE_ALLOWED_HOSTS"),
    "transport-01": Refused(
        "body_too_large", ("99999999999 bytes", "max_body_bytes is 33554432"), status=413
    ),
    "transport-04": not_http("not valid HTTP/1.1"),
    "transport-07": Refused("request_timeout", ("after 2 bytes", "pause 3 s"), status=408),
    "transport-10": not_http("not valid HTTP/1.1"),
    "transport-13": Refused("request_timeout", ("header_seconds, 10",), status=408),
    "transport-16": Refused("header_too_large", ("max_header_bytes is 65536",), status=431),
    "transport-19": not_http("header Host: found 'a/v1/admin?x='"),
    "transport-22": not_http("not valid HTTP/1.1"),
    "transport-25": Closed(),
    "resource_bomb-01": Refused(
        "budget_exceeded",
        (
            "3,200,160,000 bytes",
            "the limit of 67,108,864",
            "4.0e+08 flops",
            "the derivative by x, of shape (20000×20000)",
            '"auto" or "factored"',
        ),
        "/expression",
    ),
    "resource_bomb-04": invalid("/order", "unknown field 'order'"),
    "resource_bomb-07": Refused(
        "budget_exceeded",
        (
            "8,000,008,000,008 bytes",
            "the limit of 67,108,864",
            "1.0e+12 flops",
            "this sub-expression, of shape (1000000×1000000)",
            "the gradient of a scalar",
        ),
        (0, 11),
    ),
    "resource_bomb-10": Refused(
        "budget_exceeded",
        (
            "8,000,000,000,008,008 bytes",
            "the limit of 67,108,864",
            "1.0e+15 flops",
            "this sub-expression, of shape (1000×1000×1000×1000×1000)",
        ),
        (0, 36),
    ),
    "resource_bomb-13": Refused(
        "shape_mismatch", ("eye(100000) (100000×100000) by x (2)", "100000 and 2"), (0, 15)
    ),
    "resource_bomb-16": unknown_function((0, 3), "unknown function 'pad' at 0–3"),
    "resource_bomb-19": over_limit(
        (0, 27), "the exponent 1000000000 of matrix_power", "the limit of 1000"
    ),
    "resource_bomb-22": over_limit((LENGTH, 12_582_907), "12582907 characters", CHARACTERS),
    "math_domain-01": not_finite(
        (0, 6), "log(x) at 0–6 is nan", "position [0] (1 of 2 entries)", "from -1.0"
    ),
    "math_domain-04": not_finite(
        (0, 10), "sin(x) / x at 0–10 is nan", "position [0] (1 of 1", "from 0.0 and 0.0"
    ),
    "math_domain-07": not_finite(
        (0, 8), "x ** 0.5 at 0–8 is nan", "position [0] (1 of 1", "from -8.0 and 0.5"
    ),
    "math_domain-10": Answered(value=[0.5, 0.5], jacobian=[[0.25, -0.25], [-0.25, 0.25]]),
    "math_domain-13": Answered(value=[0], jacobian=[[0]]),
    "math_domain-16": Answered(value=[tan(pi / 2)], jacobian=[[1 + tan(pi / 2) ** 2]]),
    "math_domain-19": invalid("/variables/x", "an axis of size 0"),
    "math_domain-22": Refused(
        "singular_matrix", ("the matrix in inv(A) at 0–6 is singular",), (0, 6)
    ),
    "math_domain-25": unknown_function((0, 8), "unknown function 'cholesky' at 0–8"),
    "math_domain-28": unknown_function((0, 3), "unknown function 'svd' at 0–3"),
    "kink-01": Answered(
        value=[0, 1],
        jacobian=[[0, 0], [0, 1]],
        kinks=(
            {
                "expression": "maximum(0, x)",
                "start": 0,
                "end": 13,
                "rule": "maximum",
                "count": 1,
                "positions": [[0]],
                "value": 0.0,
                "subdifferential": [0.0, 1.0],
            },
        ),
    ),
    "kink-04": Answered(
        value=0,
        jacobian=[0, 0],
        kinks=(
            {
                "expression": "norm(x)",
                "start": 0,
                "end": 7,
                "rule": "norm2",
                "count": 1,
                "positions": [[]],
                "value": 0.0,
                "subdifferential": [-1.0, 1.0],
            },
        ),
    ),
    "kink-07": Answered(value=[1], jacobian=[[1]]),
    "kink-10": Answered(
        value=[0],
        jacobian=[[0]],
        kinks=(
            {
                "expression": "sign(x)",
                "start": 0,
                "end": 7,
                "rule": "sign",
                "count": 1,
                "positions": [[0]],
                "value": 0.0,
                "subdifferential": None,
            },
        ),
    ),
    "kink-13": Answered(
        value=[0, 1],
        jacobian=[[0, 0], [0, 0]],
        kinks=tuple(
            {
                "expression": "clip(x, 0, 1)",
                "start": 0,
                "end": 13,
                "rule": "clip",
                "count": 1,
                "positions": [[bound]],
                "value": 0.0,
                "subdifferential": [0.0, 1.0],
            }
            for bound in (0, 1)
        ),
    ),
    "kink-16": Answered(value=[0], jacobian=[[0]]),
    "neuron-01": invalid(
        "/activation", "found 'relo'", "expected one of abs", "sigmoid", "did you mean 'relu'?"
    ),
    "neuron-04": Refused("shape_mismatch", ("weights 2, inputs 3",), "/inputs"),
    "neuron-07": NeuronAnswered(loss=15_000.0, gradient=[0.5, 1.0]),
    "neuron-10": invalid("/learning_rate", "unknown field 'learning_rate'"),
    "neuron-13": invalid("/weights", "an axis of size 0", "expected numbers along it"),
    "neuron-16": invalid("/bias", "found shape (1), expected a scalar"),
    "kink-19": unknown_function((0, 6), "unknown function 'argmax' at 0–6"),
    **OF_JOBS,
}
