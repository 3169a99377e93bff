//! Proves to the director who the agent is, and to the agent that it talks to its own director.

use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::{ClientConfig, RootCertStore, crypto::ring, version::TLS13};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use std::sync::Arc;

/// Why an identity is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdentityError {
    /// Not base64 of text.
    #[error("the identity is not base64")]
    Encoding(#[from] base64::DecodeError),
    /// Not PEM.
    #[error("the identity is not PEM: {0}")]
    Pem(#[from] rustls_pki_types::pem::Error),
    /// Fewer certificates than two.
    #[error("the identity holds {0} certificates instead of two")]
    Certificates(usize),
    /// Does not fit together.
    #[error("the identity cannot be used: {0}")]
    Tls(#[from] rustls::Error),
}

/// The TLS settings that follow from an identity (CA certificate, instance certificate and key): only certificates of
/// this very CA are trusted, and only TLS 1.3 is spoken, as both ends are ours.
pub(crate) fn tls(identity: &str) -> Result<ClientConfig, IdentityError> {
    let pem = STANDARD.decode(identity.trim())?;
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>()?;
    let [authority, own] = <[_; 2]>::try_from(certificates).map_err(|all| IdentityError::Certificates(all.len()))?;
    let mut roots = RootCertStore::empty();
    roots.add(authority)?;
    Ok(ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![own], PrivateKeyDer::from_pem_slice(&pem)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};

    fn certificate() -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    #[test]
    fn certificates_and_key_make_tls_settings() {
        let ((authority, _), (own, key)) = (certificate(), certificate());
        assert!(tls(&STANDARD.encode([authority, own, key].concat())).is_ok());
    }

    #[test]
    fn what_is_wrong_is_said() {
        let (own, key) = certificate();
        assert!(matches!(tls("%"), Err(IdentityError::Encoding(_))));
        assert!(matches!(tls(&STANDARD.encode(&own)), Err(IdentityError::Certificates(1))));
        assert!(matches!(tls(&STANDARD.encode([own.clone(), own.clone()].concat())), Err(IdentityError::Pem(_))));
        let (_, other_key) = certificate();
        assert_ne!(key, other_key);
        assert!(matches!(tls(&STANDARD.encode([own.clone(), own, other_key].concat())), Err(IdentityError::Tls(_))));
    }
}
