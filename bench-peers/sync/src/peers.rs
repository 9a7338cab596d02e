//! The libraries behind one face.

use automerge::transaction::Transactable;
use automerge::{AutoCommit, ObjType, ReadDoc};
use loro::{ExportMode, LoroDoc, LoroMap};
use optiverse_core::scene::{Item, Properties, Section, Value};
use optiverse_core::sync::{Clock, Operation, OperationId, RemovedItems, Replica, ReplicaId};
use yrs::updates::decoder::Decode;
use yrs::{Any, Doc, Map, MapPrelim, MapRef, Number, Out, ReadTxn, StateVector, Transact, Update};

/// A replicated document of items.
pub trait Peer: Sized + 'static {
    /// The name of the library.
    const NAME: &'static str;

    /// An empty document of this author.
    fn new(author: u64) -> Self;
    /// A copy that is edited by another author.
    fn fork(&mut self, author: u64) -> Self;
    /// Adds an item.
    fn add(&mut self, item: &str, name: &str, numbers: &[(&str, f64)]);
    /// Edits a property. Returns what is sent to the others.
    fn edit(&mut self, item: &str, key: &str, value: f64) -> Vec<u8>;
    /// Merges what another sent.
    fn apply(&mut self, update: &[u8]);
    /// What another misses.
    fn missing_in(&mut self, other: &mut Self) -> Vec<u8>;
    /// The document as bytes.
    fn save(&mut self) -> Vec<u8>;
    /// The document of these bytes.
    fn load(saved: &[u8]) -> Self;
    /// A property.
    fn read(&self, item: &str, key: &str) -> Option<f64>;
}

/// This project's.
pub struct Ours {
    replica: Replica,
    author: ReplicaId,
    number: u64,
    clock: Clock,
}

const NOW_MS: u64 = 1_763_700_000_000;

impl Ours {
    fn next(&mut self) -> (OperationId, optiverse_core::sync::Timestamp) {
        self.number += 1;
        let now_ms = NOW_MS + self.number / 10;
        (OperationId { replica: self.author, number: self.number }, self.clock.stamp(now_ms))
    }

    fn send(&mut self, operation: &Operation<'_>) -> Vec<u8> {
        self.replica.apply(operation).unwrap();
        operation.to_json().into_bytes()
    }
}

impl Peer for Ours {
    const NAME: &'static str = "ours";

    fn new(author: u64) -> Ours {
        let author = ReplicaId::new(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(author));
        Ours { replica: Replica::new(RemovedItems::Keep), author, number: 0, clock: Clock::new() }
    }

    fn fork(&mut self, author: u64) -> Ours {
        Ours { replica: self.replica.clone(), clock: self.clock.clone(), number: self.number, ..Ours::new(author) }
    }

    fn add(&mut self, item: &str, name: &str, numbers: &[(&str, f64)]) {
        let mut properties = Properties::new();
        properties.insert("item_uuid".to_owned(), Value::from(item));
        properties.insert("name".to_owned(), Value::from(name));
        properties.extend(numbers.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))));
        let (id, time) = self.next();
        let operation = Operation::add(id, time, &Item::new(Section::Items, properties).unwrap()).unwrap();
        self.send(&operation);
    }

    fn edit(&mut self, item: &str, key: &str, value: f64) -> Vec<u8> {
        let (id, time) = self.next();
        let value = Value::from(value);
        let operation = Operation::set(id, time, item, [(key, Some(&value))]).unwrap();
        self.send(&operation)
    }

    fn apply(&mut self, update: &[u8]) {
        let text = std::str::from_utf8(update).unwrap();
        // An operation is a list, a difference an object.
        if text.starts_with('[') {
            self.replica.apply(&Operation::from_json(text).unwrap()).unwrap();
        } else {
            self.replica.merge(text).unwrap();
        }
    }

    fn missing_in(&mut self, other: &mut Ours) -> Vec<u8> {
        self.replica.difference(other.replica.vector()).into_bytes()
    }

    fn save(&mut self) -> Vec<u8> {
        self.replica.to_snapshot().into_bytes()
    }

    fn load(saved: &[u8]) -> Ours {
        let replica = Replica::from_snapshot(std::str::from_utf8(saved).unwrap(), RemovedItems::Keep).unwrap();
        Ours { replica, ..Ours::new(9) }
    }

    fn read(&self, item: &str, key: &str) -> Option<f64> {
        self.replica.item(item)?.get(key)?.as_f64()
    }
}

/// The Rust port of Yjs.
pub struct Yrs {
    doc: Doc,
    items: MapRef,
}

impl Yrs {
    fn of(doc: Doc) -> Yrs {
        let items = doc.get_or_insert_map("items");
        Yrs { doc, items }
    }
}

impl Peer for Yrs {
    const NAME: &'static str = "yrs";

    fn new(author: u64) -> Yrs {
        Yrs::of(Doc::with_client_id(author))
    }

    fn fork(&mut self, author: u64) -> Yrs {
        let mut fork = Yrs::new(author);
        fork.apply(&self.save());
        fork
    }

    fn add(&mut self, item: &str, name: &str, numbers: &[(&str, f64)]) {
        let mut transaction = self.doc.transact_mut();
        let map = self.items.insert(&mut transaction, item, MapPrelim::default());
        map.insert(&mut transaction, "item_uuid", item);
        map.insert(&mut transaction, "name", name);
        for (key, value) in numbers {
            map.insert(&mut transaction, *key, *value);
        }
    }

    fn edit(&mut self, item: &str, key: &str, value: f64) -> Vec<u8> {
        let mut transaction = self.doc.transact_mut();
        let Some(Out::YMap(map)) = self.items.get(&transaction, item) else { panic!("{item}") };
        map.insert(&mut transaction, key, value);
        transaction.encode_update_v1()
    }

