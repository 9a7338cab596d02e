//! Handles. To C they are pointers to types without content; here they are numbers that are looked up in a table and
//! never followed, so that a handle that was freed, made up or of another type is an error and not a crash.
//!
//! A number holds the place in the table, the kind of object, and how often the place was used before. A place is not
//! used again when that count is full, so no number is ever handed out twice.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::result::{Failure, ResultCode};

/// Bits for the kind of an object.
const KIND_BITS: u32 = 4;
/// Bits for the place in the table: 28 where a pointer has 64 bits.
const INDEX_BITS: u32 = usize::BITS / 2 - KIND_BITS;
/// The most handles of one type at a time.
const MAX_HANDLES: usize = 1 << INDEX_BITS;
/// The largest count of uses.
const MAX_GENERATION: usize = (1 << (usize::BITS / 2)) - 1;

/// A type that C holds by handles.
pub(crate) trait Object: Sized + Send + Sync + 'static {
    /// The name in C.
    const NAME: &'static str;
    /// A number of its own, from 1 to 15.
    const KIND: usize;

    fn table() -> &'static Table<Self>;
}

/// Declares that C holds a type by handles.
macro_rules! object {
    ($type:ty, $name:literal, $kind:literal) => {
        impl $crate::handle::Object for $type {
            const NAME: &'static str = $name;
            const KIND: usize = $kind;

            fn table() -> &'static $crate::handle::Table<Self> {
                static TABLE: $crate::handle::Table<$type> = $crate::handle::Table::new();
                &TABLE
            }
        }
    };
}
pub(crate) use object;

/// All objects of one type that C has.
pub(crate) struct Table<T> {
    slots: RwLock<Slots<T>>,
}

struct Slots<T> {
    entries: Vec<Entry<T>>,
    free: Vec<usize>,
}

struct Entry<T> {
    generation: usize,
    object: Option<Arc<T>>,
}

static LIVE: AtomicUsize = AtomicUsize::new(0);

impl<T: Object> Table<T> {
    pub(crate) const fn new() -> Self {
        Table { slots: RwLock::new(Slots { entries: Vec::new(), free: Vec::new() }) }
    }

    fn reserve(&'static self, most: usize) -> Result<Reserved<T>, Failure> {
        // Nothing panics while the lock is held, so what it guards is whole.
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let index = match slots.free.pop() {
            Some(index) => index,
            None if slots.entries.len() < most => {
                slots.entries.push(Entry { generation: 1, object: None });
                slots.entries.len() - 1
            }
            None => {
                let message = format!("there are {most} handles of the type {} already", T::NAME);
                return Err(Failure::new(ResultCode::TooManyHandles, message));
            }
        };
        Ok(Reserved { table: self, index })
    }

    fn get(&self, address: usize) -> Option<Arc<T>> {
        let (generation, index) = split::<T>(address)?;
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let entry = slots.entries.get(index).filter(|entry| entry.generation == generation)?;
        entry.object.clone()
    }

    fn remove(&self, address: usize) -> Option<Arc<T>> {
        let (generation, index) = split::<T>(address)?;
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let entry = slots.entries.get_mut(index).filter(|entry| entry.generation == generation)?;
        let object = entry.object.take()?;
        LIVE.fetch_sub(1, Ordering::Relaxed);
        if generation < MAX_GENERATION {
            entry.generation += 1;
            slots.free.push(index);
        }
        Some(object)
    }
}

/// A place for a handle that is still to be given out: a call that changes something takes it first, so that it fails for
/// want of one before the change and not after it. Dropped, it is free again.
pub(crate) struct Reserved<T: Object> {
    table: &'static Table<T>,
    index: usize,
}

impl<T: Object> Reserved<T> {
    /// The handle for this object.
    pub(crate) fn fill(self, object: T) -> *mut T {
        let mut slots = self.table.slots.write().unwrap_or_else(PoisonError::into_inner);
        let entry = &mut slots.entries[self.index];
        entry.object = Some(Arc::new(object));
        let generation = entry.generation;
        drop(slots);
        LIVE.fetch_add(1, Ordering::Relaxed);
        let handle = generation << (usize::BITS / 2) | self.index << KIND_BITS | T::KIND;
        // It is in use now.
        std::mem::forget(self);
        std::ptr::without_provenance_mut(handle)
    }
}

impl<T: Object> Drop for Reserved<T> {
    fn drop(&mut self) {
        self.table.slots.write().unwrap_or_else(PoisonError::into_inner).free.push(self.index);
    }
}

/// The count of uses and the place, where the number is of this kind.
fn split<T: Object>(address: usize) -> Option<(usize, usize)> {
    let kind = address & ((1 << KIND_BITS) - 1);
    let index = (address >> KIND_BITS) & (MAX_HANDLES - 1);
    (kind == T::KIND).then_some((address >> (usize::BITS / 2), index))
}

/// A place for a new handle.
pub(crate) fn reserve<T: Object>() -> Result<Reserved<T>, Failure> {
    #[cfg(test)]
    tests::spend()?;
    T::table().reserve(MAX_HANDLES)
}

/// A handle for a new object.
pub(crate) fn insert<T: Object>(object: T) -> Result<*mut T, Failure> {
    Ok(reserve()?.fill(object))
}

/// The object behind a handle; it stays there until the call is over, whoever frees the handle meanwhile.
pub(crate) fn get<T: Object>(handle: *const T, parameter: &'static str) -> Result<Arc<T>, Failure> {
    T::table().get(handle.addr()).ok_or_else(|| no_handle::<T>(handle.addr(), parameter))
}

