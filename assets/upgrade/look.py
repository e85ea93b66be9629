# Prints as JSON what there is of the distribution named by the first argument, and the versions of those after it.
import base64, hashlib, importlib.metadata as metadata, json, sys


def version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def whole(name):
    """Whether every file that the distribution's record names is there with its hash."""
    try:
        files = metadata.distribution(name).files
    except metadata.PackageNotFoundError:
        return False
    for file in files or []:
        try:
            content = file.locate().read_bytes()
        except OSError:
            # Compiled files come and go.
            if file.suffix == ".pyc":
                continue
            return False
        if file.hash and file.hash.mode in hashlib.algorithms_guaranteed and file.suffix != ".pyc":
            digest = hashlib.new(file.hash.mode, content).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != file.hash.value:
                return False
    return bool(files)


name, others = sys.argv[1], sys.argv[2:]
print(json.dumps({
    "version": version(name),
    "python": ".".join(map(str, sys.version_info[:3])),
    "beside": [f"{other}=={version(other)}" for other in others if version(other)],
    "whole": whole(name),
}))