    fn apply(&mut self, update: &[u8]) {
        self.doc.transact_mut().apply_update(Update::decode_v1(update).unwrap()).unwrap();
    }

    fn missing_in(&mut self, other: &mut Yrs) -> Vec<u8> {
        let theirs = other.doc.transact().state_vector();
        self.doc.transact().encode_state_as_update_v1(&theirs)
    }

    fn save(&mut self) -> Vec<u8> {
        self.doc.transact().encode_state_as_update_v1(&StateVector::default())
    }

    fn load(saved: &[u8]) -> Yrs {
        let mut peer = Yrs::new(9);
        peer.apply(saved);
        peer
    }

    fn read(&self, item: &str, key: &str) -> Option<f64> {
        let transaction = self.doc.transact();
        let Out::YMap(map) = self.items.get(&transaction, item)? else { return None };
        match map.get(&transaction, key)? {
            Out::Any(Any::Number(Number::Float(number))) => Some(number),
            Out::Any(Any::Number(Number::Int(number))) => Some(number as f64),
            _ => None,
        }
    }
}

/// Loro.
pub struct Loro {
    doc: LoroDoc,
}

impl Loro {
    fn item(&self, item: &str) -> Option<LoroMap> {
        self.doc.get_map("items").get(item)?.into_container().ok()?.into_map().ok()
    }
}

impl Peer for Loro {
    const NAME: &'static str = "loro";

    fn new(author: u64) -> Loro {
        let doc = LoroDoc::new();
        doc.set_peer_id(author).unwrap();
        Loro { doc }
    }

    fn fork(&mut self, author: u64) -> Loro {
        let doc = self.doc.fork();
        doc.set_peer_id(author).unwrap();
        Loro { doc }
    }

    fn add(&mut self, item: &str, name: &str, numbers: &[(&str, f64)]) {
        let map = self.doc.get_map("items").insert_container(item, LoroMap::new()).unwrap();
        map.insert("item_uuid", item).unwrap();
        map.insert("name", name).unwrap();
        for (key, value) in numbers {
            map.insert(key, *value).unwrap();
        }
        self.doc.commit();
    }

    fn edit(&mut self, item: &str, key: &str, value: f64) -> Vec<u8> {
        let before = self.doc.oplog_vv();
        self.item(item).unwrap().insert(key, value).unwrap();
        self.doc.commit();
        self.doc.export(ExportMode::updates(&before)).unwrap()
    }

    fn apply(&mut self, update: &[u8]) {
        self.doc.import(update).unwrap();
    }

    fn missing_in(&mut self, other: &mut Loro) -> Vec<u8> {
        self.doc.export(ExportMode::updates(&other.doc.oplog_vv())).unwrap()
    }

    fn save(&mut self) -> Vec<u8> {
        self.doc.export(ExportMode::Snapshot).unwrap()
    }

    fn load(saved: &[u8]) -> Loro {
        Loro { doc: LoroDoc::from_snapshot(saved).unwrap() }
    }

    fn read(&self, item: &str, key: &str) -> Option<f64> {
        self.item(item)?.get(key)?.into_value().ok()?.into_double().ok()
    }
}

/// Automerge.
pub struct Automerge {
    doc: AutoCommit,
}

impl Automerge {
    fn item(&self, item: &str) -> Option<automerge::ObjId> {
        let items = self.doc.get(automerge::ROOT, "items").ok()??.1;
        Some(self.doc.get(items, item).ok()??.1)
    }
}

impl Peer for Automerge {
    const NAME: &'static str = "automerge";

    fn new(author: u64) -> Automerge {
        let mut doc = AutoCommit::new().with_actor(automerge::ActorId::from(author.to_be_bytes().to_vec()));
        if author == 1 {
            doc.put_object(automerge::ROOT, "items", ObjType::Map).unwrap();
            doc.commit();
        }
        Automerge { doc }
    }

    fn fork(&mut self, author: u64) -> Automerge {
        Automerge { doc: self.doc.fork().with_actor(automerge::ActorId::from(author.to_be_bytes().to_vec())) }
    }

    fn add(&mut self, item: &str, name: &str, numbers: &[(&str, f64)]) {
        let items = self.doc.get(automerge::ROOT, "items").unwrap().unwrap().1;
        let map = self.doc.put_object(&items, item, ObjType::Map).unwrap();
        self.doc.put(&map, "item_uuid", item).unwrap();
        self.doc.put(&map, "name", name).unwrap();
        for (key, value) in numbers {
            self.doc.put(&map, *key, *value).unwrap();
        }
        self.doc.commit();
    }

    fn edit(&mut self, item: &str, key: &str, value: f64) -> Vec<u8> {
        let map = self.item(item).unwrap();
        self.doc.put(&map, key, value).unwrap();
        self.doc.commit();
        self.doc.get_last_local_change().unwrap().raw_bytes().to_vec()
    }

    fn apply(&mut self, update: &[u8]) {
        self.doc.load_incremental(update).unwrap();
    }

    fn missing_in(&mut self, other: &mut Automerge) -> Vec<u8> {
        self.doc.save_after(&other.doc.get_heads())
    }

    fn save(&mut self) -> Vec<u8> {
        self.doc.save()
    }

    fn load(saved: &[u8]) -> Automerge {
        Automerge { doc: AutoCommit::load(saved).unwrap() }
    }

    fn read(&self, item: &str, key: &str) -> Option<f64> {
        self.doc.get(self.item(item)?, key).ok()??.0.as_f64()
    }
}
