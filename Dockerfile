# docker build -t emlit .                          for CPUs
# docker build -t emlit --build-arg EXTRA=gpu .    for CUDA GPUs (docker run --gpus all; a driver of the 580 series)
# docker run --rm -v "$PWD":/work emlit fit --config emlit://tiny/em_ft --run_dir runs/first
FROM python:3.11-slim
ARG EXTRA=cpu
# bubblewrap shuts in the programs that models write (docs/sandbox.md says what a container must allow it); g++ compiles for torch;
# vLLM's kernels for CPUs are linked with libnuma.
RUN apt-get update && apt-get install -y --no-install-recommends bubblewrap g++ git libnuma1 make && rm -rf /var/lib/apt/lists/*
COPY . /opt/emlit
RUN make -C /opt/emlit install EXTRA=$EXTRA
ENV PATH=/opt/emlit/.venv/bin:$PATH
WORKDIR /work
ENTRYPOINT ["emlit"]
