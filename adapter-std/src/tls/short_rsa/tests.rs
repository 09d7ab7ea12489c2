//! Known signatures, made by OpenSSL.

use rustls::pki_types::alg_id;

use super::*;

const MESSAGE: &[u8] = b"the message of a handshake";

/// An RSA public key of 1024 bits.
const KEY_1024: &str = "30818902818100ba846640b323e8e0a113bf018ace7fe3c3c79e09310c55f96b6518eae084d0f7521f22eab2244cd6fc\
         aab98a37b8a18945a96b0de2b75b49c3dcb4ae978f194435bdb173cd5b7c26b32df8016d7cbc389767d5cedda3fdd2af\
         a634bbb36ef0cc597b7db9d9cd2b25545023c0a0b8d777de21b79ff55d7a40602f3a84542401310203010001";
/// An RSA public key of 1025 bits.
const KEY_1025: &str = "30818902818101d3d1bfc8d567998b7cc56a0fe2ad50f3b05d3b75d0b1dbd0c4f7c71de1fda6966851ba13fc2c9ac8ac\
         6629d96c8be41b46c1e250853297ece859f09f566a4817019ac8ab8b895d92107aabbd45e6e5d139c332088ee4e8918e\
         bdbb87413ce5b317bef706fb66b08a0ba24fef7f35cd6a46bc0f48888b7d86b8e41db74520df9f0203010001";
/// An RSA public key of 1536 bits.
const KEY_1536: &str = "3081c90281c100922edd3f640fec3acdd4ce9b64c5c173d9dce940fc2dc8b7520965b6a6a19f84f6e711ec2a8f48f825\
         c17ed906d431ddf422c058112ae4eae423c915c9c7e3a782cbd8034223d6f2d8f10e4fb31e3141305593bf5fbe26e1bf\
         7de522e51b98d7a6a04a3b7cd35d65bda44a0a88854d9e8d9fbd452f3797beced61c836d408f28b6b79129718e9cd7e3\
         cebe42a808707295ad550d8b8604f7bae79d8d6b253a6ffd9299309487ad53674fb91009b173e34176650188259f7b1f\
         f5ab0f04eb150b0203010001";
/// An RSA public key of 2047 bits.
const KEY_2047: &str = "3082010902820100573bec521c50e48cbd99ce89efb5ec3c171ef0175173719360ce15c50d7023636d5d5cd72fb2c70d\
         3efa9b4c76f3bc0fe2c85f901d18769cbdb4f696499aa315698ed092ac9123c91097a3f7b2682b999de6a1f38f16ce2c\
         a3459a62d2ef93bf977a4240d3c67e168eb473c64e3538d442114368e7171cb4a76cf71f96ad11f3d50ffc3db9c9875f\
         37d4f0268384f4a039f781b11d32c25d0e197e6a894d83ca1ddc61dd1ce900c6250471cc13536b42a5271ebf83445073\
         ea6213b410161bc697a181fc79fe5cffaf72353f245b45dc8fa315335c9fca854a718fe5d0edf1655cf1b7f98fe3bac4\
         6891dfad23dbfc902033be107e2b4410d6e11a0c784b6d8d0203010001";

