//! Who else is in a session.

use crate::border;
use crate::handle::{self, object};
use crate::result::ResultCode;
use crate::text::{Str, Texts};

/// The names of the other connections in a session, as they were when the list was made.
pub struct Users {
    names: Texts,
}

object!(Users, "optiverse_users", 13);

impl Users {
    pub(crate) fn of(names: &[String]) -> Users {
        Users { names: Texts::new(names.iter().map(|name| name.as_str().into())) }
    }
}

/// Looks at a list of users: `first` gets the address of the first name of `count`. They are good until the list is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_users_view(
    users: *const Users,
    first: *mut *const Str,
    count: *mut usize,
) -> ResultCode {
    border::show(first, count, users, "users", |users| users.names.views())
}

/// Frees a list of users.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_users_free(users: *mut Users) -> ResultCode {
    border::call(|| handle::free(users, "users"))
}
