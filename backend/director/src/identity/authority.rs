//! Issues certificates, always the same ones.

use super::seed::{self, SEED_BYTES};
use aerie_agent_protocol::DIRECTOR_TLS_NAME;
use aerie_domain::InstanceId;
use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ED25519, SerialNumber, date_time_ymd,
};
use ring::hmac;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use std::path::Path;

/// Why the authority cannot work.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The secret in the data directory.
    #[error("the authority's secret cannot be read or made")]
    Secret(#[source] std::io::Error),
    /// A certificate.
    #[error("a certificate cannot be made")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library.
    #[error("the agent listener's TLS cannot be set up: {0}")]
    Tls(String),
}

/// The certificate authority of one installation.
pub struct Authority {
    secret: hmac::Key,
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
}

/// A key with its certificate.
pub(super) struct Issued {
    pub(super) certificate: Certificate,
    pub(super) key: KeyPair,
}

impl Authority {
    /// Opens the authority of a data directory; makes it on the first start.
    pub fn open(data_dir: &Path) -> Result<Self, IdentityError> {
        let seed = seed::load_or_create(data_dir).map_err(IdentityError::Secret)?;
        Self::from_seed(seed)
    }

    fn from_seed(seed: [u8; SEED_BYTES]) -> Result<Self, IdentityError> {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, &seed);
        let key = key_pair(&secret, "authority", &[])?;
        let mut params = params("Aerie authority", &secret, b"authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let certificate = params.self_signed(&key)?;
        Ok(Self { secret, issuer: Issuer::new(params, key), certificate })
    }

    /// The authority's own certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        self.certificate.der()
    }

    /// What an instance gets in its environment: the authority's certificate, its own and its key, PEM, concatenated
    /// and base64. The same value every time.
    pub fn instance_identity(&self, instance: InstanceId) -> Result<String, IdentityError> {
        let issued = self.instance(instance)?;
        let pem = [self.certificate.pem(), issued.certificate.pem(), issued.key.serialize_pem()].concat();
        Ok(STANDARD.encode(pem))
    }

    fn instance(&self, instance: InstanceId) -> Result<Issued, IdentityError> {
        let key = key_pair(&self.secret, "instance", instance.0.as_bytes())?;
        let mut params = params(&instance.to_string(), &self.secret, instance.0.as_bytes());
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        Ok(Issued { certificate: params.signed_by(&key, &self.issuer)?, key })
    }

    /// The director's side of the agent listener. A fresh key for every process: it needs to be the same nowhere.
    pub(super) fn director(&self) -> Result<Issued, IdentityError> {
        let key = KeyPair::generate_for(&PKCS_ED25519)?;
        let mut params = params("Aerie director", &self.secret, &key.serialize_der());
        params.subject_alt_names = CertificateParams::new(vec![DIRECTOR_TLS_NAME.to_owned()])?.subject_alt_names;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        Ok(Issued { certificate: params.signed_by(&key, &self.issuer)?, key })
    }
}

impl aerie_manager::Identities for Authority {
    fn identity(&self, instance: InstanceId) -> String {
        // Signing cannot fail for parameters that are the same for every instance but for its id; were it to, the
        // agent would say plainly that it has no identity, and the log says why.
        self.instance_identity(instance).unwrap_or_else(|error| {
            tracing::error!(instance.id = %instance, error = crate::errors::chain(&error), "an instance got no identity");
            String::new()
        })
    }
}

/// An Ed25519 key that follows from the secret and what it is for.
fn key_pair(secret: &hmac::Key, purpose: &str, id: &[u8]) -> Result<KeyPair, IdentityError> {
    /// DER of a PKCS #8 Ed25519 private key (RFC 8410 §7) up to the 32 bytes of the key itself.
    const PKCS8_PREFIX: [u8; 16] =
        [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    let mut context = hmac::Context::with_key(secret);
    context.update(b"aerie key v1\0");
    context.update(purpose.as_bytes());
    context.update(b"\0");
    context.update(id);
    let der = [&PKCS8_PREFIX[..], context.sign().as_ref()].concat();
    Ok(KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(der), &PKCS_ED25519)?)
}

/// Everything about a certificate that is not random: fixed validity, serial number from what it is for.
fn params(name: &str, secret: &hmac::Key, serial_of: &[u8]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2100, 1, 1);
    params.use_authority_key_identifier_extension = true;
    let mut serial = hmac::sign(secret, &[b"aerie serial v1\0", serial_of].concat()).as_ref()[..16].to_vec();
    // A serial number is positive and not zero (RFC 5280 §4.1.2.2).
    serial[0] = (serial[0] & 0x7f) | 0x01;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_the_same_after_a_restart_and_unlike_others() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (InstanceId::generate(), InstanceId::generate());
        let before = Authority::open(folder.path()).unwrap().instance_identity(one).unwrap();
        let authority = Authority::open(folder.path()).unwrap();
        assert_eq!(authority.instance_identity(one).unwrap(), before);
        assert_ne!(authority.instance_identity(two).unwrap(), before);
        let pem = String::from_utf8(STANDARD.decode(before).unwrap()).unwrap();
        assert_eq!(pem.matches("-----BEGIN CERTIFICATE-----").count(), 2);
        assert_eq!(pem.matches("-----BEGIN PRIVATE KEY-----").count(), 1);
    }

    #[test]
    fn another_installation_has_another_authority() {
        let (one, two) = (Authority::from_seed([1; 32]).unwrap(), Authority::from_seed([2; 32]).unwrap());
        assert_ne!(one.certificate(), two.certificate());
        assert_eq!(Authority::from_seed([1; 32]).unwrap().certificate(), one.certificate());
    }
}
