//! What a legacy client knows: it sends whole items without stamps, and most of what it sends is what it was told.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use crate::scene::ItemId;
use crate::sync::equal::same_value;
use crate::sync::replica::{Group, ItemState};

/// After this time a value that was sent is taken to have arrived, in milliseconds.
pub(crate) const ARRIVED_AFTER_MS: u64 = 5_000;

/// After this time all items of a scene, which may be many, are taken to have arrived, in milliseconds.
const STATE_ARRIVED_AFTER_MS: u64 = 30_000;

/// After this time without a word of an item its client is told of it again, in milliseconds.
const CORRECTED_AFTER_MS: u64 = 1_000;

/// Values of one group on their way to a client that are told apart; older ones are taken to have arrived.
const MAX_IN_FLIGHT: usize = 16;

/// Removals that are remembered for a client.
const MAX_TOLD_GONE: usize = 10_000;

/// Items that were sent all at once, as they were then, in the order of their ids.
pub(crate) type SentState = Arc<[(ItemId, Arc<ItemState>)]>;

/// What one legacy client knows.
#[derive(Debug, Default)]
pub(crate) struct Shadow {
    /// When it was sent all items, on which the app throws away what it shows.
    state_sent_ms: Option<u64>,
    state: SentState,
    /// What is known of items that were spoken of since; none: the client has it no more.
    items: HashMap<ItemId, Option<KnownItem>>,
    corrections: HashMap<ItemId, Correction>,
    /// The same by the time at which they are due.
    due: BTreeSet<(u64, ItemId)>,
    /// Items that it was told are gone, and was not told of since.
    told_gone: BTreeSet<ItemId>,
}

/// An item that is sent to a client once more when it has said nothing of it for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Correction {
    due_ms: u64,
    /// Whether the client may not have the item at all.
    pub(crate) rebuild: bool,
}

type Text = Option<Arc<str>>;

/// What the client knows of one item: its groups, in the order in which they were first spoken of.
#[derive(Debug, Default)]
pub(crate) struct KnownItem {
    groups: Vec<Knowledge>,
}

/// What the client knows of one group.
#[derive(Debug)]
struct Knowledge {
    group: Arc<str>,
    /// What it had when it was last heard of, or has certainly received since.
    known: Text,
    /// What was sent to it since, and when.
    in_flight: VecDeque<(u64, Text)>,
}

/// What a value in a legacy client's message means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The client repeats what it knows.
    Repeated,
    /// Its user changed the value.
    Changed,
}

impl Shadow {
    /// Of a client that was just sent all items.
    pub(crate) fn after_state(state: SentState, now_ms: u64) -> Shadow {
        Shadow { state_sent_ms: Some(now_ms), state, ..Shadow::default() }
    }

    /// What is kept, in items.
    pub(crate) fn len(&self) -> usize {
        let unspoken = self.state.iter().filter(|(id, _)| !self.items.contains_key(id));
        self.items.len() + unspoken.count() + self.corrections.len() + self.told_gone.len()
    }

    pub(crate) fn has(&self, id: &str) -> bool {
        self.items.get(id).map_or_else(|| in_state(&self.state, id).is_some(), Option::is_some)
    }

    /// Whether all items may still be on their way.
    pub(crate) fn may_rebuild(&self, now_ms: u64) -> bool {
        self.state_sent_ms.is_some_and(|sent| now_ms < sent.saturating_add(STATE_ARRIVED_AFTER_MS))
    }

    /// Whether the client may have the item although it is not known to.
    pub(crate) fn is_in_doubt(&self, id: &str, now_ms: u64) -> bool {
        self.may_rebuild(now_ms) || self.corrections.contains_key(id)
    }

    /// The client said that the item is gone.
    pub(crate) fn forget(&mut self, id: &str) {
        if in_state(&self.state, id).is_some() {
            self.items.insert(ItemId::from(id), None);
        } else {
            self.items.remove(id);
        }
    }

    /// The client is told that the item is gone.
    pub(crate) fn sent_removal(&mut self, id: &str) {
        self.forget(id);
        self.told_gone.insert(ItemId::from(id));
        if self.told_gone.len() > MAX_TOLD_GONE {
            self.told_gone.pop_first();
        }
    }

    /// Whether a removal may be on its way to the client that comes after what it just said.
    pub(crate) fn was_told_gone(&self, id: &str) -> bool {
        self.told_gone.contains(id)
    }

