"""Examine this machine: does MXNet work here, and if not, what mends it."""

import json

from .parsing import Parser, run


def main(argv):
    run(make_parser(), lambda given: doctor(**vars(given)), argv)


def make_parser():
    parser = Parser(
        prog="mxlinreg doctor",
        description="Examine whether MXNet works on this machine, and on its GPUs if MXNet is "
        "built for them. Each line says what was found. Where something is wrong, the next line "
        "says what mends it, and the exit status is 1.",
    )
    parser.add_argument(
        "--json", action="store_true", dest="as_json", help="print the findings as JSON"
    )
    return parser


def doctor(*, as_json):
    from ..alive.diagnosis import examine

    findings = examine()
    ok = all(finding.ok for finding in findings)
    if as_json:
        found = {"ok": ok, "findings": [finding._asdict() for finding in findings]}
        print(json.dumps(found, indent=2))
    else:
        print("\n".join(table_lines(findings)))
    if not ok:
        raise SystemExit(1)


def table_lines(findings):
    width = max(len(finding.name) for finding in findings)
    for name, ok, found, remedy in findings:
        yield f"{'ok' if ok else 'wrong':7}{name:{width}}  {found}"
        if not ok:
            yield f"{'':7}{'':{width}}  Try: {remedy}"
