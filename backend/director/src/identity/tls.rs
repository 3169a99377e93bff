//! TLS of the agent listener: only instances that the authority knows get as far as a request.

use super::{Authority, IdentityError};
use aerie_domain::InstanceId;
use rustls::{RootCertStore, ServerConfig, server::WebPkiClientVerifier};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::sync::Arc;

/// The listener's configuration: our certificate, and a client certificate of our authority is a must.
pub fn server_config(authority: &Authority) -> Result<ServerConfig, IdentityError> {
    let tls = |error: &dyn std::error::Error| IdentityError::Tls(error.to_string());
    // Named explicitly: a process-wide default would depend on which other crates are linked in.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate().clone()).map_err(|error| tls(&error))?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .map_err(|error| tls(&error))?;
    let issued = authority.director()?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(issued.key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| tls(&error))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![issued.certificate.der().clone()], key)
        .map_err(|error| tls(&error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The instance that a verified client certificate was issued for.
pub fn peer_instance(certificates: Option<&[CertificateDer<'_>]>) -> Option<InstanceId> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificates?.first()?).ok()?;
    let name = certificate.subject().iter_common_name().next()?.as_str().ok()?;
    name.parse().ok()
}