    /// The client spoke of an item. Something older may be on its way to it and change what it shows, so that it is told
    /// again when it has finished.
    pub(crate) fn correct_later(&mut self, id: &str, rebuild: bool, now_ms: u64) {
        let due_ms = now_ms.saturating_add(CORRECTED_AFTER_MS);
        if self.corrections.get(id).is_some_and(|noted| noted.due_ms == due_ms && (noted.rebuild || !rebuild)) {
            return;
        }
        let earlier = self.corrections.remove_entry(id);
        let rebuild = rebuild || earlier.as_ref().is_some_and(|(_, correction)| correction.rebuild);
        let id = match earlier {
            Some((id, correction)) => {
                let entry = (correction.due_ms, id);
                self.due.remove(&entry);
                entry.1
            }
            None => ItemId::from(id),
        };
        self.due.insert((due_ms, id.clone()));
        self.corrections.insert(id, Correction { due_ms, rebuild });
    }

    /// When the next correction is due.
    pub(crate) fn deadline(&self) -> Option<u64> {
        self.due.first().map(|(due_ms, _)| *due_ms)
    }

    /// Takes the corrections that are due.
    pub(crate) fn due(&mut self, now_ms: u64) -> Vec<(ItemId, Correction)> {
        let mut found = Vec::new();
        while self.deadline().is_some_and(|due_ms| due_ms <= now_ms)
            && let Some((_, id)) = self.due.pop_first()
        {
            found.extend(self.corrections.remove(&id).map(|correction| (id, correction)));
        }
        found
    }

    /// The client is told of an item, if it is known to have it. Returns whether it is.
    pub(crate) fn sent_again(&mut self, id: &ItemId, state: &ItemState, now_ms: u64) -> bool {
        self.forget_removal(id);
        if let Some(known) = self.items.get_mut(id) {
            return known.as_mut().map(|known| known.sent(state, now_ms)).is_some();
        }
        let is_known = in_state(&self.state, id).is_some();
        if is_known {
            self.item(id).sent(state, now_ms);
        }
        is_known
    }

    /// The client is told of an item.
    pub(crate) fn sent(&mut self, id: &ItemId, state: &ItemState, now_ms: u64) {
        self.forget_removal(id);
        self.item(id).sent(state, now_ms);
    }

    fn forget_removal(&mut self, id: &str) {
        if !self.told_gone.is_empty() {
            self.told_gone.remove(id);
        }
    }

    /// What is known of an item; nothing if it was not spoken of.
    pub(crate) fn item(&mut self, id: &ItemId) -> &mut KnownItem {
        let was_sent = || in_state(&self.state, id).map(KnownItem::of);
        self.items.entry(id.clone()).or_insert_with(was_sent).get_or_insert_default()
    }
}

impl KnownItem {
    fn of(state: &ItemState) -> KnownItem {
        let knowledge = |group: &Group| Knowledge::new(Arc::clone(&group.name), group.register.value.clone());
        KnownItem { groups: state.groups.iter().map(knowledge).collect() }
    }

    fn sent(&mut self, state: &ItemState, now_ms: u64) {
        for (place, group) in state.groups.iter().enumerate() {
            self.sent_group(place, &group.name, &group.register.value, now_ms);
        }
    }

    fn group(&mut self, group: &str) -> Option<&mut Knowledge> {
        self.groups.iter_mut().find(|known| *known.group == *group)
    }

    fn sent_group(&mut self, place: usize, group: &Arc<str>, value: &Text, now_ms: u64) {
        // Most of the time they come in one order.
        let is_there = self.groups.get(place).is_some_and(|known| Arc::ptr_eq(&known.group, group));
        let knowledge = if is_there { self.groups.get_mut(place) } else { self.group(group) };
        let Some(knowledge) = knowledge else {
            self.groups.push(Knowledge::new(Arc::clone(group), value.clone()));
            return;
        };
        if same_text(knowledge.latest(), value) {
            return;
        }
        knowledge.in_flight.push_back((now_ms, value.clone()));
        if knowledge.in_flight.len() > MAX_IN_FLIGHT
            && let Some((_, arrived)) = knowledge.in_flight.pop_front()
        {
            knowledge.known = arrived;
        }
    }

