//! What identity providers sign, by the examples of RFC 7515 (A.2 and A.3).

use jsonwebtoken::crypto::verify;

use super::*;

const CLAIMS: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
     cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

const RSA_MODULUS: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw\
     -4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0\
     LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5Zw\
     Kh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
const RSA_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHI\
     m4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5\
     h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noO\
     PqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

const EC_SIGNATURE: &str = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQ\
     xfKTUJqPP3-Kg6NU1Q";

fn verifies(signature: &str, header: &str, key: &DecodingKey, algorithm: Algorithm) -> bool {
    install();
    let message = format!("{header}.{CLAIMS}");
    verify(signature, message.as_bytes(), key, algorithm).unwrap_or(false)
}

#[test]
fn an_rsa_signature_verifies_by_modulus_and_exponent() {
    let key = DecodingKey::from_rsa_components(RSA_MODULUS, "AQAB").expect("a key");
    let header = "eyJhbGciOiJSUzI1NiJ9";
    assert!(verifies(RSA_SIGNATURE, header, &key, Algorithm::RS256));
    assert!(!verifies(
        RSA_SIGNATURE,
        "eyJhbGciOiJSUzI1NiK9",
        &key,
        Algorithm::RS256
    ));
}

#[test]
fn an_elliptic_signature_verifies_by_its_point() {
    let (x, y) = (
        "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    );
    let key = DecodingKey::from_ec_components(x, y).expect("a key");
    let header = "eyJhbGciOiJFUzI1NiJ9";
    assert!(verifies(EC_SIGNATURE, header, &key, Algorithm::ES256));
    assert!(!verifies(
        EC_SIGNATURE,
        "eyJhbGciOiJFUzI1NiK9",
        &key,
        Algorithm::ES256
    ));
}

#[test]
fn a_key_serves_its_own_algorithm_alone() {
    let key = DecodingKey::from_rsa_components(RSA_MODULUS, "AQAB").expect("a key");
    let shared = DecodingKey::from_secret(b"a secret");
    for (key, algorithm) in [
        (&key, Algorithm::ES256),
        (&key, Algorithm::EdDSA),
        (&key, Algorithm::PS256),
        (&shared, Algorithm::HS256),
        (&shared, Algorithm::EdDSA),
    ] {
        assert!(verifier(algorithm, key).is_err(), "{algorithm:?}");
    }
}
