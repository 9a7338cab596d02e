//! Clients and a relay, on loopback.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests end where these fail")]

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{
    PATIENCE, RunningRelay, TestResult, add, contents, disconnected, find_event, join, join_with, move_to, until,
};
use optiverse_client::{ClientError, ClientOptions, Event};
use optiverse_core::scene::{Edit, Scene};
use optiverse_core::sync::Presence;
use optiverse_core::sync::session::{self, Status, UndoStep};
use optiverse_relay::config::{Config, StoreChoice};

#[test]
fn an_edit_shows_at_once_and_reaches_the_other() -> TestResult {
    let relay = RunningRelay::start()?;
    let (ada, bob) = (join(relay.address(), "lab", "ada")?, join(relay.address(), "lab", "bob")?);
    add(&ada, "lens")?;
    assert!(ada.scene().contains("lens"));
    find_event(&bob, |event| match event {
        Event::Session(session::Event::Changed(change)) => change.added.iter().any(|id| &**id == "lens").then_some(()),
        _ => None,
    });
    assert!(ada.wait_synchronised(PATIENCE));
    assert_eq!((ada.pending(), ada.status()), (0, Status::Synchronised));
    move_to(&bob, "lens", 5.0)?;
    until("the move arrives", || contents(&ada.scene()) == contents(&bob.scene()));
    assert!(bob.undo()?);
    until("the undo arrives", || ada.scene().get("lens").and_then(|lens| lens.get("x_mm")) == Some(&0.into()));
    assert!(!ada.redo()?);
    bob.set_presence(Presence { cursor_mm: Some((1.0, 2.0)), ..Presence::default() });
    until("presence arrives", || ada.peers().values().any(|peer| peer.user == "bob"));
    Ok(())
}

#[test]
fn a_client_says_who_else_is_there() -> TestResult {
    let relay = RunningRelay::start()?;
    let synchronised = |user| {
        let client = join(relay.address(), "lab", user);
        assert!(client.as_ref().is_ok_and(|client| client.wait_synchronised(PATIENCE)));
        client
    };
    let ada = synchronised("ada")?;
    let (bob, other_ada) = (synchronised("bob")?, synchronised("ada")?);
    assert_eq!(other_ada.users(), ["ada", "bob"]);
    until("both have come", || ada.users() == ["bob", "ada"]);
    assert_eq!(bob.close(PATIENCE), 0);
    assert!(bob.users().is_empty());
    until("one has left", || ada.users() == ["ada"]);
    Ok(())
}

#[test]
fn an_observer_follows_everybodys_edits() -> TestResult {
    let relay = RunningRelay::start()?;
    let copy = Arc::new(Mutex::new(Scene::new()));
    let observed = Arc::clone(&copy);
    let observer = move |edit: &Edit| {
        observed.lock().unwrap().apply(edit).expect("every edit fits");
    };
    let options = ClientOptions { observer: Some(Box::new(observer)), ..ClientOptions::default() };
    let (ada, bob) = (join_with(relay.address(), "lab", "ada", options)?, join(relay.address(), "lab", "bob")?);
    for number in 0..50 {
        add(&ada, &format!("a{number}"))?;
        add(&bob, &format!("b{number}"))?;
        move_to(&ada, "a0", f64::from(number))?;
    }
    until("bob has a0", || bob.scene().contains("a0"));
    for number in 0..50 {
        move_to(&ada, "a0", f64::from(number))?;
        move_to(&bob, "a0", f64::from(-number))?;
        ada.undo()?;
    }
    until("all is quiet", || {
        ada.status() == Status::Synchronised
            && bob.status() == Status::Synchronised
            && contents(&ada.scene()) == contents(&bob.scene())
            && ada.scene().len() == 100
    });
    assert_eq!(contents(&copy.lock().unwrap()), contents(&ada.scene()));
    Ok(())
}

