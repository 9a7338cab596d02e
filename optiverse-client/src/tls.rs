//! Whom to trust.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::options::StartError;

/// Trusts the authorities of the machine, and those of the PEM text.
pub(crate) fn config(added: Option<&[u8]>) -> Result<Arc<ClientConfig>, StartError> {
    let refused = |problem: String| StartError::RootCertificates { problem };
    let mut roots = RootCertStore::empty();
    let of_machine = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(of_machine.certs);
    if let Some(pem) = added {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| refused(format!("they are not PEM: {error}")))?;
            roots.add(certificate).map_err(|error| refused(error.to_string()))?;
        }
        if roots.len() == before {
            return Err(refused("there is no certificate in the text".to_owned()));
        }
    }
    if roots.is_empty() {
        let problems: Vec<String> = of_machine.errors.iter().map(ToString::to_string).collect();
        return Err(refused(format!("the machine has none, and none were given; {}", problems.join("; "))));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| refused(error.to_string()))?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}