/// As [`get`]; none for a null pointer.
pub(crate) fn get_if_any<T: Object>(handle: *const T, parameter: &'static str) -> Result<Option<Arc<T>>, Failure> {
    if handle.is_null() { Ok(None) } else { get(handle, parameter).map(Some) }
}

/// Frees a handle. As with `free`, a null pointer is none.
pub(crate) fn free<T: Object>(handle: *mut T, parameter: &'static str) -> Result<(), Failure> {
    take(handle, parameter).map(drop)
}

/// As [`free`], and gives what was behind the handle.
pub(crate) fn take<T: Object>(handle: *mut T, parameter: &'static str) -> Result<Option<Arc<T>>, Failure> {
    if handle.is_null() {
        return Ok(None);
    }
    T::table().remove(handle.addr()).map(Some).ok_or_else(|| no_handle::<T>(handle.addr(), parameter))
}

fn no_handle<T: Object>(address: usize, parameter: &'static str) -> Failure {
    if address == 0 {
        return Failure::null(parameter);
    }
    let message = format!("`{parameter}` is not a handle of the type {} that is in use; was it freed?", T::NAME);
    Failure::new(ResultCode::InvalidHandle, message).about(parameter, format!("{address:#x}"))
}

/// Locks what a handle holds; waits while another thread uses it.
///
/// # Errors
/// If a panic broke off an earlier call, since what is there may be half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> Result<MutexGuard<'_, T>, Failure> {
    mutex.lock().map_err(|_| {
        let message = "an earlier call with this handle was broken off by a panic; it can only be freed";
        Failure::new(ResultCode::Panic, message)
    })
}

/// The number of handles that are in use, of all types: 0 when a program has freed all it was given.
#[unsafe(no_mangle)]
pub extern "C" fn optiverse_handle_count() -> usize {
    LIVE.load(Ordering::Relaxed)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::text::Text;

    thread_local! {
        static LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
    }

    /// Lets this thread have so many more handles, for tests of what happens when there are none left.
    pub(crate) fn leave(count: usize) {
        LEFT.set(count);
    }

    pub(super) fn spend() -> Result<(), Failure> {
        let left = LEFT.get().checked_sub(1);
        LEFT.set(left.ok_or_else(|| Failure::new(ResultCode::TooManyHandles, "the test leaves no more"))?);
        Ok(())
    }

    struct Thing(u32);
    object!(Thing, "thing", 15);

    fn code(result: Result<impl Sized, Failure>) -> Option<ResultCode> {
        result.err().map(|failure| failure.code())
    }

    #[test]
    fn a_handle_is_good_until_it_is_freed_and_never_again() {
        let first = insert(Thing(1)).unwrap();
        assert_eq!(get(first, "thing").unwrap().0, 1);
        free(first, "thing").unwrap();
        let second = insert(Thing(2)).unwrap();
        assert_ne!(first, second);
        assert_eq!(code(get(first, "thing")), Some(ResultCode::InvalidHandle));
        assert_eq!(code(free(first, "thing")), Some(ResultCode::InvalidHandle));
        assert_eq!(get(second, "thing").unwrap().0, 2);
        free(second, "thing").unwrap();
    }

    #[test]
    fn a_handle_of_another_type_or_none_at_all_is_refused() {
        let thing = insert(Thing(1)).unwrap();
        assert_eq!(code(get(thing.cast::<Text>(), "text")), Some(ResultCode::InvalidHandle));
        assert_eq!(code(free(thing.cast::<Text>(), "text")), Some(ResultCode::InvalidHandle));
        for address in [1, KIND_BITS as usize, 0xdead_beef, usize::MAX] {
            assert_eq!(
                code(get(std::ptr::without_provenance::<Thing>(address), "thing")),
                Some(ResultCode::InvalidHandle)
            );
        }
        assert_eq!(code(get(std::ptr::null::<Thing>(), "thing")), Some(ResultCode::NullParameter));
        assert_eq!(code(free(std::ptr::null_mut::<Thing>(), "thing")), None);
        free(thing, "thing").unwrap();
    }

    #[test]
    fn the_number_of_handles_is_limited() {
        static TABLE: Table<Thing> = Table::new();
        let table = &TABLE;
        let first = table.reserve(2).unwrap().fill(Thing(0));
        let second = table.reserve(2).unwrap();
        assert_eq!(code(table.reserve(2)), Some(ResultCode::TooManyHandles));
        // What was reserved and not used is there for others, and was never a handle.
        drop(second);
        let second = table.reserve(2).unwrap().fill(Thing(1));
        assert_eq!(code(table.reserve(2)), Some(ResultCode::TooManyHandles));
        assert!(table.remove(first.addr()).is_some());
        let third = table.reserve(2).unwrap().fill(Thing(2));
        assert_eq!([second, third].map(|handle| table.get(handle.addr()).unwrap().0), [1, 2]);
    }

    #[test]
    fn a_place_whose_count_is_full_is_not_used_again() {
        static TABLE: Table<Thing> = Table::new();
        let table = &TABLE;
        let full = Entry { generation: MAX_GENERATION, object: Some(Arc::new(Thing(7))) };
        table.slots.write().unwrap().entries.push(full);
        let last = MAX_GENERATION << (usize::BITS / 2) | Thing::KIND;
        assert_eq!(table.remove(last).unwrap().0, 7);
        assert_eq!(table.reserve(2).unwrap().fill(Thing(8)).addr() >> KIND_BITS & 1, 1);
        assert!(table.get(last).is_none());
    }
}
