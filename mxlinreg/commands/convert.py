"""Convert a model of MXNet to ONNX, and check the result."""

from pathlib import Path

from .parsing import Parser, run


def main(argv):
    run(make_parser(), lambda given: convert(**vars(given)), argv)


def make_parser():
    parser = Parser(
        prog="mxlinreg convert",
        description="Convert any model that MXNet has saved to ONNX, with MXNet's own exporter. "
        "The file is written only if onnxruntime computes from random input what MXNet does.",
    )
    parser.add_argument(
        "symbol",
        type=Path,
        metavar="MODEL-symbol.json",
        help="the network, as HybridBlock.export and Module.save_checkpoint write it",
    )
    parser.add_argument(
        "params", type=Path, metavar="MODEL-0000.params", help="its parameters, saved with it"
    )
    parser.add_argument("output", type=Path, metavar="model.onnx", help="ONNX file to write")
    parser.add_argument(
        "--shape",
        type=shape,
        action="append",
        required=True,
        metavar="[NAME=]N,N,...",
        dest="shapes",
        help="shape of the input, such as 1,3,224,224. If there are several inputs, repeat the "
        "option with the name of each: --shape data=1,3,224,224 --shape mask=1,10",
    )
    return parser


def shape(text):
    name, equals, sizes = text.rpartition("=")
    if equals and not name:
        raise ValueError
    parsed = tuple(int(size) for size in sizes.split(","))
    if min(parsed) < 1:
        raise ValueError
    return name or None, parsed


shape.__name__ = "shape, such as 1,3,224,224 or data=1,3,224,224"


def convert(*, symbol, params, output, shapes):
    from .._files import check_different, check_writable
    from ..models.convert import convert_to_onnx

    files = {"MODEL-symbol.json": symbol, "MODEL-0000.params": params, "model.onnx": output}
    check_different(files)
    check_writable("model.onnx", output)
    named = dict(shapes)
    if len(named) < len(shapes):
        raise ValueError("--shape: two are given for the same input; name the input of each")
    try:
        done = convert_to_onnx(symbol, params, output, named)
    except ValueError as error:
        message = str(error)
        raise ValueError("--" * message.startswith("shape: ") + message) from error
    for kind, arrays in (("input", done.inputs), ("output", done.outputs)):
        for name, (sizes, dtype) in arrays.items():
            print(f"{kind:7} {name}: {dtype}, {' x '.join(map(str, sizes))}")
    print(f"onnxruntime's output is MXNet's, up to {done.difference:.1g} of its largest number")