/// Signatures of [`MESSAGE`], made by OpenSSL.
const SIGNED: &[(&str, SignatureScheme, &str)] = &[
    (
        KEY_1024,
        SignatureScheme::RSA_PKCS1_SHA256,
        "b2198ad9b9f2ec26ed868d7a966bcd072bf6e3c4816480a9ebb7ccc4f44b2bb624d59ff5b456277bede01f7a16b34c0c\
         6bfeb7abe1544c330f6197e01e654723f1e1f2b708a2e35de74de0e622f0780c82a25ca392579f6f3192e1f56300136c\
         b7ce0cbc019b540ec19c8da8f8a154d728a11f750e926dd050ccc38173412be4",
    ),
    (
        KEY_1024,
        SignatureScheme::RSA_PKCS1_SHA384,
        "2cc02f4e497eb9347442c8d78edff20c5e7cfc008c26163115412be5c2ceba94d1d8b88926ec9722a3444d071560c2a4\
         aa48edc71a379e6725a26eb0f205ab59d727434b0671748887cd14dd7af3f75ef407d3e6114448fd572117246c0a8c1a\
         0bf4f603365e928d2de6c79f304fa59f500024130c9b9c5213d06b0bf17dc587",
    ),
    (
        KEY_1024,
        SignatureScheme::RSA_PKCS1_SHA512,
        "207c4ce75ca25f3038e228073ea41dd6ac42b78fb78e6280543d879552d00eace540921defb17185fc8ce98979f5456a\
         f8a7fe461008d25b6bd3e52b5214e476d9a48970ead9a1116ddcfd7f632c4cd0e4a056b40916194b73b0dc8517c828ff\
         420bc29cd064fde27690403d63eed5fd252eedd15e1abcd6846b12bb6ac698dc",
    ),
    (
        KEY_1024,
        SignatureScheme::RSA_PSS_SHA256,
        "159c6fa10da573c8b59088838c91207214018f02c38c9ed1b094c4cd37bc0942ef088a35e4593fc598ac1f724bebb414\
         da420271a5a390113b6ac10dd78c8eecaf870db5e0cbf2a5cefc9333d5b051a1310f1689c23e06038a91b08c8c7b5aa5\
         13a16819ebac6172749fe117ad68399c611a3bf953a39db3b24d0a321483c838",
    ),
    (
        KEY_1025,
        SignatureScheme::RSA_PSS_SHA256,
        "00de688ff25bcd95a57ac607da56867365c69d2618bf6094582533fdc5de2646c1771b40a649bf3de45d1cdb400770d4\
         e2f99f5ad5083910590c85b523c8045aebebbde68241e6b770b52301490c0789d3e493aaf1b662951a8ae691a568368a\
         c2f1ea23b78a0b35d086c4df391e3b4fc46c1211a832505c835642fbae12f6c845",
    ),
    (
        KEY_1024,
        SignatureScheme::RSA_PSS_SHA384,
        "affb84a357fc6fc5b765f27a6ab12ab1afe37e3da79e15e3a4133192f1a056454d4544b00bb628a2d5f0ad37d5dcfd5b\
         6202ee3f76af324d4f2505c09b418634bb07bfd107e1590a29cb8ce6d8d5b0bcafd05377b33f9c73e85f56a5419d9c1d\
         e5d5f2b065ca091411c3bd4654e4f300da661568d546b34f37193afd78b85569",
    ),
    (
        KEY_1536,
        SignatureScheme::RSA_PSS_SHA512,
        "106fc96853330823c798810125c7114121a43e0dd8b8422ab571e5e21fec5a53703343209047eca7c7237907f4410de8\
         dcf53e7d3cc8d5f5a7ce6e72e2d2caba97d0bfa52d7241b7c9e3880df8ddb43f754d79a7a50096348cb4912c6a5f409d\
         5fdd06aa1a5e1907106eb63b8f6f673b4ac2d97cedf112b93a01fe421ffbe07d3b107552918ac0ea2c92ca0ce885304a\
         44f070fc1bfbea6f0a71c3f475aae9d1f803c4c68febabbf907b8b33303bd09ef73371bb9b201faf0f5507253841073c",
    ),
    (
        KEY_2047,
        SignatureScheme::RSA_PSS_SHA256,
        "21e2f3a4ce9113396853961ce77311b74c657536bee81e0ee762c7a4f32b70273d55575ef93bbebf90e1c98df1b22eaf\
         5d9b0a282f0d5bf09cea8fe5c31054a8a497b63311b9c9c3bde460de3473fd761bcc03c558326ab7f2ed14b2fa4e1ca7\
         2389e8d3136827deb1d76755d38d8ac25d501e8810e4397f45468d57efd8de9d56549ffdb739a8dc772330f7d1673e6e\
         f4c2cc749dedbd615e7fb06a36b5c856a5530b54a110708469451642927817d640106b408a199639e1fbd33c9b1e3bc8\
         a6e8e114b7aebae4632773598aba5a3cb17a0098b44ae66c13a31a4a57e0e48a0dc5e2dfed86928ceea10e97a007fb7d\
         ef6cb63a5815957304bc56a013a0814b",
    ),
];

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().map(|digit| digit.to_digit(16).unwrap()).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()
}

