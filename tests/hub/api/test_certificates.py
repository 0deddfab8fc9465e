"""`/v1/certificates` and `/pki` over HTTP."""

from cryptography import x509

from certs.authority import make_csr
from certs.keys import generate_key
from hub.identity.roles import Role
from tests.support.gateway import TestGateway, bearer


async def test_a_csr_comes_in_and_a_certificate_goes_out(gateway: TestGateway) -> None:
    partner = await gateway.partner("one")
    officer = bearer(await gateway.staff("security.wang", Role.SECURITY))
    client = gateway.client
    key = generate_key("EdDSA")
    body = {"system": "one", "csr": make_csr(key, "one").decode(), "days": 90}
    issued = await client.post("/v1/certificates", json=body, headers=officer)
    assert issued.status_code == 201
    answer = issued.json()
    leaf, *issuers = x509.load_pem_x509_certificates(answer["certificate"].encode())
    assert leaf.public_key() == key.public_key()
    assert (answer["system"], answer["algorithm"], answer["state"]) == ("one", "EdDSA", "active")

    shown = await client.get(f"/pki/certificates/{answer['kid']}.pem")
    assert shown.headers["content-type"].startswith("application/pem-certificate-chain")
    assert shown.text == answer["certificate"]
    anchors = x509.load_pem_x509_certificates((await client.get("/pki/ca.pem")).content)
    assert issuers == anchors[::-1]

    first = (await client.get("/v1/certificates?limit=1&system=one", headers=officer)).json()
    rest = (await client.get(f"/v1/certificates?limit=1&cursor={first['next']}", headers=officer)).json()
    assert [item["kid"] for item in first["items"] + rest["items"]] == [answer["kid"], partner.certificate.kid]
    assert rest["next"] is None
    one = (await client.get(f"/v1/certificates/{answer['kid']}", headers=officer)).json()
    assert one == {name: value for name, value in answer.items() if name != "certificate"}


async def test_a_revocation_is_on_the_list_as_soon_as_it_is_answered(gateway: TestGateway) -> None:
    partner = await gateway.partner("one")
    officer = bearer(await gateway.staff("security.wang", Role.SECURITY))
    client = gateway.client
    serial = int(partner.certificate.serial, 16)
    before = await client.get("/pki/crl.der")
    assert before.headers["content-type"] == "application/pkix-crl"
    assert x509.load_der_x509_crl(before.content).get_revoked_certificate_by_serial_number(serial) is None
    path = f"/v1/certificates/{partner.certificate.kid}/revoke"
    revoked = await client.post(path, json={"reason": "keyCompromise"}, headers=officer)
    assert (revoked.json()["state"], revoked.json()["revocation_reason"]) == ("revoked", "keyCompromise")
    after = x509.load_der_x509_crl((await client.get("/pki/crl.der")).content)
    assert after.get_revoked_certificate_by_serial_number(serial) is not None
    assert (await client.post(path, json={"reason": "superseded"}, headers=officer)).status_code == 409
    again = {"system": "one", "csr": make_csr(partner.key, "one").decode()}
    assert (await client.post("/v1/certificates", json=again, headers=officer)).status_code == 409


async def test_the_others_of_a_compromised_key_are_named_in_the_answer(gateway: TestGateway) -> None:
    partner = await gateway.partner("one")
    officer = bearer(await gateway.staff("security.wang", Role.SECURITY))
    client = gateway.client
    renewal = {"system": "one", "csr": make_csr(partner.key, "one").decode()}
    renewed = (await client.post("/v1/certificates", json=renewal, headers=officer)).json()["kid"]
    path = f"/v1/certificates/{partner.certificate.kid}/revoke"
    revoked = (await client.post(path, json={"reason": "keyCompromise"}, headers=officer)).json()
    assert (revoked["kid"], revoked["also_revoked"]) == (partner.certificate.kid, [renewed])
    shown = (await client.get(f"/v1/certificates/{renewed}", headers=officer)).json()
    assert (shown["state"], shown["revocation_reason"]) == ("revoked", "keyCompromise")


async def test_what_is_wrong_is_named(gateway: TestGateway) -> None:
    await gateway.partner("one")
    officer = bearer(await gateway.staff("security.wang", Role.SECURITY))
    client = gateway.client
    broken = await client.post("/v1/certificates", json={"system": "one", "csr": "nothing 中文"}, headers=officer)
    assert (broken.status_code, broken.json()["errors"][0]["pointer"]) == (422, "/csr")
    unknown = await client.get("/v1/certificates?system=nobody", headers=officer)
    assert unknown.status_code == 404
    for path in ("/pki/certificates/none.pem", f"/pki/certificates/{'A' * 43}.pem"):
        assert (await client.get(path)).status_code == 404
    assert (await client.get(f"/v1/certificates/{'A' * 43}", headers=officer)).status_code == 404
    forged = await client.get("/v1/certificates?cursor=abc", headers=officer)
    assert forged.status_code == 422


async def test_the_hubs_own_certificates_are_open_to_anyone(gateway: TestGateway) -> None:
    keyring = gateway.context.keyring
    for purpose in ("receipt", "projection", "push", "token"):
        signer = keyring.signer(purpose)
        shown = await gateway.client.get(f"/pki/certificates/{signer.kid}.pem")
        assert shown.content == keyring.chain_pem(keyring.certificate(purpose))
    assert (await gateway.client.get(f"/pki/certificates/{keyring.signer('log').kid}.pem")).status_code == 404
