"""What emlit adds to vLLM's OpenAI server: ASGI middleware, given to it by name."""

HOSTS_VARIABLE = "EMLIT_SERVER_HOSTS"  # names of the server, with commas between them
