import ssl
from pathlib import Path

import pytest
from cryptography import x509

from wherry.base.fake_clock import FakeClock
from wherry.distro.pki import Authority, PkiDamaged, Profile, ensure_signing_key

SERVER = Profile(common_name="kube-apiserver", dns_names=("localhost",), addresses=("127.0.0.1",), server=True)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def authority(tmp_path: Path, clock: FakeClock) -> Authority:
    authority = Authority(tmp_path / "pki", clock=clock)
    authority.ensure()
    return authority


def test_a_leaf_names_its_holder_and_is_signed_by_the_authority(authority: Authority) -> None:
    pair = authority.issue("admin", Profile(common_name="jane", organizations=("dev", "ops"), client=True))
    leaf = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    ca = x509.load_pem_x509_certificate(authority.ensure())
    leaf.verify_directly_issued_by(ca)
    assert leaf.subject.rfc4514_string() == "CN=jane,O=ops,O=dev"
    ssl.create_default_context().load_cert_chain(pair.certificate, pair.key)


def test_a_good_certificate_is_kept_over_a_restart(authority: Authority, clock: FakeClock) -> None:
    first = authority.issue("server", SERVER).certificate.read_bytes()
    again = Authority(authority.pair.key.parent, clock=clock)
    assert again.issue("server", SERVER).certificate.read_bytes() == first


@pytest.mark.parametrize("days, renewed", [(200, False), (300, True)])
async def test_it_is_renewed_in_the_last_third_of_its_life(
    authority: Authority, clock: FakeClock, days: int, renewed: bool
) -> None:
    first = authority.issue("server", SERVER).certificate.read_bytes()
    await clock.advance(days * 86400)
    assert (authority.issue("server", SERVER).certificate.read_bytes() != first) is renewed


def test_another_address_makes_another_certificate(authority: Authority) -> None:
    first = authority.issue("server", SERVER).certificate.read_bytes()
    wider = Profile(
        common_name="kube-apiserver", dns_names=("localhost",), addresses=("127.0.0.1", "10.0.0.1"), server=True
    )
    pair = authority.issue("server", wider)
    assert pair.certificate.read_bytes() != first
    names = x509.load_pem_x509_certificate(pair.certificate.read_bytes()).extensions
    alternative = names.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(address) for address in alternative.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "10.0.0.1"]


def test_keys_are_for_their_owner_only(authority: Authority, tmp_path: Path) -> None:
    ensure_signing_key(tmp_path / "pki" / "sa.key")
    for key in (tmp_path / "pki").glob("*.key"):
        assert key.stat().st_mode & 0o777 == 0o600


def test_a_damaged_pair_is_made_anew(tmp_path: Path) -> None:
    authority = Authority(tmp_path, clock=FakeClock())
    authority.ensure()
    pair = authority.issue("admin", Profile(common_name="admin", client=True))
    before = pair.certificate.read_bytes()
    pair.key.write_bytes(b"")
    authority.issue("admin", Profile(common_name="admin", client=True))
    assert pair.certificate.read_bytes() != before
    assert pair.key.read_bytes()


def test_a_damaged_authority_is_said_not_replaced(tmp_path: Path) -> None:
    authority = Authority(tmp_path, clock=FakeClock())
    authority.ensure()
    authority.pair.certificate.write_text("garbage")
    with pytest.raises(PkiDamaged, match="is damaged: remove that directory"):
        authority.ensure()


def test_a_damaged_signing_key_is_said(tmp_path: Path) -> None:
    path = tmp_path / "sa.key"
    ensure_signing_key(path)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(PkiDamaged, match=r"sa\.key is damaged: remove it"):
        ensure_signing_key(path)
