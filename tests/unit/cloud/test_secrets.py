"""What a project says of its uplinks: secrets, sections and their faults, the outbox's place."""

from pathlib import Path

import pytest

from gateway.cloud.make import make_peer
from gateway.store.secrets import check_private, read_password, tls_context
from runtime.errors import HostError, ProjectError
from runtime.project.places import outbox_path
from runtime.project.uplinks import Credentials, TlsSection
from tests.support.cloud_plant import cloud_project

HTTP = '[[uplink]]\nname = "a"\nkind = "http"\nurl = "'


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("open sesame\n")
    path.chmod(0o600)
    return path


def test_a_password_comes_from_its_file_without_the_end_of_the_line(secret: Path) -> None:
    assert read_password(Credentials(password_file="secret"), secret.parent) == "open sesame"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_secret_that_others_may_read_is_refused(secret: Path, mode: int) -> None:
    secret.chmod(mode)
    with pytest.raises(HostError, match=f"mode {mode:04o} lets others read a secret"):
        check_private(secret)


def test_a_missing_secret_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="absent: the secret cannot be read"):
        read_password(Credentials(password_file="absent"), tmp_path)
    with pytest.raises(HostError, match="password_env = 'TAKT_TEST_ABSENT'"):
        read_password(Credentials(password_env="TAKT_TEST_ABSENT"), tmp_path)


def test_a_password_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAKT_TEST_PASSWORD", "from outside")
    section = Credentials(password_env="TAKT_TEST_PASSWORD")
    assert read_password(section, tmp_path) == "from outside"


