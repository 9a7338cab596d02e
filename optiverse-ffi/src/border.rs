//! The border to C: what the caller's pointers point to is read and written here and nowhere else, and a panic ends here.

use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

use crate::handle::{self, Object, Reserved};
use crate::result::{Failure, ResultCode, remember};

/// Runs a call: its failure is remembered and becomes a code, and so does a panic.
pub(crate) fn call(body: impl FnOnce() -> Result<(), Failure>) -> ResultCode {
    // Whatever a panic leaves half done is behind a lock, which then refuses to be taken.
    let outcome = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        let failure = Failure::panic(&*payload);
        // Dropping what was thrown could throw again.
        std::mem::forget(payload);
        Err(failure)
    });
    match outcome {
        Ok(()) => ResultCode::Ok,
        Err(failure) => {
            let code = failure.code();
            remember(failure);
            code
        }
    }
}

/// A place for an output, checked before anything else is done.
pub(crate) fn output<T>(pointer: *mut T, parameter: &'static str) -> Result<NonNull<T>, Failure> {
    let pointer = NonNull::new(pointer).ok_or_else(|| Failure::null(parameter))?;
    check_alignment(pointer.as_ptr(), parameter)?;
    Ok(pointer)
}

fn check_alignment<T>(pointer: *const T, parameter: &'static str) -> Result<(), Failure> {
    if pointer.is_aligned() {
        return Ok(());
    }
    let expected = format!("an address that is a multiple of {}", align_of::<T>());
    Err(Failure::argument(parameter, format!("{:#x}", pointer.addr()), &expected))
}

/// Writes an output. What was there is not looked at.
///
/// # Safety
/// The caller gave the pointer to memory of this type that it may write to.
pub(crate) unsafe fn write<T>(place: NonNull<T>, value: T) {
    // SAFETY: not null and aligned, by `output`; the rest is the promise of the caller.
    unsafe { place.write(value) }
}

/// Gives the caller a handle for a new object.
///
/// # Safety
/// As for [`write`].
pub(crate) unsafe fn give<T: Object>(place: NonNull<*mut T>, object: T) -> Result<(), Failure> {
    let handle = handle::insert(object)?;
    // SAFETY: the promise of the caller.
    unsafe { write(place, handle) };
    Ok(())
}

/// A place for a handle that nobody may want, and the handle: both are there before anything is changed.
pub(crate) type Wanted<T> = Option<(NonNull<*mut T>, Reserved<T>)>;

/// As [`output`] for a handle that a call which changes something gives; none for a null pointer.
pub(crate) fn optional_handle<T: Object>(pointer: *mut *mut T, parameter: &'static str) -> Result<Wanted<T>, Failure> {
    if pointer.is_null() {
        return Ok(None);
    }
    Ok(Some((output(pointer, parameter)?, handle::reserve()?)))
}

/// Gives the caller a handle for a new object, where one is wanted. Cannot fail any more.
///
/// # Safety
/// As for [`write`].
pub(crate) unsafe fn give_if_wanted<T: Object>(wanted: Wanted<T>, object: impl FnOnce() -> T) {
    if let Some((place, reserved)) = wanted {
        // SAFETY: the promise of the caller.
        unsafe { write(place, reserved.fill(object())) };
    }
}

/// A call that lets the caller look at a list, which a handle keeps alive.
///
/// # Safety
/// As for [`write`], for both places.
pub(crate) unsafe fn show<T: Object, E>(
    first: *mut *const E,
    count: *mut usize,
    handle: *const T,
    parameter: &'static str,
    list: impl FnOnce(&T) -> &[E],
) -> ResultCode {
    call(|| {
        let first = output(first, "first")?;
        let count = output(count, "count")?;
        let object = handle::get(handle, parameter)?;
        let list = list(&object);
        // SAFETY: the promise of the caller.
        unsafe { write(first, list.as_ptr()) };
        // SAFETY: the promise of the caller.
        unsafe { write(count, list.len()) };
        Ok(())
    })
}

/// Reads a structure of numbers.
///
/// # Safety
/// The caller gave the pointer to memory of this type that it may read, and any bytes are a value of this type.
pub(crate) unsafe fn read<T: Copy>(pointer: *const T, parameter: &'static str) -> Result<T, Failure> {
    let place = output(pointer.cast_mut(), parameter)?;
    // SAFETY: not null and aligned; the rest is the promise of the caller.
    Ok(unsafe { place.read() })
}