fn public_key(hex: &str) -> PublicKey {
    key(alg_id::RSA_ENCRYPTION.as_ref(), &bytes(hex)).unwrap()
}

#[test]
fn each_scheme_verifies_its_signatures() {
    for &(key, scheme, signature) in SIGNED {
        assert!(is_valid(&public_key(key), scheme, MESSAGE, &bytes(signature)), "{scheme:?}");
    }
}

#[test]
fn no_scheme_verifies_another_message_signature_scheme_or_key() {
    let schemes: Vec<_> = SIGNED.iter().map(|signed| signed.1).collect();
    for &(key, scheme, signature) in SIGNED {
        let (key_text, key, signature) = (key, public_key(key), bytes(signature));
        assert!(!is_valid(&key, scheme, b"the message of A handshake", &signature), "{scheme:?}");
        for index in 0..signature.len() {
            let mut flipped = signature.clone();
            flipped[index] ^= 1 << (index % 8);
            assert!(!is_valid(&key, scheme, MESSAGE, &flipped), "{scheme:?}, byte {index}");
        }
        assert!(!is_valid(&key, scheme, MESSAGE, &signature[1..]), "{scheme:?}");
        assert!(!is_valid(&key, scheme, MESSAGE, &[&[0], &signature[..]].concat()), "{scheme:?}");
        assert!(!is_valid(&key, scheme, MESSAGE, &[]), "{scheme:?}");
        for &other in schemes.iter().filter(|other| **other != scheme) {
            assert!(!is_valid(&key, other, MESSAGE, &signature), "{scheme:?} as {other:?}");
        }
        for other in [KEY_1024, KEY_1025, KEY_1536, KEY_2047].into_iter().filter(|other| *other != key_text) {
            assert!(!is_valid(&public_key(other), scheme, MESSAGE, &signature), "{scheme:?}");
        }
    }
}

#[test]
fn schemes_without_rsa_or_with_sha1_verify_nothing() {
    let (key, signature) = (public_key(KEY_1024), bytes(SIGNED[0].2));
    for scheme in [
        SignatureScheme::RSA_PKCS1_SHA1,
        SignatureScheme::ECDSA_NISTP256_SHA256,
        SignatureScheme::ED25519,
        SignatureScheme::Unknown(0),
    ] {
        assert!(!is_valid(&key, scheme, MESSAGE, &signature), "{scheme:?}");
    }
}

/// Returns an `RSAPublicKey` with a modulus of this size in bits, and the exponent 65537.
fn sized(bits: usize) -> Vec<u8> {
    let mut modulus = vec![0xFF; bits.div_ceil(8)];
    modulus[0] >>= (8 - bits % 8) % 8;
    modulus.insert(0, 0);
    let length =
        |bytes: usize| [0x82, u8::try_from(bytes >> 8).unwrap(), u8::try_from(bytes & 0xFF).unwrap()];
    let numbers = [&[2], &length(modulus.len())[..], &modulus, &[2, 3, 1, 0, 1]].concat();
    [&[0x30], &length(numbers.len())[..], &numbers].concat()
}

#[test]
fn sizes_from_1024_to_2047_bits_are_verified_here() {
    for (bits, expected) in [(1023, false), (1024, true), (2047, true), (2048, false), (8192, false)] {
        let found = key(alg_id::RSA_ENCRYPTION.as_ref(), &sized(bits));
        assert_eq!(found.is_some(), expected, "{bits}");
    }
    assert!(key(alg_id::ED25519.as_ref(), &sized(1024)).is_none());
    assert!(key(alg_id::RSA_ENCRYPTION.as_ref(), &[]).is_none());
}
