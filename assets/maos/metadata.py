# Run by the interpreter of the maos script: which distribution it runs, and whether what it needs is there. Imports nothing of it.
import importlib.metadata as metadata
import importlib.util
import json
import platform
import sys

found = {
    "python": platform.python_version(),
    "click": importlib.util.find_spec("click") is not None,
    "venv": sys.prefix != sys.base_prefix,
}
for name in ("maos-cli", "maos"):
    try:
        found["version"] = metadata.version(name)
        found["distribution"] = name
        break
    except metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