def test_certificates_that_are_none_are_told(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nonsense")
    with pytest.raises(HostError, match="tls: the certificates cannot be used"):
        tls_context(TlsSection(ca="ca.pem"), tmp_path)


def test_a_password_shows_in_no_text_of_a_peer(secret: Path) -> None:
    toml = '[[uplink]]\nname = "up"\nkind = "{}"\nuser = "me"\npassword_file = "secret"\n'
    for kind in ("mqtt", "jetstream", "postgresql", "sparkplug", "http"):
        url = 'url = "https://127.0.0.1/"\n' if kind == "http" else ""
        project = cloud_project(secret.parent, toml.format(kind) + url)
        peer = make_peer(project.config.uplink[0], project, lambda: None)
        assert "sesame" not in repr(vars(peer))


def test_a_token_with_a_line_in_it_is_told_without_telling_it(secret: Path) -> None:
    secret.write_text("open\tsesame\n")
    toml = HTTP + 'http://a/"\ntoken_file = "secret"\n'
    project = cloud_project(secret.parent, toml)
    with pytest.raises(HostError, match="uplink a: token: expected one line") as caught:
        make_peer(project.config.uplink[0], project, lambda: None)
    assert "sesame" not in str(caught.value)


def test_two_sources_of_one_password_are_a_fault(tmp_path: Path) -> None:
    toml = '[[uplink]]\nname = "up"\nkind = "mqtt"\npassword_file = "a"\npassword_env = "B"\n'
    with pytest.raises(ProjectError, match="password_file or password_env, not both"):
        cloud_project(tmp_path, toml)


@pytest.mark.parametrize(
    ("toml", "fault"),
    [
        ('[[uplink]]\nname = "a"\nkind = "pigeon"\n', "one of 'mqtt', 'jetstream', 'postgresql'"),
        ('[[uplink]]\nname = "a"\n', "uplink[0].kind = (absent): expected a value"),
        ("[[publish]]\nvariables = []\n", "publish[0].variables"),
        ('[[publish]]\nvariables = ["A"]\non = "interval"\n', "the key interval"),
        ('[[publish]]\nvariables = ["A"]\non = "event"\n', "the key trigger"),
        ('[[publish]]\nvariables = ["A"]\non = "scan"\ndeadband = 1.0\n',
         'deadband only beside on = "change"'),
        ('[outbox]\nage_max = "1ms"\n', "outbox.age_max = '1ms': expected"),
        ('[[uplink]]\nname = "a"\nkind = "mqtt"\ntopic = "a/#"\n',
         "uplink[0].topic = 'a/#': expected a topic without the wildcards"),
        ('[[uplink]]\nname = "a"\nkind = "jetstream"\nsubject = "a.>"\n', "expected a subject"),
        ('[[uplink]]\nname = "a"\nkind = "postgresql"\ntable = "A-B"\n', "lower-case letters"),
        ('[uplink]\nname = "a"\nkind = "mqtt"\n', "expected an array of tables, [[uplink]]"),
        ('[[uplink]]\nname = "a"\nkind = "mqtt"\ntls = true\n', "tls = True: expected a table"),
        ('[[publish]]\nvariables = "A"\n', "variables = 'A': expected a list in brackets"),
        (HTTP + 'https://me:open-sesame@a/"\n', "without user, query or fragment"),
        (HTTP + 'https://a/?key=7"\n', "without user, query or fragment"),
        (HTTP + 'ftp://a/"\n', "a URL such as https://10.0.0.5/takt"),
        (HTTP + 'http://a/"\ntls = {}\n', "tls only beside a url of https"),
        (HTTP + 'http://a/"\nrequests = 2\n', 'requests above 1 only beside format = "json"'),
        (HTTP + 'http://a/"\nformat = "xml"\n', "'ndjson' or 'json'"),
        (HTTP + 'http://a/"\nhost = "b"\n', "one of the known keys (backlog_rate, body_max"),
        (HTTP + 'http://a/"\nurls = "b"\n', "did you mean url?"),
        (HTTP + 'http://a/"\ntoken = "sesame"\n', "uplink[0].token = (not shown)"),
        (HTTP + 'http://a/"\ntoken_env = "A"\ntoken_file = "b"\n', "token_file or token_env"),
        (HTTP + 'http://a/"\ntoken_env = "A"\nuser = "b"\n', "a token, or user and password"),
        (HTTP + 'http://a/"\nuser = "b"\n', "user and password together"),
        (HTTP + 'http://a/"\nuser = "b:c"\npassword_env = "A"\n', "user without a colon"),
        (HTTP + 'http://a/"\n[[uplink.header]]\nname = "Host"\nvalue = "b"\n',
         "no [[uplink.header]] named host"),
        (HTTP + 'http://a/"\n[[uplink.header]]\nname = "A B"\nvalue = "b"\n',
         "the name of an HTTP header"),
        (HTTP + 'http://a/"\n[[uplink.command]]\nvariable = "A"\n', "uplink[0].command"),
        ("[opcua]\nenable = true\n", "opcua.enable = True: expected one of the known keys (a"),
    ],
)  # fmt: skip
def test_faults_of_the_sections_are_told(tmp_path: Path, toml: str, fault: str) -> None:
    with pytest.raises(ProjectError) as caught:
        cloud_project(tmp_path, toml)
    assert fault in str(caught.value)


def test_the_outbox_stands_where_the_project_or_the_machine_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TAKT_STATE", raising=False)
    plain = cloud_project(tmp_path, "")
    told = cloud_project(tmp_path, '[outbox]\nfile = "deep/box.db"\n')
    assert outbox_path(plain) == tmp_path / "outbox.db"
    monkeypatch.setenv("TAKT_STATE", "/var/lib/state")
    assert outbox_path(plain) == Path("/var/lib/state/plant.outbox.db")
    assert outbox_path(told) == tmp_path / "deep" / "box.db"


def test_a_secret_in_the_wrong_place_is_not_repeated(tmp_path: Path) -> None:
    wrong = (
        '[[uplink]]\nname = "a"\nkind = "mqtt"\npassword = "open sesame"\n',
        '[opentelemetry]\nendpoint = "http://h/"\nheaders = { Authorization = "open sesame" }\n',
    )
    for toml in wrong:
        with pytest.raises(ProjectError, match=r"= \(not shown\): expected one of the") as caught:
            cloud_project(tmp_path, toml)
        assert "sesame" not in str(caught.value)
