"""vLLM's own HTTP application with emlit's middleware, without an engine behind it."""

import os
from types import SimpleNamespace
from unittest.mock import patch

MIDDLEWARE = ("emlit.server.decoding_requests.DecodingRequests", "emlit.server.access.ControlAccess")
SECRET = "a-secret-of-the-tests-0123456789"


class Engine:
    """Takes whatever it is told to do, and keeps it."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def __getattr__(self, name):
        async def call(*args, **kwargs):
            if name != "check_health":
                self.told.append(name)

        return call


def build(*arguments: str, secret: str | None = SECRET, hosts: str = "", middleware=MIDDLEWARE):
    """The application, with all that vLLM can mount."""
    from starlette.testclient import TestClient
    from vllm.entrypoints.launchers.app import build_app
    from vllm.entrypoints.launchers.cli_args import make_arg_parser
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    variables = {"VLLM_SERVER_DEV_MODE": "1", "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1", "EMLIT_SERVER_HOSTS": hosts}
    if secret is not None:
        variables["EMLIT_SERVER_SECRET"] = secret
    profiler = '{"profiler": "torch", "torch_profiler_dir": "/tmp/profile"}'
    words = ["--model", "x", "--profiler-config", profiler, "--allowed-origins", "[]"]
    words += [word for each in middleware for word in ("--middleware", each)] + list(arguments)
    with patch.dict(os.environ, variables):
        args = make_arg_parser(FlexibleArgumentParser()).parse_args(words)
        app = build_app(args, ("generate",))
        app.state.engine_client = Engine()
        app.state.vllm_config = SimpleNamespace(
            additional_config={},
            model_config=SimpleNamespace(
                logits_processors=["emlit.decoding.vllm:EntropyDecoding"], get_diff_sampling_param=dict
            ),
        )
        client = TestClient(app, "http://127.0.0.1:8000", client=("127.0.0.1", 1), follow_redirects=False,
                            raise_server_exceptions=False)  # fmt: skip
        client.app.middleware_stack = app.build_middleware_stack()  # read the variables now
    return client
