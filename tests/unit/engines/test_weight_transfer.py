"""The parts of handing over weights that need no server: buckets, the files in memory, ranks of an NCCL group."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from emlit.engines.weight_transfer import WeightTransfer, _bucket_source, _Servers, buckets
from emlit.errors import EngineError

pytest.importorskip("vllm")


def test_buckets_are_bounded_and_gathered_one_at_a_time():
    held = []

    def gathered():
        for name, size in (("a", 4), ("b", 4), ("c", 40), ("d", 1), ("e", 1)):
            held.append(name)
            yield name, torch.zeros(size, dtype=torch.uint8)

    found, seen = [], []
    for part in buckets(gathered(), 8):
        found.append(list(part))
        seen.append(list(held))
    assert found == [["a", "b"], ["c"], ["d", "e"]]
    # The weight that would not fit any more is gathered by then, and nothing behind it.
    assert seen == [["a", "b", "c"], ["a", "b", "c", "d"], ["a", "b", "c", "d", "e"]]
    assert list(buckets([], 8)) == []


def test_a_file_holds_what_was_written_and_is_gone_afterwards(tmp_path):
    from emlit.engines.shm_transfer import _read, _written

    whole = torch.randn(6, 8)
    tensors = {
        "odd": torch.tensor([1, 2, 3], dtype=torch.bfloat16),  # 6 bytes: what follows must be aligned
        "double": torch.randn(2, 3, dtype=torch.float64),
        "tied": whole,
        "tied too": whole,
        "a view": whole.T[1:3],
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 4),
    }
    with _written(tmp_path / "bucket", tensors) as info:
        assert (tmp_path / "bucket").stat().st_mode & 0o777 == 0o600
        found = dict(_read(info, tmp_path))
        assert list(found) == list(tensors)
        for name, tensor in tensors.items():
            assert found[name].dtype == tensor.dtype
            assert torch.equal(found[name], tensor), name
    assert not list(tmp_path.iterdir())
    assert torch.equal(found["tied"], whole)  # what is mapped stays


def test_a_worker_reads_no_file_but_the_trainers(tmp_path):
    from emlit.engines.shm_transfer import _read, _written

    with _written(tmp_path / "bucket", {"w": torch.ones(2)}) as info:
        with pytest.raises(RuntimeError, match="is no file that the trainer put into"):
            list(_read(info, tmp_path / "another"))
        (tmp_path / "link").symlink_to(tmp_path / "bucket")
        info.path = str(tmp_path / "link")
        with pytest.raises(RuntimeError, match="is no file"):
            list(_read(info, tmp_path))
        with pytest.raises(FileExistsError), _written(tmp_path / "link", {"w": torch.ones(2)}):
            pass  # a link that somebody planted is not written through
    assert [each.name for each in tmp_path.iterdir()] == ["link"]


def test_a_full_directory_gets_a_sentence(tmp_path, monkeypatch):
    from emlit.engines.shm_transfer import _written

    def full(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(EngineError, match=r"no room for 4 MiB of weights \(No space left.*bucket_mb"):  # noqa: SIM117
        with _written(tmp_path / "bucket", {"w": torch.zeros(1 << 20)}):
            pass
    assert not list(tmp_path.iterdir())


class Records(_Servers):
    """Three servers, and what each was asked."""

    def __init__(self) -> None:
        super().__init__([f"http://{name}" for name in "abc"], [2, 1, 4], timeout=1)
        self.asked: list[list[tuple[str, object]]] = [[], [], []]

    def call(self, index, path, body):
        self.asked[index].append((path, body))


@pytest.fixture
def three() -> Records:
    return Records()


def test_workers_of_several_servers_have_ranks_of_their_own(three):
    """Rank 0 sends; vLLM gives a server's workers the ranks from `rank_offset` on."""
    three.init_weight_transfer_engine({"rank_offset": 1, "world_size": 8})
    infos = [asked[0][1]["init_info"] for asked in three.asked]
    offsets = [info["rank_offset"] for info in infos]
    assert offsets == [1, 3, 4]
    ranks = [offset + worker for offset, size in zip(offsets, [2, 1, 4], strict=True) for worker in range(size)]
    assert ranks == list(range(1, 8))
    assert {info["world_size"] for info in infos} == {8}


def test_an_update_is_opened_and_closed_once_around_its_buckets(three):
    """vLLM's trainer engines open and close one for all that they are given: a bucket."""
    sent = []

    class Engine:
        def send_weights(self):
            three.start_weight_update()
            sent.append(dict(transfer.source))
            three.update_weights({"names": list(sent[-1])})
            three.finish_weight_update()

    transfer = WeightTransfer.__new__(WeightTransfer)
    transfer.servers, transfer.bucket_bytes, transfer.engine = three, 8, Engine()
    transfer.source = _bucket_source(torch.device("cpu"))
    transfer.send([("a", torch.ones(2)), ("b", torch.ones(1)), ("c", torch.ones(1))], "name")
    assert [list(part) for part in sent] == [["a"], ["b", "c"]]
    for asked in three.asked:
        assert asked == [
            ("pause?mode=wait", None),
            ("start_weight_update", None),
            ("update_weights", {"update_info": {"names": ["a"]}}),
            ("update_weights", {"update_info": {"names": ["b", "c"]}}),
            ("finish_weight_update", {"weight_version": "name"}),
            ("resume", None),
        ]
    assert transfer.source.tensors == {}


def test_what_nccl_is_told():
    """`WeightSource.metadata` must agree with what it iterates over; vLLM's trainer side checks it."""
    from vllm.distributed.weight_transfer.nccl_engine import NCCLTrainerInitInfo, NCCLTrainerWeightTransferEngine

    transfer = WeightTransfer.__new__(WeightTransfer)
    transfer.servers, transfer.bucket_bytes = _Servers(["http://a", "http://b"], [2, 2], 1), 1 << 20
    info = transfer._init_info("nccl", None, "10.0.0.1")
    assert isinstance(info, NCCLTrainerInitInfo)
    assert (info.rank, info.is_sender, info.world_size, info.master_address) == (0, True, 5, "10.0.0.1")
    source = _bucket_source(torch.device("cpu"))
    source.tensors = {"w": torch.ones(2, 3), "v": torch.ones(4, dtype=torch.bfloat16)}
    assert [name for name, _ in NCCLTrainerWeightTransferEngine._checked_iter(source, source.metadata())] == ["w", "v"]


def test_a_server_that_fails_ends_a_transfer_that_would_wait_for_ever(three, monkeypatch):
    """As a broadcast does for workers that are gone."""

    def fails(index, path, body):
        if index == 1:
            raise ConnectionError("refused")

    monkeypatch.setattr(three, "call", fails)
    forever = threading.Event()
    transfer = WeightTransfer.__new__(WeightTransfer)
    transfer.servers = three

    def send() -> None:
        ThreadPoolExecutor(1).submit(three.update_weights, {})  # as vLLM's NCCL engine does
        forever.wait(60)

    with pytest.raises(EngineError, match="server http://b did not take the weights: refused"):
        transfer._watched(send)
    forever.set()
