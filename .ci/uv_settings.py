"""pip's settings as uv's, which reads none of them: `eval "$(python .ci/uv_settings.py)"`."""

import ast
import shlex
import subprocess
import sys

# An option of pip's, in its files or environment, and the variable by which uv is told the same.
NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "constraint": "UV_CONSTRAINT",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "no-index": "UV_NO_INDEX",
}
SECTIONS = ("global", "install", ":env:")  # a later one counts more


def main() -> None:
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = dict(line.split("=", 1) for line in listed.splitlines())
    print("export UV_INDEX_STRATEGY=unsafe-best-match")  # as pip chooses: the best of all indexes
    for option, name in NAMES.items():
        given = [found[key] for section in SECTIONS if (key := f"{section}.{option}") in found]
        if given:
            between = "," if option == "find-links" else " "
            print(f"export {name}={shlex.quote(between.join(str(ast.literal_eval(given[-1])).split()))}")


if __name__ == "__main__":
    main()
