//! What a user may do in a session.

/// What a user may do in a session. The relay decides, for each connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything.
    Owner,
    /// Edit.
    Editor,
    /// Look, and show where one is.
    Viewer,
}

impl Role {
    /// Whether the user may change the document.
    pub const fn may_edit(self) -> bool {
        matches!(self, Role::Owner | Role::Editor)
    }

    /// The word in messages: `owner`, `editor` or `viewer`.
    pub const fn code(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Editor => "editor",
            Role::Viewer => "viewer",
        }
    }

    /// The role of this word.
    pub fn from_code(code: &str) -> Option<Role> {
        [Role::Owner, Role::Editor, Role::Viewer].into_iter().find(|role| role.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_survives_its_word() {
        for (role, may_edit) in [(Role::Owner, true), (Role::Editor, true), (Role::Viewer, false)] {
            assert_eq!(Role::from_code(role.code()), Some(role));
            assert_eq!(role.may_edit(), may_edit);
        }
        assert_eq!(Role::from_code("Owner"), None);
    }
}
