# Removes from an environment what an installer that was killed left half-made: folders that pip renamed to remove them, and
# metadata without a record. Nothing is touched outside a virtual environment.
import pathlib, shutil, sys, sysconfig

if sys.prefix != sys.base_prefix:
    for folder in {pathlib.Path(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")}:
        for path in folder.iterdir():
            half = path.name.endswith(".dist-info") and not (path / "RECORD").exists()
            if half or path.name.startswith("~"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
