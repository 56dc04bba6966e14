#!/usr/bin/env bash
# Makes dist/: wheel, source archive, bill of materials (CycloneDX), and their SHA-256 sums. Then installs the wheel into
# a new environment outside the repository, with nothing of the repository in reach, and uses it there. PYTHON names an
# interpreter that has everything installed already; without it .venv is set up.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
cd -- "$root"
[ -n "${PYTHON:-}" ] || bash scripts/setup.sh dev
python=${PYTHON:-$root/.venv/bin/python}
scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT

rm -rf -- dist
"$python" -m venv "$scratch/tools"
"$scratch/tools/bin/python" -m pip install --quiet --disable-pip-version-check build==1.6.1 cyclonedx-bom==7.5.0
"$scratch/tools/bin/python" -m build --outdir dist .
version=$("$python" -c 'import tomllib; print(tomllib.load(open("pyproject.toml", "rb"))["project"]["version"])')
sbom=dist/ainl_align-$version.cdx.json
"$scratch/tools/bin/cyclonedx-py" requirements constraints.txt --pyproject pyproject.toml --mc-type application \
  --output-reproducible --of JSON -o "$sbom"

# The weights come in a package, but they are a component of their own.
"$python" - "$sbom" <<'PYTHON'
import json, pathlib, sys
from ainl_align.training import base
from ainl_align.training.checkpoints import WEIGHTS, load_adapter
from ainl_align.training.shipped import shipped
path = pathlib.Path(sys.argv[1])
bill = json.loads(path.read_text(encoding="utf-8"))
bill["components"].append({
    "type": "machine-learning-model", "bom-ref": "embedded-base", "name": base._GGUF,
    "hashes": [{"alg": "SHA-256", "content": base._GGUF_SHA256}],
    "licenses": [{"license": {"id": "Apache-2.0"}}], "description": f"embedded base model, from the package {base._WHEEL}",
})
if (folder := shipped()) is not None:
    bill["components"].append({
        "type": "machine-learning-model", "bom-ref": "shipped-adapter", "name": folder.name,
        "hashes": [{"alg": "SHA-256", "content": load_adapter(folder).files[WEIGHTS]}],
        "licenses": [{"license": {"id": "Apache-2.0"}}], "description": "LoRA adapter of the embedded base, in this wheel",
    })
path.write_text(json.dumps(bill, indent=2) + "\n", encoding="utf-8")
print(f"release: {path} names {len(bill['components'])} components", file=sys.stderr)
PYTHON

# The wheel alone, beside the libraries that are installed already.
"$python" -m venv --without-pip "$scratch/user"
libraries=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
site=$("$scratch/user/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
"$python" -m pip install --quiet --disable-pip-version-check --no-deps --target "$site" dist/*.whl
for entry in "$libraries"/*; do
  case ${entry##*/} in *ainl_align* | *.pth | __editable__* | pip | pip-* | __pycache__) ;; *) ln -s -- "$entry" "$site/" ;; esac
done
mkdir "$scratch/elsewhere"
(
  cd -- "$scratch/elsewhere"
  unset PYTHONPATH
  use=$scratch/user/bin/python
  align() { "$use" -c 'from ainl_align.cli import main; main()' "$@"; }
  "$use" -c 'import ainl_align, sys; assert ainl_align.__file__.startswith(sys.argv[1]), ainl_align.__file__' "$scratch"
  align tasks show regression --json >tasks.json
  "$use" -c 'import json; print(json.load(open("tasks.json"))[0]["gold"], end="")' >gold.ainl
  align check gold.ainl
  align tasks validate regression --limit 2 --mutants-per-task 2
  align build regression --variants-per-prompt 1 --output-dir data
  "$use" - <<'PYTHON'
from importlib.resources import files
from ainl_align.artifacts import load_schema
package = files("ainl_align")
names = [entry.name.removesuffix(".json") for entry in package.joinpath("schemas").iterdir()]
assert len(names) >= 8 and all(load_schema(name) for name in names), names
templates = [entry.name for entry in package.joinpath("report", "templates").iterdir()]
assert {"report.css", "report.js", "run.html.j2"} <= set(templates), templates
from ainl_align.training.checkpoints import load_adapter
from ainl_align.training.shipped import shipped
assert load_adapter(shipped()).files, "the adapter that comes with the package is not in the wheel"
PYTHON
)
(cd dist && sha256sum -- *.whl *.tar.gz *.cdx.json >SHA256SUMS && cat SHA256SUMS)
echo "release: dist/ is complete; the wheel works outside the repository" >&2
