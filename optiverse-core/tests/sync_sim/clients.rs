//! Clients of the simulated network: new ones, the app as it behaves, and clients of component messages.

use std::collections::{BTreeMap, VecDeque};

use optiverse_core::scene::{Edit, Item, ItemId, Properties, PropertyChange, Scene, Section, Value};
use optiverse_core::sync::session::{Event, LocalEditError, Status, UndoStep};
use optiverse_core::sync::{Role, Session};

use super::Random;
use super::keys::{key, key_text};

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const KEYS: [&str; 4] = ["angle_deg", "n1", "name", "interfaces"];

pub type Contents = BTreeMap<String, (&'static str, BTreeMap<String, Value>)>;

/// The items by id, their properties by key.
pub fn contents<'i>(items: impl Iterator<Item = &'i Item>) -> Contents {
    items.map(|item| (item.id().to_string(), (item.section().key(), sorted(item.properties())))).collect()
}

fn sorted(properties: &Properties) -> BTreeMap<String, Value> {
    properties.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

pub enum Client {
    New(Box<NewClient>),
    App(App),
    Component(ComponentClient),
}

pub struct NewClient {
    pub session: Session,
    /// All that it has had, each with a process.
    pub keys: Vec<String>,
    frames: VecDeque<String>,
    pub events: Vec<Event>,
    wants_connection: bool,
    /// Whether it has asked for the end of its connection.
    pub has_given_up: bool,
}

impl NewClient {
    pub fn new(id: u64) -> NewClient {
        NewClient {
            session: Session::new(key(id)),
            keys: vec![key_text(id)],
            frames: VecDeque::new(),
            events: Vec::new(),
            wants_connection: false,
            has_given_up: false,
        }
    }

    pub fn pump(&mut self) {
        while let Some(event) = self.session.poll_event() {
            match &event {
                Event::Connect { .. } => self.wants_connection = true,
                Event::FrameIgnored(error) => panic!("{error}"),
                Event::RelayComplained { message } => panic!("{message}"),
                // The simulated clocks jump by more than a connection may be silent.
                Event::Disconnect { reason } => {
                    assert!(["the server has fallen silent", "the server did not say who it is"].contains(reason));
                    self.has_given_up = true;
                }
                _ => {}
            }
            self.events.push(event);
        }
        self.frames.extend(std::iter::from_fn(|| self.session.poll_transmit()));
    }

    fn edit(&mut self, random: &mut Random, now_ms: u64) {
        let name = NAMES[random.below(NAMES.len())];
        let present = self.session.scene().contains(name);
        let value = random.below(1_000) as i64;
        let id = ItemId::from(name);
        let result = match random.below(8) {
            0 => self.session.undo(now_ms).map(|_| ()),
            1 => self.session.redo(now_ms).map(|_| ()),
            _ if !present => {
                let item = Item::new(Section::Items, properties(name, value)).unwrap();
                self.session.edit(&Edit::Add { item, position: None }, UndoStep::New, now_ms)
            }
            2 => self.session.edit(&Edit::Remove { id }, UndoStep::New, now_ms),
            3..=4 => {
                let edit = Edit::Move { id, x_mm: value as f64, y_mm: -value as f64 };
                self.session.edit(&edit, if random.one_in(2) { UndoStep::New } else { UndoStep::Continue }, now_ms)
            }
            5 => {
                let changes = vec![PropertyChange::remove(KEYS[1 + random.below(2)])];
                self.session.edit(&Edit::Set { id, changes }, UndoStep::New, now_ms)
            }
            _ => {
                let changes = vec![PropertyChange::set(KEYS[random.below(KEYS.len())], value)];
                self.session.edit(&Edit::Set { id, changes }, UndoStep::New, now_ms)
            }
        };
        match result {
            // S17, invariant 10: a viewer's edits go no further than this.
            Err(LocalEditError::Role) => assert_eq!(self.session.role(), Some(Role::Viewer)),
            other => other.unwrap(),
        }
    }

    /// S7, invariant 4: the view is what is confirmed with the pending edits on top, made anew.
    fn check(&self) {
        let anew = Session::resume(key(0), &self.session.save()).unwrap();
        assert_eq!(contents(anew.scene().items()), contents(self.session.scene().items()));
        if self.session.status() == Status::Synchronised {
            let confirmed = self.session.confirmed().items();
            assert_eq!(contents(confirmed.iter()), contents(self.session.scene().items()));
        }
        for item in self.session.scene().items() {
            // S4, invariant 7: a position is always one that somebody wrote.
            let read = |key| item.get(key).and_then(Value::as_f64);
            assert_eq!(read("x_mm").map(|x| -x), read("y_mm"), "{item:?}");
        }
    }
}

fn properties(name: &str, value: i64) -> Properties {
    let mut properties = Properties::new();
    properties.insert("item_uuid".to_owned(), Value::from(name));
    properties.insert("_type".to_owned(), Value::from("source"));
    properties.insert("x_mm".to_owned(), Value::from(value));
    properties.insert("y_mm".to_owned(), Value::from(-value));
    properties.insert("n1".to_owned(), Value::from(value));
    properties
}

/// The app 0.3.4: it sends whole items, ignores `sync:full_state` as a host, and builds anew from it otherwise.
pub struct App {
    is_host: bool,
    /// Whether it waits for all items; it tells of no new ones until then.
    awaits_state: bool,
    items: BTreeMap<String, Properties>,
    frames: VecDeque<String>,
}

impl App {
    pub fn new(is_host: bool) -> App {
        App { is_host, awaits_state: false, items: BTreeMap::new(), frames: VecDeque::new() }
    }

    fn send(&mut self, action: &str, id: &str) {
        let data = self.items.get(id).cloned().unwrap_or_default();
        let command = serde_json::json!({
            "type": "command", "user_id": "me", "timestamp": "2025-11-21T04:40:00",
            "command": {"action": action, "item_type": "source", "item_id": id, "data": data},
        });
        self.frames.push_back(command.to_string());
    }

    fn upload(&mut self) {
        let items: Vec<Value> = self
            .items
            .iter()
            .map(|(id, item)| {
                let mut item = item.clone();
                item.insert("uuid".to_owned(), Value::from(id.as_str()));
                item.insert("item_type".to_owned(), Value::from("source"));
                Value::Object(item)
            })
            .collect();
        let frame =
            serde_json::json!({"type": "sync:full_state", "state": {"items": items, "version": 1}, "user_id": "me"});
        self.frames.push_back(frame.to_string());
    }

    fn frame(&mut self, frame: &str) {
        let message: Value = serde_json::from_str(frame).unwrap();
        match message["type"].as_str().unwrap() {
            "connection:ack" => {
                if self.is_host {
                    self.upload();
                } else {
                    self.awaits_state = true;
                    self.frames.push_back(serde_json::json!({"type": "sync:request"}).to_string());
                }
            }
            "user:joined" if self.is_host => self.upload(),
            "sync:full_state" if !self.is_host => {
                self.awaits_state = false;
                self.items.clear();
                for item in message["state"]["items"].as_array().unwrap() {
                    let mut item = item.as_object().unwrap().clone();
                    item.shift_remove("item_type");
                    let Some(Value::String(id)) = item.shift_remove("uuid") else { panic!("{frame}") };
                    self.items.insert(id, item);
                }
            }
            "command" => {
                let command = &message["command"];
                let action = command["action"].as_str().unwrap();
                // An action that it does not know it passes over.
                if !["add_item", "move_item", "update_item", "remove_item"].contains(&action) {
                    assert_eq!(action, "sync");
                    return;
                }
                let id = command["item_id"].as_str().unwrap().to_owned();
                let data = command["data"].as_object().unwrap().clone();
                match action {
                    "add_item" => {
                        let before = self.items.insert(id, data);
                        assert!(before.is_none(), "the app would show the item twice: {frame}");
                    }
                    "update_item" => {
                        if let Some(item) = self.items.get_mut(&id) {
                            *item = data;
                        }
                    }
                    // Of a move it takes the place and the angle, whatever else is there.
                    "move_item" => {
                        if let Some(item) = self.items.get_mut(&id) {
                            let moved =
                                data.into_iter().filter(|(key, _)| ["x_mm", "y_mm", "angle_deg"].contains(&&**key));
                            item.extend(moved);
                        }
                    }
                    "remove_item" => drop(self.items.remove(&id)),
                    other => panic!("{other}"),
                }
            }
            _ => {}
        }
    }

    fn edit(&mut self, random: &mut Random, is_connected: bool) {
        // What the app does while it is cut off is lost when it comes back; a host's is not, and it sends all it has.
        if !is_connected {
            return;
        }
        let known: Vec<String> = self.items.keys().cloned().collect();
        let value = random.below(1_000) as i64;
        // The app's ids are random: two never add the same.
        let random_name = random.next();
        let fresh = || format!("app-{}", random_name);
        let is_new = known.is_empty() || random.one_in(6);
        let name = if is_new { fresh() } else { known[random.below(known.len())].clone() };
        let name = name.as_str();
        match (self.items.get_mut(name), random.below(4)) {
            (None, _) | (Some(_), 0) if self.awaits_state => {}
            (None, _) => {
                self.items.insert(name.to_owned(), properties(name, value));
                self.send("add_item", name);
            }
            (Some(_), 0) => {
                self.items.remove(name);
                self.send("remove_item", name);
            }
            (Some(item), 1) => {
                item.insert("angle_deg".to_owned(), Value::from(value));
                self.send("update_item", name);
            }
            (Some(item), _) => {
                item.insert("x_mm".to_owned(), Value::from(value as f64));
                item.insert("y_mm".to_owned(), Value::from(-value as f64));
                self.send("move_item", name);
            }
        }
    }

    pub fn shown(&self) -> BTreeMap<String, BTreeMap<String, Value>> {
        self.items.iter().map(|(id, item)| (id.clone(), comparable(item))).collect()
    }

    pub fn expected(&self, scene: &Scene) -> BTreeMap<String, BTreeMap<String, Value>> {
        let items = scene.items().filter(|item| item.section() == Section::Items);
        items.map(|item| (item.id().to_string(), comparable(item.properties()))).collect()
    }
}

/// Numbers are compared by their value: the app writes whole numbers with a fraction.
fn comparable(properties: &Properties) -> BTreeMap<String, Value> {
    let number = |value: &Value| value.as_f64().map_or_else(|| value.clone(), Value::from);
    properties.iter().map(|(key, value)| (key.clone(), number(value))).collect()
}

/// A client of component messages.
pub struct ComponentClient {
    items: BTreeMap<String, Properties>,
    frames: VecDeque<String>,
}

impl ComponentClient {
    pub fn new() -> ComponentClient {
        ComponentClient { items: BTreeMap::new(), frames: VecDeque::new() }
    }

    fn send(&mut self, kind: &str, data: Value) {
        self.frames.push_back(serde_json::json!({"type": kind, "data": data}).to_string());
    }

    fn connected(&mut self) {
        let items: Vec<Properties> = self.items.values().cloned().collect();
        for item in items {
            self.send("component:add", Value::Object(item));
        }
        if self.items.is_empty() {
            // Something must be said for the relay to know what is spoken.
            self.send("component:delete", serde_json::json!({"id": "nothing"}));
        }
    }

    fn frame(&mut self, frame: &str) {
        let message: Value = serde_json::from_str(frame).unwrap();
        let kind = message["type"].as_str().unwrap();
        let Some(action) = kind.strip_prefix("component:") else { return };
        let data = message["data"].as_object().unwrap().clone();
        let id = data["id"].as_str().unwrap().to_owned();
        match action {
            // A repeat is told by its id.
            "add" => drop(self.items.entry(id).or_insert(data)),
            "delete" => drop(self.items.remove(&id)),
            _ => {
                if let Some(item) = self.items.get_mut(&id) {
                    item.extend(data);
                }
            }
        }
    }

    fn edit(&mut self, random: &mut Random, is_connected: bool) {
        if !is_connected {
            return;
        }
        // Beside the scene's own items such a client makes flat ones.
        let known: Vec<String> = self.items.keys().cloned().collect();
        let value = random.below(1_000) as i64;
        let name = match known.as_slice() {
            [] => "flat".to_owned(),
            _ if random.one_in(4) => "flat".to_owned(),
            _ => known[random.below(known.len())].clone(),
        };
        match (self.items.get_mut(&name), random.below(4)) {
            (None, _) => {
                let item = serde_json::json!({"id": name, "kind": "lens", "x_mm": value, "y_mm": -value, "efl_mm": 50});
                self.items.insert(name, item.as_object().unwrap().clone());
                self.send("component:add", item);
            }
            (Some(_), 0) => {
                self.items.remove(&name);
                self.send("component:delete", serde_json::json!({"id": name}));
            }
            (Some(item), 1) => {
                item.insert("angle_deg".to_owned(), Value::from(value));
                self.send("component:rotate", serde_json::json!({"id": name, "angle_deg": value}));
            }
            (Some(item), _) => {
                // Real clients send the whole item as a move.
                item.insert("x_mm".to_owned(), Value::from(value));
                item.insert("y_mm".to_owned(), Value::from(-value));
                let item = Value::Object(item.clone());
                self.send("component:move", item);
            }
        }
    }

    pub fn shown(&self) -> BTreeMap<String, BTreeMap<String, Value>> {
        self.items.iter().map(|(id, item)| (id.clone(), without_names(item))).collect()
    }

    pub fn expected(&self, scene: &Scene) -> BTreeMap<String, BTreeMap<String, Value>> {
        scene.items().map(|item| (item.id().to_string(), without_names(item.properties()))).collect()
    }
}

/// The relay puts `id` and `kind` in for items of other lists.
fn without_names(properties: &Properties) -> BTreeMap<String, Value> {
    let mut all = comparable(properties);
    all.remove("id");
    all.remove("kind");
    all
}

impl Client {
    pub fn is_new(&self) -> bool {
        matches!(self, Client::New(_))
    }

    pub fn connected(&mut self, now_ms: u64) {
        match self {
            Client::New(client) => {
                client.wants_connection = false;
                client.session.handle_connected(now_ms);
                client.frames.clear();
                client.pump();
            }
            Client::App(app) => app.frames.clear(),
            Client::Component(client) => {
                client.frames.clear();
                client.connected();
            }
        }
    }

    pub fn disconnected(&mut self, now_ms: u64) {
        match self {
            Client::New(client) => {
                client.session.handle_disconnected(now_ms);
                client.frames.clear();
                client.pump();
            }
            Client::App(app) => app.frames.clear(),
            Client::Component(client) => client.frames.clear(),
        }
    }

    /// Whether the client wants a connection by `now_ms`.
    pub fn wants_connection(&mut self, now_ms: u64) -> bool {
        if let Client::New(client) = self {
            client.session.handle_timeout(now_ms);
            client.pump();
            return client.wants_connection;
        }
        true
    }

    pub fn timeout(&mut self, now_ms: u64) {
        if let Client::New(client) = self {
            client.session.handle_timeout(now_ms);
            client.pump();
        }
    }

    pub fn frame(&mut self, frame: &str, now_ms: u64) {
        match self {
            Client::New(client) => {
                client.session.handle_frame(frame.as_bytes(), now_ms);
                client.pump();
            }
            Client::App(app) => app.frame(frame),
            Client::Component(client) => client.frame(frame),
        }
    }

    pub fn edit(&mut self, random: &mut Random, is_connected: bool, now_ms: u64) {
        match self {
            Client::New(client) => {
                client.edit(random, now_ms);
                client.pump();
            }
            Client::App(app) => app.edit(random, is_connected),
            Client::Component(client) => client.edit(random, is_connected),
        }
    }

    /// Whether the client asks for the end of its connection; asking again says no.
    pub fn gives_up(&mut self) -> bool {
        match self {
            Client::New(client) => std::mem::take(&mut client.has_given_up),
            Client::App(_) | Client::Component(_) => false,
        }
    }

    pub fn take_frames(&mut self) -> Vec<String> {
        match self {
            Client::New(client) => {
                client.pump();
                client.frames.drain(..).collect()
            }
            Client::App(app) => app.frames.drain(..).collect(),
            Client::Component(client) => client.frames.drain(..).collect(),
        }
    }

    /// The secrets of a new client.
    pub fn keys(&self) -> &[String] {
        match self {
            Client::New(client) => &client.keys,
            Client::App(_) | Client::Component(_) => &[],
        }
    }

    /// A new process goes on with the saved work of the old one.
    pub fn restart(&mut self, id: u64) {
        if let Client::New(client) = self {
            let session = Session::resume(key(id), &client.session.save()).unwrap();
            let mut keys = std::mem::take(&mut client.keys);
            keys.push(key_text(id));
            **client = NewClient { session, keys, ..NewClient::new(id) };
            client.pump();
        }
    }

    pub fn check(&self) {
        if let Client::New(client) = self {
            client.check();
        }
    }
}
