#!/usr/bin/env python3
"""Says what a program is made of, from `cargo metadata` on standard input.

bill_of_materials.py PROGRAM SBOM NOTICES writes a software bill of materials (CycloneDX 1.5, JSON) and the
licence texts of the crates that are linked into PROGRAM.
"""

import json
import pathlib
import sys

TEXTS = ("LICENSE*", "LICENCE*", "COPYING*", "NOTICE*", "UNLICENSE*")


def linked(metadata, program):
    """Packages that the program is built of, itself first; dependencies of tests are left out."""
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    own = [id for id, package in packages.items() if package["name"] == program]
    found, waiting = {}, list(own)
    while waiting:
        id = waiting.pop()
        needed = [
            dependency["pkg"]
            for dependency in nodes[id]["deps"]
            if any(kind["kind"] != "dev" for kind in dependency["dep_kinds"])
        ]
        found[id] = sorted(needed)
        waiting += [other for other in needed if other not in found]
    return packages[own[0]], [packages[id] for id in sorted(found)], found


def reference(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package, kind):
    # `MIT/Apache-2.0` is how manifests wrote a choice before SPDX expressions.
    licence = (package["license"] or "").replace("/", " OR ")
    found = {
        "type": kind,
        "bom-ref": reference(package),
        "name": package["name"],
        "version": package["version"],
        "purl": reference(package),
    }
    return found | ({"licenses": [{"expression": licence}]} if licence else {})


def bill(program, packages, dependencies):
    by_id = {package["id"]: package for package in packages}
    others = [package for package in packages if package["id"] != program["id"]]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": component(program, "application")},
        "components": [component(package, "library") for package in others],
        "dependencies": [
            {
                "ref": reference(by_id[id]),
                "dependsOn": [reference(by_id[other]) for other in needed],
            }
            for id, needed in sorted(dependencies.items())
        ],
    }


def notices(packages):
    """Each text once, below the crates that come with it."""
    crates = {}
    for package in packages:
        if package["source"] is None:
            continue
        folder = pathlib.Path(package["manifest_path"]).parent
        files = sorted({path for form in TEXTS for path in folder.glob(form) if path.is_file()})
        texts = [path.read_text(errors="replace").strip() for path in files]
        for text in texts or ["(no licence text comes with the crate)"]:
            name = f"{package['name']} {package['version']} ({package['license']})"
            crates.setdefault(text, []).append(name)
    rule = "=" * 80
    parts = ["\n".join([rule, *names, rule, "", text, ""]) for text, names in crates.items()]
    return "\n".join(parts)


def main():
    name, bill_path, notices_path = sys.argv[1:]
    program, packages, dependencies = linked(json.load(sys.stdin), name)
    text = json.dumps(bill(program, packages, dependencies), indent=1, ensure_ascii=False)
    pathlib.Path(bill_path).write_text(text + "\n")
    pathlib.Path(notices_path).write_text(notices(packages))


main()
