import os
import stat
import threading

import pytest

from emlit.errors import ConfigError
from emlit.server import secret


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for name in ("EMLIT_SERVER_SECRET", "EMLIT_SERVER_SECRET_FILE", "VLLM_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_one_is_made_and_kept_for_its_owner_alone(home):
    assert secret.find() is None
    assert secret.headers() == {}
    old = os.umask(0)
    try:
        file = secret.create()
    finally:
        os.umask(old)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    found = secret.find()
    assert len(found) >= 32
    assert secret.create() == file
    assert secret.find() == found
    assert secret.headers() == {"X-Emlit-Secret": found}
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_servers_that_start_together_agree(home):
    threads = [threading.Thread(target=secret.create) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert secret.find()
    assert len(list(secret.default_file().parent.iterdir())) == 1


def test_environment_before_file_before_default(home, monkeypatch):
    secret.create()
    (home / "file").write_text("of-a-file-0123456789\n")
    (home / "file").chmod(0o600)
    monkeypatch.setenv("EMLIT_SERVER_SECRET_FILE", str(home / "file"))
    assert secret.find() == "of-a-file-0123456789"
    monkeypatch.setenv("EMLIT_SERVER_SECRET", "of-the-environment-01")
    monkeypatch.setenv("VLLM_API_KEY", "key")
    assert secret.headers() == {"X-Emlit-Secret": "of-the-environment-01", "Authorization": "Bearer key"}


def test_what_others_may_read_is_not_used(home):
    secret.create().chmod(0o644)
    with pytest.raises(ConfigError, match=r"server-secret belongs to another user, or others may read it; .* anew"):
        secret.find()


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_nor_what_others_may_read_of_a_named_file(home, monkeypatch, mode):
    (home / "file").write_text("of-a-file-0123456789\n")
    (home / "file").chmod(mode)
    monkeypatch.setenv("EMLIT_SERVER_SECRET_FILE", str(home / "file"))
    with pytest.raises(ConfigError, match=r"file belongs to another user, or others may read it; .* of mode 600"):
        secret.find()


def test_nor_what_belongs_to_another(home, monkeypatch):
    (home / "file").touch(0o600)
    monkeypatch.setenv("EMLIT_SERVER_SECRET_FILE", str(home / "file"))
    monkeypatch.setattr(os, "geteuid", lambda: (home / "file").stat().st_uid + 1)
    with pytest.raises(ConfigError, match=r"file belongs to another user"):
        secret.find()


@pytest.mark.parametrize(
    "value", ["short", "with spaces in it 0123456789", "ümläute-0123456789", "two\nlines-0123456789"]
)
def test_secrets_of_another_form(monkeypatch, value):
    monkeypatch.setenv("EMLIT_SERVER_SECRET", value)
    with pytest.raises(ConfigError, match="EMLIT_SERVER_SECRET holds no usable secret") as caught:
        secret.find()
    assert value not in str(caught.value)


def test_a_file_that_is_not_there(monkeypatch, home):
    monkeypatch.setenv("EMLIT_SERVER_SECRET_FILE", str(home / "none"))
    with pytest.raises(ConfigError, match="secret cannot be read from .*No such file"):
        secret.find()
    monkeypatch.delenv("EMLIT_SERVER_SECRET_FILE")
    (home / "emlit").write_text("a file in the way")
    with pytest.raises(ConfigError, match=r"cannot be written.*EMLIT_SERVER_SECRET_FILE"):
        secret.create()