#[test]
fn a_client_comes_back_by_itself_with_what_was_edited_meanwhile() -> TestResult {
    let folder = tempfile::tempdir()?;
    let store = StoreChoice::Sqlite(folder.path().join("relay.db"));
    let config = Config { listen: SocketAddr::from(([127, 0, 0, 1], 0)), store, ..Config::default() };
    let relay = RunningRelay::with(&config)?;
    let address = relay.address();
    let (ada, bob) = (join(address, "lab", "ada")?, join(address, "lab", "bob")?);
    add(&ada, "before")?;
    until("bob has it", || bob.scene().contains("before"));
    relay.stop();
    let (code, message, retries) = disconnected(&ada);
    assert_eq!((code, retries), (Some(1001), true));
    assert_eq!(
        message,
        format!("ws://{address}/ws/lab/ada: the server has closed the connection: the relay is being stopped (1001)")
    );
    add(&ada, "of ada")?;
    add(&bob, "of bob")?;
    assert_eq!(ada.pending(), 1);
    let relay = RunningRelay::with(&Config { listen: address, ..config })?;
    until("both have all", || ada.scene().len() == 3 && contents(&ada.scene()) == contents(&bob.scene()));
    assert!(ada.wait_synchronised(PATIENCE) && bob.wait_synchronised(PATIENCE));
    relay.stop();
    Ok(())
}

#[test]
fn close_waits_for_the_relay_and_says_what_is_undecided() -> TestResult {
    let relay = RunningRelay::start()?;
    let ada = join(relay.address(), "lab", "ada")?;
    for number in 0..500 {
        add(&ada, &number.to_string())?;
    }
    assert_eq!(ada.close(PATIENCE), 0);
    assert!(ada.is_closed());
    assert_eq!(ada.status(), Status::Offline);
    assert!(matches!(ada.edit(&Edit::Remove { id: "0".into() }, UndoStep::New), Err(ClientError::Closed)));
    assert!(matches!(ada.retry(), Err(ClientError::Closed)));
    assert_eq!(ada.close(PATIENCE), 0);
    while ada.poll_event().is_some() {}
    let start = Instant::now();
    assert_eq!(ada.wait_event(PATIENCE), None);
    assert!(start.elapsed() < Duration::from_secs(1), "a closed client has no more events to wait for");
    let bob = join(relay.address(), "lab", "bob")?;
    until("all were stored", || bob.scene().len() == 500);

    let nobody = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let alone = join(nobody, "lab", "ada")?;
    add(&alone, "a")?;
    assert_eq!(alone.close(Duration::from_millis(100)), 1);
    // Saved work goes on elsewhere.
    let resume = Some(alone.save());
    let again = join_with(relay.address(), "other", "ada", ClientOptions { resume, ..ClientOptions::default() })?;
    assert!(again.wait_synchronised(PATIENCE));
    assert!(again.scene().contains("a"));
    Ok(())
}

#[test]
fn a_relay_that_is_not_there_is_told_and_tried_again() -> TestResult {
    let nobody = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let ada = join(nobody, "lab", "ada")?;
    for _ in 0..2 {
        let (code, message, retries) = disconnected(&ada);
        assert_eq!((code, retries), (None, true));
        let expected = format!("ws://{nobody}/ws/lab/ada: cannot connect to {nobody}: Connection refused");
        assert!(message.starts_with(&expected), "{message}");
    }
    let start = Instant::now();
    drop(ada);
    assert!(start.elapsed() < Duration::from_secs(1));
    Ok(())
}

#[test]
fn dropping_a_client_does_not_wait_for_a_server_that_says_nothing() -> TestResult {
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let ada = join(silent.local_addr()?, "lab", "ada")?;
    let _accepted = silent.accept()?;
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(ada.status(), Status::Connecting { attempt: 1 });
    let start = Instant::now();
    drop(ada);
    assert!(start.elapsed() < Duration::from_secs(1));
    Ok(())
}

#[test]
fn a_host_that_does_not_exist_is_told() -> TestResult {
    // RFC 6761: no name under `invalid` exists.
    let address = optiverse_client::Address::parse("ws://host.invalid/ws/lab/ada")?;
    let ada = optiverse_client::Client::connect(address, ClientOptions::default())?;
    let (_, message, retries) = disconnected(&ada);
    assert!(message.starts_with("ws://host.invalid/ws/lab/ada: cannot look up the host: "), "{message}");
    assert!(retries);
    Ok(())
}

