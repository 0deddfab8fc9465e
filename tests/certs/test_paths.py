"""Paths to anchors, beyond what the client's tests of the same paths show."""

from datetime import timedelta

import pytest
from cryptography import x509

from certs import authority
from certs.paths import PathError, find_path, may_sign_lists
from tests.vectors.evidence.county import NOW, Keys


def test_a_path_is_given_from_signer_to_anchor() -> None:
    keys = Keys.make()
    signer = keys.holders["sender"].certificate
    found = find_path(signer, [keys.issuing.certificate], [keys.root.certificate], NOW)
    assert found == (signer, keys.issuing.certificate, keys.root.certificate)


def test_a_path_that_fails_names_reason_and_certificate() -> None:
    keys = Keys.make()
    with pytest.raises(PathError) as caught:
        find_path(keys.holders["sender"].certificate, [], [keys.root.certificate], NOW)
    assert (caught.value.reason, caught.value.kid) == ("not-trusted", keys.kid("sender"))
    assert caught.value.kid in caught.value.zh


def test_a_list_is_its_signers_and_only_an_authority_signs_one() -> None:
    keys, other = Keys.make(), Keys.make()

    def signed_by(issuer: authority.Issued) -> x509.CertificateRevocationList:
        return x509.load_der_x509_crl(
            authority.certificate_revocation_list(issuer, [], 1, NOW, NOW + timedelta(days=1))
        )

    assert may_sign_lists(keys.issuing.certificate, signed_by(keys.issuing))
    assert not may_sign_lists(keys.issuing.certificate, signed_by(other.issuing))
    assert not may_sign_lists(keys.holders["sender"].certificate, signed_by(keys.holders["sender"]))