/// Reads a structure that begins with its size, set by the function `init`.
///
/// # Safety
/// As for [`read`]. What was not initialised may be shorter, but has its size.
pub(crate) unsafe fn read_sized<T: Copy>(pointer: *const T, parameter: &'static str, init: &str) -> Result<T, Failure> {
    // The size is read alone first: what was not initialised may be of an older, shorter form.
    // SAFETY: the promise of the caller.
    let size = unsafe { read(pointer.cast::<usize>(), parameter)? };
    if size != size_of::<T>() {
        return Err(Failure::option("size", size.to_string(), &format!("{}: call {init} first", size_of::<T>())));
    }
    // SAFETY: the promise of the caller.
    unsafe { read(pointer, parameter) }
}

/// Bytes and their number. A null pointer to no bytes is no bytes.
///
/// # Safety
/// As for [`list`].
pub(crate) unsafe fn bytes<'a>(data: *const u8, length: usize, parameter: &'static str) -> Result<&'a [u8], Failure> {
    // SAFETY: the promise of the caller.
    unsafe { list(data, length, parameter) }
}

/// Entries and their number. A null pointer to none is none.
///
/// # Safety
/// The caller gave a pointer to that many entries of this type, which nobody changes during the call.
pub(crate) unsafe fn list<'a, T>(first: *const T, count: usize, parameter: &'static str) -> Result<&'a [T], Failure> {
    if count == 0 {
        return Ok(&[]);
    }
    if first.is_null() {
        return Err(Failure::null(parameter));
    }
    check_alignment(first, parameter)?;
    let bytes = count.checked_mul(size_of::<T>()).filter(|bytes| isize::try_from(*bytes).is_ok());
    if bytes.and_then(|bytes| first.addr().checked_add(bytes)).is_none() {
        return Err(Failure::argument(parameter, format!("{count} long"), "no longer than memory can hold"));
    }
    // SAFETY: not null, aligned, not longer than an object can be; the rest is the promise of the caller.
    Ok(unsafe { std::slice::from_raw_parts(first, count) })
}

/// UTF-8 text and its length in bytes.
///
/// # Safety
/// As for [`bytes`].
pub(crate) unsafe fn text<'a>(data: *const c_char, length: usize, parameter: &'static str) -> Result<&'a str, Failure> {
    // SAFETY: the promise of the caller.
    utf8(unsafe { bytes(data.cast(), length, parameter)? }, parameter)
}

/// UTF-8 text that ends with a NUL.
///
/// # Safety
/// The caller gave a pointer to text that ends with a NUL, which nobody changes during the call.
pub(crate) unsafe fn c_text<'a>(text: *const c_char, parameter: &'static str) -> Result<&'a str, Failure> {
    if text.is_null() {
        return Err(Failure::null(parameter));
    }
    // SAFETY: not null; the rest is the promise of the caller.
    utf8(unsafe { CStr::from_ptr(text) }.to_bytes(), parameter)
}

fn utf8<'a>(bytes: &'a [u8], parameter: &'static str) -> Result<&'a str, Failure> {
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let message = format!("`{parameter}` is not UTF-8 text: byte {at} is none of any character");
        Failure::new(ResultCode::InvalidUtf8, message).about(parameter, format!("byte {at}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{ErrorInfo, optiverse_last_error};

    fn last() -> ErrorInfo {
        let mut info = std::mem::MaybeUninit::uninit();
        // SAFETY: a place of the right type.
        assert_eq!(unsafe { optiverse_last_error(info.as_mut_ptr()) }, ResultCode::Ok);
        // SAFETY: written with OK.
        unsafe { info.assume_init() }
    }

    #[test]
    fn a_panic_comes_out_as_a_code_with_its_message() {
        assert_eq!(call(|| panic!("planted {}", "here")), ResultCode::Panic);
        // SAFETY: texts of the last error.
        let message = unsafe { text(last().message.data, last().message.length, "message") }.unwrap();
        assert!(message.ends_with("planted here"), "{message}");
        assert_eq!(call(|| std::panic::panic_any(7_u32)), ResultCode::Panic);
    }

    #[test]
    fn what_panics_when_it_is_dropped_does_not_cross_either() {
        struct Mine;
        impl Drop for Mine {
            fn drop(&mut self) {
                panic!("dropped");
            }
        }
        assert_eq!(call(|| std::panic::panic_any(Mine)), ResultCode::Panic);
    }

    #[test]
    fn a_handle_whose_change_was_broken_off_can_only_be_freed() {
        let mutex = std::sync::Mutex::new(0);
        let broken = call(|| {
            let mut held = crate::handle::lock(&mutex)?;
            *held += 1;
            panic!("planted")
        });
        assert_eq!(broken, ResultCode::Panic);
        assert_eq!(call(|| crate::handle::lock(&mutex).map(drop)), ResultCode::Panic);
    }
}
