"""A stand-in of the Hugging Face hub's API: models and data sets are read from it, and exports pushed to it."""

import base64
import hashlib
import json
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.stand_in import StandIn

COMMIT = "0" * 40


def _oid(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


class Hub(StandIn):
    """Repositories in memory, with the files of their one commit; those of data sets as "datasets/OWNER/NAME"."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.refused_from = ""  # a path, which may not be written to
        self.gated: set[str] = set()
        self.told: list[dict] = []
        self.stored: dict[str, bytes] = {}  # large files, by the sum that git LFS names them with

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    server: Hub

    def answer(self, content: Any, status: int = 200, why: str = "") -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{_oid(body)}"')
        self.send_header("X-Repo-Commit", COMMIT)
        if why:
            self.send_header("X-Error-Code", why)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"] or 0))
        hub = self.server
        if (
            hub.refused_from
            and self.path.startswith(hub.refused_from)
            or "Bearer hf_own" not in self.headers.get("Authorization", "")
        ):
            self.answer({"error": "You may not write here"}, 403)
        elif self.path == "/api/repos/create":
            asked = json.loads(sent)
            hub.told.append(asked)
            name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
            hub.repositories.setdefault(name, {})
            self.answer({"url": f"{hub.address}/{name}", "name": name})
        elif "/preupload/" in self.path:
            files = [
                {
                    "path": (path := each["path"]),
                    "uploadMode": "lfs" if path.endswith(".safetensors") else "regular",
                    "shouldIgnore": False,
                }
                for each in json.loads(sent)["files"]
            ]
            self.answer({"files": files})
        elif self.path.endswith("/info/lfs/objects/batch"):
            objects = [
                {**each, "actions": {"upload": {"href": f"{hub.address}/large/{each['oid']}"}}}
                for each in json.loads(sent)["objects"]
            ]
            self.answer({"transfer": "basic", "objects": objects})
        elif "/commit/" in self.path:
            lines = [json.loads(line) for line in sent.splitlines()]
            name = "/".join(self.path.split("/")[3:5])
            for line in lines:
                if line["key"] == "lfsFile":
                    hub.repositories[name][line["value"]["path"]] = hub.stored[line["value"]["oid"]]
                elif line["key"] == "file":
                    hub.repositories[name][line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            self.answer({"success": True, "commitOid": COMMIT, "commitUrl": f"{hub.address}/{name}/commit/0"})
        elif self.path == "/api/validate-yaml":
            self.answer({"errors": [], "warnings": []})
        else:
            self.answer({}, 404)

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.stored[hashlib.sha256(content).hexdigest()] = content
        self.answer({})

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path).strip("/")
        kind, path = ("datasets", path.removeprefix("datasets/")) if path.startswith("datasets/") else ("models", path)
        if path.startswith(("api/models/", "api/datasets/")):
            _, kind, path = path.split("/", 2)
        owner, _, rest = path.partition("/")
        name, _, rest = rest.partition("/")
        files = self.server.repositories.get(f"{owner}/{name}" if kind == "models" else f"datasets/{owner}/{name}")
        if path == "api/whoami-v2":
            known = "Bearer hf_own" in self.headers.get("Authorization", "")
            self.answer({"name": "someone", "type": "user"}, 200 if known else 401)
        elif files is None:
            self.answer({}, 401, "RepoNotFound")
        elif f"{owner}/{name}" in self.server.gated and rest.startswith("resolve/"):
            self.answer({}, 403, "GatedRepo")
        elif rest.startswith("resolve/"):
            content = files.get(rest.split("/", 2)[2])
            self.answer(content, 200) if content is not None else self.answer({}, 404, "EntryNotFound")
        elif rest.startswith("tree/"):
            within = "/".join(rest.split("/")[2:])
            found = [each for each in files if each.startswith(f"{within}/" if within else "")]
            listed = [{"type": "file", "oid": _oid(files[f]), "size": len(files[f]), "path": f} for f in found]
            self.answer(listed) if found else self.answer({}, 404, "EntryNotFound")
        else:
            siblings = [{"rfilename": each} for each in files]
            self.answer({"id": f"{owner}/{name}", "sha": COMMIT, "private": False, "tags": [], "siblings": siblings})

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None: ...