#[test]
fn who_is_refused_does_not_try_again() -> TestResult {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let server = listener.local_addr()?;
    // A server of something else: it answers two requests and is gone.
    let served = std::thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = [0; 4096];
            assert!(stream.read(&mut head).unwrap() > 0);
            stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").unwrap();
        }
    });
    let ada = join(server, "lab", "ada")?;
    let (code, message, retries) = disconnected(&ada);
    assert_eq!((code, retries), (None, false));
    assert!(message.ends_with("the server answered 404 Not Found where a WebSocket was asked for"), "{message}");
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(ada.status(), Status::Offline);
    ada.retry()?;
    assert!(!disconnected(&ada).2);
    served.join().unwrap();
    // Nothing to wait for.
    add(&ada, "a")?;
    let start = Instant::now();
    assert_eq!(ada.close(PATIENCE), 1);
    assert!(start.elapsed() < Duration::from_secs(1));
    Ok(())
}

#[test]
fn a_session_that_must_be_made_first_refuses_for_good() -> TestResult {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let relay = RunningRelay::with(&Config { listen, require_created_sessions: true, ..Config::default() })?;
    let ada = join(relay.address(), "lab", "ada")?;
    let (code, message, retries) = disconnected(&ada);
    assert_eq!((code, retries), (Some(1008), false));
    assert!(message.contains("there is no session of this name"), "{message}");
    // It is told once.
    while let Some(event) = ada.wait_event(Duration::from_millis(200)) {
        assert!(!matches!(event, Event::Disconnected { .. }), "{event:?}");
    }
    Ok(())
}

#[test]
fn a_thread_that_panics_leaves_nobody_waiting() -> TestResult {
    let bell: optiverse_client::Bell = Arc::new(|| resume_unwind(Box::new("planted")));
    let options = ClientOptions { bell: Some(bell), ..ClientOptions::default() };
    let ada = join_with(SocketAddr::from(([127, 0, 0, 1], 1)), "lab", "ada", options)?;
    while ada.wait_event(Duration::MAX).is_some() {}
    assert!(ada.is_closed());
    let panic = catch_unwind(AssertUnwindSafe(|| ada.close(Duration::ZERO))).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"planted"));
    Ok(())
}

#[test]
fn a_client_waits_longer_for_a_greeting_than_a_relay_for_a_password() {
    // Otherwise one without a password would hang up first, and try again for ever.
    assert!(u64::from(Config::default().limits.auth_s) * 1_000 < session::GREETING_TIMEOUT_MS);
}

#[test]
fn secrets_that_no_header_can_hold_are_refused() -> TestResult {
    let secret = || Some("two\nlines".to_owned());
    for (what, options) in [
        ("password", ClientOptions { password: secret(), ..ClientOptions::default() }),
        ("token", ClientOptions { token: secret(), ..ClientOptions::default() }),
    ] {
        let shown = format!("{options:?}");
        let error = join_with(SocketAddr::from(([127, 0, 0, 1], 1)), "lab", "ada", options).unwrap_err().to_string();
        assert!(error.starts_with(&format!("the {what} holds a character that cannot be sent")), "{error}");
        assert!(shown.contains("given") && !shown.contains("lines"), "{shown}");
    }
    Ok(())
}

#[test]
fn the_bell_is_rung_for_events() -> TestResult {
    let relay = RunningRelay::start()?;
    let rung = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&rung);
    let bell: optiverse_client::Bell = Arc::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let ada = join_with(relay.address(), "lab", "ada", ClientOptions { bell: Some(bell), ..ClientOptions::default() })?;
    assert!(ada.wait_synchronised(PATIENCE));
    until("the bell was rung", || rung.load(Ordering::SeqCst) > 0);
    let before = rung.load(Ordering::SeqCst);
    let bob = join(relay.address(), "lab", "bob")?;
    add(&bob, "lens")?;
    until("it is rung again", || rung.load(Ordering::SeqCst) > before);
    Ok(())
}
