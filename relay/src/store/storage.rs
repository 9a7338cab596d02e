//! Group commit: one thread takes everything that waits and stores it in one go.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::store::{Change, Store, StoreError, StoredSession};

/// Changes that are stored in one go, at most.
const MAX_GROUP: usize = 1_024;

/// Resolves when a change is stored, or is not.
pub type Waiting = oneshot::Receiver<Result<(), Arc<StoreError>>>;

/// The answer to a request to load a session.
type Loaded = Result<Option<StoredSession>, StoreError>;

enum Request {
    Change(Change, oneshot::Sender<Result<(), Arc<StoreError>>>),
    Load(String, oneshot::Sender<Loaded>),
}

/// A store as asynchronous code uses it.
#[derive(Clone)]
pub struct Storage {
    place: Place,
}

#[derive(Clone)]
enum Place {
    /// It does not block: called where one stands, without a way to another thread and back.
    Here(Arc<Mutex<dyn Store>>),
    Thread(Arc<Thread>),
}

struct Thread {
    requests: Mutex<Option<Sender<Request>>>,
    handle: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Storage").finish_non_exhaustive()
    }
}

impl Storage {
    /// For a store that does not block, such as one in memory.
    pub fn here(store: impl Store) -> Storage {
        Storage { place: Place::Here(Arc::new(Mutex::new(store))) }
    }

    /// For a store that blocks: it gets a thread of its own.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn threaded(store: impl Store) -> std::io::Result<Storage> {
        let (requests, waiting) = channel();
        let handle = std::thread::Builder::new().name("storage".to_owned()).spawn(move || serve(store, &waiting))?;
        let thread = Thread { requests: Mutex::new(Some(requests)), handle: Mutex::new(Some(handle)) };
        Ok(Storage { place: Place::Thread(Arc::new(thread)) })
    }

    /// Stores a change after all that were given before it.
    pub fn commit(&self, change: Change) -> Waiting {
        let (answer, waiting) = oneshot::channel();
        match &self.place {
            Place::Here(store) => {
                let stored = lock(store).commit(std::slice::from_ref(&change)).map_err(Arc::new);
                // Whoever asked may have lost interest.
                let _ = answer.send(stored);
            }
            // Where the thread has ended, the answer is dropped, which says so.
            Place::Thread(thread) => thread.send(Request::Change(change, answer)),
        }
        waiting
    }

    /// Reads a session after all changes that were given before.
    ///
    /// # Errors
    /// If it cannot be read, or the storage is closed.
    pub async fn load(&self, session: &str) -> Loaded {
        match &self.place {
            Place::Here(store) => lock(store).load(session),
            Place::Thread(thread) => {
                let (answer, waiting) = oneshot::channel();
                thread.send(Request::Load(session.to_owned(), answer));
                waiting.await.unwrap_or(Err(StoreError::Closed))
            }
        }
    }

    /// Stores what waits and ends the thread. Later requests fail.
    pub fn close(&self) {
        if let Place::Thread(thread) = &self.place {
            drop(lock(&thread.requests).take());
            if let Some(handle) = lock(&thread.handle).take()
                && handle.join().is_err()
            {
                tracing::error!("the storage thread ended by a panic");
            }
        }
    }
}

impl Thread {
    fn send(&self, request: Request) {
        if let Some(requests) = &*lock(&self.requests) {
            // Where the thread has ended, the request is dropped with its answer, which says so.
            let _ = requests.send(request);
        }
    }
}

/// What a panic elsewhere left behind is whole: no lock here is held over anything that is done in steps.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(mut store: impl Store, requests: &Receiver<Request>) {
    let (mut changes, mut answers) = (Vec::new(), Vec::new());
    while let Ok(first) = requests.recv() {
        let mut next = Some(first);
        while let Some(request) = next.take() {
            match request {
                Request::Change(change, answer) => {
                    changes.push(change);
                    answers.push(answer);
                    if changes.len() < MAX_GROUP {
                        next = requests.try_recv().ok();
                    }
                }
                Request::Load(session, answer) => {
                    store_group(&mut store, &mut changes, &mut answers);
                    let _ = answer.send(store.load(&session));
                }
            }
        }
        store_group(&mut store, &mut changes, &mut answers);
    }
}

fn store_group(
    store: &mut impl Store,
    changes: &mut Vec<Change>,
    answers: &mut Vec<oneshot::Sender<Result<(), Arc<StoreError>>>>,
) {
    if changes.is_empty() {
        return;
    }
    let stored = store.commit(changes);
    for (change, answer) in changes.drain(..).zip(answers.drain(..)) {
        // One that does not fit must not take the others with it.
        let answered = if stored.is_ok() { Ok(()) } else { store.commit(&[change]).map_err(Arc::new) };
        let _ = answer.send(answered);
    }
}
