//! `wss://`, with certificates made by the test.

#![allow(clippy::unwrap_used, reason = "tests end where these fail")]

mod common;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use common::{PATIENCE, TestResult, add, disconnected};
use optiverse_client::{Address, Client, ClientOptions, StartError, now_ms};
use optiverse_core::sync::ReplicaId;
use optiverse_core::sync::Role;
use optiverse_core::sync::authority::{Authority, AuthorityConfig, ConnectionId, Payload};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tungstenite::Message;

/// The relay's side of one session for one connection, behind TLS; returns the ids of its items when the client has gone.
fn serve_one(certificate: &rcgen::CertifiedKey<rcgen::KeyPair>) -> (SocketAddr, JoinHandle<Vec<String>>) {
    let key = PrivateKeyDer::try_from(certificate.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = builder.with_no_client_auth().with_single_cert(vec![certificate.cert.der().clone()], key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let served = std::thread::spawn(move || {
        let tls = ServerConnection::new(Arc::new(config)).unwrap();
        let stream = StreamOwned::new(tls, listener.accept().unwrap().0);
        // Who does not trust the certificate leaves during the handshake.
        let Ok(mut socket) = tungstenite::accept(stream) else { return Vec::new() };
        let names = AuthorityConfig { session_id: "lab".into(), epoch: 1, replica: ReplicaId::new(1) };
        let mut authority = Authority::new(names);
        authority.connect(ConnectionId(1), "ada", Role::Editor, now_ms()).unwrap();
        loop {
            while let Some(record) = authority.poll_record() {
                authority.handle_stored(record.sequence);
            }
            while let Some(transmit) = authority.poll_transmit() {
                if let Payload::Frame(frame) = transmit.payload {
                    socket.send(Message::text(&*frame)).unwrap();
                }
            }
            match socket.read() {
                Ok(Message::Text(text)) => authority.handle_frame(ConnectionId(1), text.as_bytes(), now_ms()),
                Ok(_) => {}
                Err(_) => return authority.scene().items().map(|item| item.id().to_string()).collect(),
            }
        }
    });
    (address, served)
}

fn address(server: SocketAddr, host: &str) -> Address {
    Address::parse(&format!("wss://{host}:{}/ws/lab/ada", server.port())).unwrap()
}

#[test]
fn a_session_by_tls_with_a_root_of_its_own() -> TestResult {
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let (server, served) = serve_one(&certificate);
    let root_certificates = Some(certificate.cert.pem().into_bytes());
    let options = ClientOptions { root_certificates, ..ClientOptions::default() };
    let client = Client::connect(address(server, "localhost"), options)?;
    // More than the buffers on the way hold.
    for number in 0..20_000 {
        add(&client, &number.to_string())?;
    }
    assert!(client.wait_synchronised(PATIENCE));
    assert_eq!(client.close(PATIENCE), 0);
    assert_eq!(served.join().unwrap().len(), 20_000);
    Ok(())
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() -> TestResult {
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let (server, _served) = serve_one(&certificate);
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let root_certificates = Some(other.cert.pem().into_bytes());
    let client =
        Client::connect(address(server, "localhost"), ClientOptions { root_certificates, ..ClientOptions::default() })?;
    let (_, message, retries) = disconnected(&client);
    assert!(message.contains("invalid peer certificate"), "{message}");
    assert!(retries);
    Ok(())
}

#[test]
fn a_certificate_for_another_host_is_refused() -> TestResult {
    let certificate = rcgen::generate_simple_self_signed(["elsewhere".to_owned()])?;
    let (server, _served) = serve_one(&certificate);
    let root_certificates = Some(certificate.cert.pem().into_bytes());
    let client =
        Client::connect(address(server, "localhost"), ClientOptions { root_certificates, ..ClientOptions::default() })?;
    let (_, message, _) = disconnected(&client);
    assert!(message.contains("not valid for name \"localhost\""), "{message}");
    Ok(())
}

#[test]
fn texts_that_are_no_certificates_are_refused() {
    for (text, problem) in [
        ("no certificate", "there is no certificate in the text"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "the root certificates cannot be used"),
    ] {
        let options = ClientOptions { root_certificates: Some(text.into()), ..ClientOptions::default() };
        let refused = Client::connect(address(SocketAddr::from(([127, 0, 0, 1], 1)), "localhost"), options);
        let error = refused.err().unwrap();
        assert!(matches!(error, StartError::RootCertificates { .. }), "{error:?}");
        assert!(error.to_string().contains(problem), "{error}");
    }
}
