//! What a legacy client knows: it sends whole items without stamps, and most of what it sends is what it was told.

use std::collections::{HashMap, VecDeque};

use crate::scene::{ItemId, Value, property, read};

/// After this time a value that was sent is taken to have arrived, in milliseconds.
const ARRIVED_AFTER_MS: u64 = 5_000;

/// Values of one group on their way to a client that are told apart; older ones are taken to have arrived.
const MAX_IN_FLIGHT: usize = 16;

/// What one legacy client knows.
#[derive(Debug, Default)]
pub(crate) struct Shadow {
    items: HashMap<ItemId, HashMap<Box<str>, Knowledge>>,
}

type Text = Option<Box<str>>;

/// What the client knows of one group.
#[derive(Debug)]
struct Knowledge {
    /// What it had when it was last heard of, or has certainly received since.
    known: Text,
    /// What was sent to it since, and when.
    in_flight: VecDeque<(u64, Text)>,
    /// Whether it has not yet shown that it has the latest of these.
    is_unconfirmed: bool,
}

/// What a value in a legacy client's message means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The client was never told of this group.
    Unknown,
    /// The client repeats what it knows. With `resend` it may show that for good: tell it the present value again.
    Repeated { resend: bool },
    /// Its user changed the value. With `resend` something older is on its way to it: send the present value after it.
    Changed { resend: bool },
}

impl Shadow {
    pub(crate) fn has(&self, id: &str) -> bool {
        self.items.contains_key(id)
    }

    /// The client is told that the item is gone, or said so itself.
    pub(crate) fn forget(&mut self, id: &str) {
        self.items.remove(id);
    }

    /// The client is told the value of a group.
    pub(crate) fn sent(&mut self, id: &str, group: &str, value: Option<&str>, now_ms: u64) {
        let groups = self.groups(id);
        let Some(knowledge) = groups.get_mut(group) else {
            groups.insert(group.into(), Knowledge::new(value));
            return;
        };
        if knowledge.latest() == value {
            return;
        }
        knowledge.in_flight.push_back((now_ms, value.map(Box::from)));
        knowledge.is_unconfirmed = true;
        if knowledge.in_flight.len() > MAX_IN_FLIGHT
            && let Some((_, arrived)) = knowledge.in_flight.pop_front()
        {
            knowledge.known = arrived;
        }
    }

    /// The client says that a group has this value.
    pub(crate) fn received(&mut self, id: &str, group: &str, value: Option<&str>, now_ms: u64) -> Meaning {
        let groups = self.groups(id);
        let Some(knowledge) = groups.get_mut(group) else {
            groups.insert(group.into(), Knowledge::new(value));
            return Meaning::Unknown;
        };
        let arrived = |sent: u64| sent.saturating_add(ARRIVED_AFTER_MS) <= now_ms;
        while knowledge.in_flight.front().is_some_and(|(sent, _)| arrived(*sent)) {
            if let Some((_, value)) = knowledge.in_flight.pop_front() {
                knowledge.known = value;
            }
        }
        let resend = knowledge.is_unconfirmed;
        if same_value(knowledge.latest(), value) {
            knowledge.in_flight.clear();
            knowledge.known = value.map(Box::from);
            knowledge.is_unconfirmed = false;
            return Meaning::Repeated { resend: false };
        }
        let seen = knowledge.in_flight.iter().rposition(|(_, sent)| same_value(sent.as_deref(), value));
        let is_repeated = seen.is_some() || same_value(knowledge.known.as_deref(), value);
        knowledge.in_flight.drain(..seen.map_or(0, |seen| seen + 1));
        knowledge.known = value.map(Box::from);
        if is_repeated { Meaning::Repeated { resend } } else { Meaning::Changed { resend } }
    }

    fn groups(&mut self, id: &str) -> &mut HashMap<Box<str>, Knowledge> {
        self.items.entry(ItemId::from(id)).or_default()
    }
}

impl Knowledge {
    fn new(value: Option<&str>) -> Knowledge {
        Knowledge { known: value.map(Box::from), in_flight: VecDeque::new(), is_unconfirmed: false }
    }

    fn latest(&self) -> Option<&str> {
        self.in_flight.back().map_or(self.known.as_deref(), |(_, value)| value.as_deref())
    }
}

/// Whether two values are the same in another's program: `1.0` and `1` are, and so are objects in any order of keys.
pub(crate) fn same_value(left: Option<&str>, right: Option<&str>) -> bool {
    if left == right {
        return true;
    }
    let (Some(left), Some(right)) = (left, right) else { return false };
    // The position group is the members of an object.
    let value = |text: &str| read(text).or_else(|_| read(&format!("{{{text}}}"))).map(|document| document.value);
    matches!((value(left), value(right)), (Ok(left), Ok(right)) if same(&left, &right))
}

fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(_), Value::Number(_)) => {
            let (left, right) = (property::to_f64(left), property::to_f64(right));
            left == right || (left.is_some_and(f64::is_nan) && right.is_some_and(f64::is_nan))
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            let agrees = |(key, value): (&String, &Value)| right.get(key).is_some_and(|other| same(value, other));
            left.len() == right.len() && left.iter().all(agrees)
        }
        (left, right) => left == right,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_as_programs_do() {
        let same = |left, right| same_value(Some(left), Some(right));
        assert!(same("1", "1.0") && same("1e3", "1000") && same("NaN", "NaN"));
        assert!(same(r#"{"a":1,"b":[2]}"#, r#"{"b": [2.0], "a": 1}"#));
        assert!(same(r#""x_mm":1,"y_mm":2"#, r#""x_mm":1.0,"y_mm":2.0"#));
        assert!(!same("1", "2") && !same("1", "\"1\"") && !same("[1]", "[1,2]"));
        assert!(!same_value(Some("1"), None) && same_value(None, None));
    }

    #[test]
    fn what_was_sent_comes_back_and_is_no_change() {
        let mut shadow = Shadow::default();
        shadow.sent("a", "n1", Some("1"), 0);
        assert_eq!(shadow.received("a", "n1", Some("1.0"), 0), Meaning::Repeated { resend: false });
        shadow.sent("a", "n1", Some("2"), 0);
        assert_eq!(shadow.received("a", "n1", Some("1"), 1), Meaning::Repeated { resend: true }, "not arrived yet");
        assert_eq!(shadow.received("a", "n1", Some("3"), 2), Meaning::Changed { resend: true }, "2 is on its way");
    }

    #[test]
    fn going_back_to_the_value_before_is_a_change_once_the_new_one_has_arrived() {
        let mut shadow = Shadow::default();
        shadow.sent("a", "n1", Some("1"), 0);
        shadow.sent("a", "n1", Some("2"), 0);
        assert_eq!(
            shadow.received("a", "n1", Some("1"), ARRIVED_AFTER_MS),
            Meaning::Changed { resend: true },
            "it should have arrived, but that was not seen"
        );
        let mut seen = Shadow::default();
        seen.sent("a", "n1", Some("1"), 0);
        seen.sent("a", "n1", Some("2"), 0);
        assert_eq!(seen.received("a", "n1", Some("2"), 1), Meaning::Repeated { resend: false });
        assert_eq!(seen.received("a", "n1", Some("1"), 2), Meaning::Changed { resend: false });
    }
}