    /// The client says that a group has this value.
    pub(crate) fn received(&mut self, group: &str, value: Option<&str>, now_ms: u64) -> Meaning {
        let Some(knowledge) = self.group(group) else {
            self.groups.push(Knowledge::new(Arc::from(group), value.map(Arc::from)));
            return Meaning::Changed;
        };
        let arrived = |sent: u64| sent.saturating_add(ARRIVED_AFTER_MS) <= now_ms;
        while knowledge.in_flight.front().is_some_and(|(sent, _)| arrived(*sent)) {
            if let Some((_, value)) = knowledge.in_flight.pop_front() {
                knowledge.known = value;
            }
        }
        let seen = knowledge.in_flight.iter().rposition(|(_, sent)| same_value(sent.as_deref(), value));
        let is_repeated = seen.is_some() || same_value(knowledge.known.as_deref(), value);
        knowledge.in_flight.drain(..seen.map_or(0, |seen| seen + 1));
        if knowledge.known.as_deref() != value {
            knowledge.known = value.map(Arc::from);
        }
        if is_repeated { Meaning::Repeated } else { Meaning::Changed }
    }
}

impl Knowledge {
    fn new(group: Arc<str>, known: Text) -> Knowledge {
        Knowledge { group, known, in_flight: VecDeque::new() }
    }

    fn latest(&self) -> &Text {
        self.in_flight.back().map_or(&self.known, |(_, value)| value)
    }
}

/// An item as it was sent with all others, if it was.
fn in_state<'s>(state: &'s SentState, id: &str) -> Option<&'s ItemState> {
    let place = state.binary_search_by(|(other, _)| other.as_str().cmp(id)).ok()?;
    Some(&state[place].1)
}

/// Whether two texts are equal; those that are shared need not be read.
fn same_text(left: &Text, right: &Text) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => Arc::ptr_eq(left, right) || left == right,
        (left, right) => left.is_none() && right.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tell(shadow: &mut Shadow, value: &str, now_ms: u64) {
        shadow.item(&"a".into()).sent_group(0, &"n1".into(), &Some(value.into()), now_ms);
    }

    fn hear(shadow: &mut Shadow, value: &str, now_ms: u64) -> Meaning {
        shadow.item(&"a".into()).received("n1", Some(value), now_ms)
    }

    #[test]
    fn what_was_sent_comes_back_and_is_no_change() {
        let mut shadow = Shadow::default();
        tell(&mut shadow, "1", 0);
        assert_eq!(hear(&mut shadow, "1.0", 0), Meaning::Repeated);
        tell(&mut shadow, "2", 0);
        assert_eq!(hear(&mut shadow, "1", 1), Meaning::Repeated, "2 has not arrived yet");
        assert_eq!(hear(&mut shadow, "3", 2), Meaning::Changed);
    }

    #[test]
    fn going_back_to_the_value_before_is_a_change_once_the_new_one_has_arrived() {
        for (seen, now_ms) in [(None, ARRIVED_AFTER_MS), (Some("2"), 1)] {
            let mut shadow = Shadow::default();
            tell(&mut shadow, "1", 0);
            tell(&mut shadow, "2", 0);
            if let Some(seen) = seen {
                assert_eq!(hear(&mut shadow, seen, now_ms), Meaning::Repeated);
            }
            assert_eq!(hear(&mut shadow, "1", now_ms), Meaning::Changed);
        }
    }

    #[test]
    fn values_in_flight_are_bounded() {
        let mut shadow = Shadow::default();
        for value in 0..=MAX_IN_FLIGHT {
            tell(&mut shadow, &value.to_string(), 0);
        }
        assert_eq!(hear(&mut shadow, "0", 0), Meaning::Repeated);
        let mut shadow = Shadow::default();
        for value in 0..=MAX_IN_FLIGHT + 1 {
            tell(&mut shadow, &value.to_string(), 0);
        }
        assert_eq!(hear(&mut shadow, "0", 0), Meaning::Changed);
    }

    #[test]
    fn a_correction_waits_for_the_last_word() {
        let mut shadow = Shadow::default();
        shadow.correct_later("a", true, 0);
        shadow.correct_later("a", false, 500);
        assert_eq!(shadow.deadline(), Some(500 + CORRECTED_AFTER_MS));
        assert!(shadow.due(499 + CORRECTED_AFTER_MS).is_empty());
        let due = shadow.due(500 + CORRECTED_AFTER_MS);
        assert!(due.len() == 1 && due[0].1.rebuild);
        assert_eq!(shadow.deadline(), None);
    }
}
