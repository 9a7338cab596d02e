//! Sessions in an SQLite file: what was committed survives a crash of the relay, of the system, and a power cut.

use std::path::Path;

use optiverse_core::sync::Role;
use optiverse_core::sync::authority::{Record, Snapshot};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, Transaction, params};

use crate::store::{
    Change, Invitation, SessionInfo, Store, StoreError, StoredSession, TokenHash, check_snapshot, follow,
};

/// "OptR" in ASCII: marks the file as ours.
const APPLICATION: i64 = 0x4f70_7452;

/// What makes a file of each version from one of the version before; the first, from an empty one. `user_version` is the
/// number of those that were carried out.
const STEPS: [&str; 3] = [
    "
        CREATE TABLE session (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            epoch INTEGER NOT NULL,
            created_ms INTEGER NOT NULL,
            active_ms INTEGER NOT NULL,
            newest INTEGER NOT NULL,
            password TEXT
        ) STRICT;
        CREATE TABLE snapshot (
            session INTEGER PRIMARY KEY REFERENCES session ON DELETE CASCADE,
            sequence INTEGER NOT NULL,
            text TEXT NOT NULL
        ) STRICT;
        CREATE TABLE record (
            session INTEGER NOT NULL REFERENCES session ON DELETE CASCADE,
            sequence INTEGER NOT NULL,
            text TEXT NOT NULL,
            PRIMARY KEY (session, sequence)
        ) STRICT, WITHOUT ROWID;
    ",
    // Roles and invitations. Sessions from before stay open to everybody who knows them.
    "
        ALTER TABLE session ADD COLUMN default_role TEXT DEFAULT 'editor';
        ALTER TABLE session ADD COLUMN owner BLOB;
        CREATE TABLE invitation (
            number INTEGER PRIMARY KEY,
            session INTEGER NOT NULL REFERENCES session ON DELETE CASCADE,
            id TEXT NOT NULL,
            token BLOB NOT NULL,
            role TEXT NOT NULL,
            created_ms INTEGER NOT NULL,
            expires_ms INTEGER,
            uses INTEGER,
            UNIQUE (session, id)
        ) STRICT;
        CREATE TABLE invitation_user (
            invitation INTEGER NOT NULL REFERENCES invitation ON DELETE CASCADE,
            name TEXT NOT NULL,
            PRIMARY KEY (invitation, name)
        ) STRICT, WITHOUT ROWID;
    ",
    // A row of `record` may hold several operations that were stored together, the last of them that of its number.
    "",
];

/// Stands between operations in one row: no JSON text has it in it (RFC 7464, section 2.2).
const SEPARATOR: &str = "\u{1e}";

/// The version of the files that this relay writes.
const VERSION: i64 = STEPS.len() as i64;

/// Keeps sessions in an SQLite file, which it holds for itself alone.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
}

impl SqliteStore {
    /// Opens the file, or makes it. A file of an earlier version becomes one of the present version, which relays of that
    /// time do not open any more.
    ///
    /// # Errors
    /// If it cannot be opened or written, another process has it open, or it is a database of something else or of a
    /// later version.
    pub fn open(path: &Path) -> Result<SqliteStore, StoreError> {
        SqliteStore::open_alone(path).map_err(|error| match error {
            StoreError::Sqlite(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                StoreError::InUse
            }
            other => other,
        })
    }

    fn open_alone(path: &Path) -> Result<SqliteStore, StoreError> {
        let connection = Connection::open(path)?;
        // One relay at a time: a second one must fail now and not when it writes.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // A commit reaches the disk before it is acknowledged.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        let mut store = SqliteStore { connection };
        store.prepare()?;
        Ok(store)
    }

    fn prepare(&mut self) -> Result<(), StoreError> {
        let transaction = self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let read = |name| transaction.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let (application, version) = (read("application_id")?, read("user_version")?);
        let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        let is_ours = application == APPLICATION && (1..=VERSION).contains(&version);
        if !is_ours && (application, version, tables) != (0, 0, 0) {
            return Err(StoreError::Format {
                application,
                version,
                expected_application: APPLICATION,
                expected_version: VERSION,
            });
        }
        if version < VERSION {
            for step in STEPS.iter().skip(usize::try_from(version).unwrap_or_default()) {
                transaction.execute_batch(step)?;
            }
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
        Ok(transaction.commit()?)
    }
}

/// SQLite counts in 64 bits with a sign: the bits of a number, so that every one comes back.
fn bits(number: u64) -> i64 {
    number.cast_signed()
}

/// The columns that [`read_info`] reads.
const INFO: &str = "number, id, epoch, created_ms, active_ms, password, default_role, owner";

/// What is known of a session but its invitations, and its number in the tables.
fn read_info(row: &Row<'_>) -> rusqlite::Result<(i64, SessionInfo)> {
    let info = SessionInfo {
        id: row.get(1)?,
        epoch: row.get::<_, i64>(2)?.cast_unsigned(),
        created_ms: row.get::<_, i64>(3)?.cast_unsigned(),
        active_ms: row.get::<_, i64>(4)?.cast_unsigned(),
        password: row.get(5)?,
        default_role: row.get::<_, Option<Word>>(6)?.map(|word| word.0),
        owner: row.get::<_, Option<_>>(7)?.map(TokenHash),
        invitations: Vec::new(),
    };
    Ok((row.get(0)?, info))
}

/// A role as it is stored.
struct Word(Role);

impl FromSql for Word {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Word> {
        let word = value.as_str()?;
        Role::from_code(word).map(Word).ok_or_else(|| FromSqlError::Other(format!("`{word}` is no role").into()))
    }
}

/// The invitations to a session, in the order in which they were made.
fn read_invitations(connection: &Connection, session: i64) -> rusqlite::Result<Vec<Invitation>> {
    let mut users = connection.prepare_cached("SELECT name FROM invitation_user WHERE invitation = ?1")?;
    connection
        .prepare_cached(
            "SELECT number, id, token, role, created_ms, expires_ms, uses FROM invitation
             WHERE session = ?1 ORDER BY number",
        )?
        .query_map([session], |row| {
            Ok(Invitation {
                id: row.get(1)?,
                token: TokenHash(row.get(2)?),
                role: row.get::<_, Word>(3)?.0,
                created_ms: row.get::<_, i64>(4)?.cast_unsigned(),
                expires_ms: row.get::<_, Option<i64>>(5)?.map(i64::cast_unsigned),
                uses: row.get(6)?,
                users: users.query_map([row.get::<_, i64>(0)?], |row| row.get(0))?.collect::<Result<_, _>>()?,
            })
        })?
        .collect()
}

/// The number of a session in the tables, and its newest operation.
fn find(transaction: &Transaction<'_>, session: &str) -> Result<(i64, u64), StoreError> {
    let mut query = transaction.prepare_cached("SELECT number, newest FROM session WHERE id = ?1")?;
    let found =
        query.query_row([session], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned()))).optional()?;
    found.ok_or_else(|| StoreError::Unknown(session.to_owned()))
}

/// Adds operations in one row: a row for each would cost more than all else that is done with it.
fn append(transaction: &Transaction<'_>, number: i64, records: &[Record]) -> Result<(), StoreError> {
    let Some(last) = records.last() else { return Ok(()) };
    let texts: Vec<&str> = records.iter().map(|record| &*record.text).collect();
    transaction
        .prepare_cached("INSERT INTO record (session, sequence, text) VALUES (?1, ?2, ?3)")?
        .execute(params![number, bits(last.sequence), texts.join(SEPARATOR)])?;
    Ok(())
}

/// The operations of a row.
fn read_records(row: &Row<'_>) -> rusqlite::Result<Vec<Record>> {
    let last = row.get::<_, i64>(0)?.cast_unsigned();
    let texts: Vec<&str> = row.get_ref(1)?.as_str()?.split(SEPARATOR).collect();
    let first = last.saturating_sub(texts.len() as u64 - 1);
    Ok((first..).zip(texts).map(|(sequence, text)| Record { sequence, text: text.into() }).collect())
}

fn touch(transaction: &Transaction<'_>, number: i64, now_ms: u64) -> Result<(), StoreError> {
    transaction
        .prepare_cached("UPDATE session SET active_ms = max(active_ms, ?2) WHERE number = ?1")?
        .execute(params![number, bits(now_ms)])?;
    Ok(())
}

fn invite(
    transaction: &Transaction<'_>,
    session: &str,
    number: i64,
    invitation: &Invitation,
) -> Result<(), StoreError> {
    let added = transaction
        .prepare_cached(
            "INSERT INTO invitation (session, id, token, role, created_ms, expires_ms, uses)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (session, id) DO NOTHING",
        )?
        .execute(params![
            number,
            invitation.id,
            invitation.token.0,
            invitation.role.code(),
            bits(invitation.created_ms),
            invitation.expires_ms.map(bits),
            invitation.uses,
        ])?;
    if added == 0 {
        let (session, invitation) = (session.to_owned(), invitation.id.clone());
        return Err(StoreError::InvitationExists { session, invitation });
    }
    let number = transaction.last_insert_rowid();
    invitation.users.iter().try_for_each(|user| add_user(transaction, number, user))
}

fn add_user(transaction: &Transaction<'_>, invitation: i64, user: &str) -> Result<(), StoreError> {
    transaction
        .prepare_cached("INSERT INTO invitation_user (invitation, name) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute(params![invitation, user])?;
    Ok(())
}

fn carry_out(transaction: &Transaction<'_>, change: &Change) -> Result<(), StoreError> {
    match change {
        Change::Create(info) => {
            let added = transaction
                .prepare_cached(
                    "INSERT INTO session (id, epoch, created_ms, active_ms, newest, password, default_role, owner)
                     VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7) ON CONFLICT (id) DO NOTHING",
                )?
                .execute(params![
                    info.id,
                    bits(info.epoch),
                    bits(info.created_ms),
                    bits(info.active_ms),
                    info.password,
                    info.default_role.map(Role::code),
                    info.owner.map(|hash| hash.0),
                ])?;
            if added == 0 {
                return Err(StoreError::Exists(info.id.clone()));
            }
            let number = transaction.last_insert_rowid();
            info.invitations.iter().try_for_each(|invitation| invite(transaction, &info.id, number, invitation))?;
        }
        Change::Append { session, records, now_ms } => {
            let (number, newest) = find(transaction, session)?;
            let newest = follow(session, newest, records)?;
            append(transaction, number, records)?;
            transaction
                .prepare_cached("UPDATE session SET newest = ?2, active_ms = max(active_ms, ?3) WHERE number = ?1")?
                .execute(params![number, bits(newest), bits(*now_ms)])?;
        }
        Change::Snapshot { session, snapshot } => {
            let (number, newest) = find(transaction, session)?;
            check_snapshot(session, newest, snapshot)?;
            let replaced = transaction
                .prepare_cached(
                    "INSERT INTO snapshot (session, sequence, text) VALUES (?1, ?2, ?3)
                     ON CONFLICT (session) DO UPDATE SET sequence = excluded.sequence, text = excluded.text
                     WHERE excluded.sequence > sequence",
                )?
                .execute(params![number, bits(snapshot.sequence), snapshot.text])?;
            if replaced > 0 {
                transaction
                    .prepare_cached("DELETE FROM record WHERE session = ?1 AND sequence <= ?2")?
                    .execute(params![number, bits(snapshot.sequence)])?;
            }
        }
        Change::Touch { session, now_ms } => {
            let (number, _) = find(transaction, session)?;
            touch(transaction, number, *now_ms)?;
        }
        Change::Invite { session, invitation } => {
            let (number, _) = find(transaction, session)?;
            invite(transaction, session, number, invitation)?;
            touch(transaction, number, invitation.created_ms)?;
        }
        Change::UseInvitation { session, invitation, user } => {
            let (number, _) = find(transaction, session)?;
            let found = transaction
                .prepare_cached("SELECT number FROM invitation WHERE session = ?1 AND id = ?2")?
                .query_row(params![number, invitation], |row| row.get::<_, i64>(0))
                .optional()?;
            let unknown = || StoreError::UnknownInvitation { session: session.clone(), invitation: invitation.clone() };
            add_user(transaction, found.ok_or_else(unknown)?, user)?;
        }
        Change::Revoke { session, invitation } => {
            transaction
                .prepare_cached(
                    "DELETE FROM invitation WHERE id = ?2 AND session = (SELECT number FROM session WHERE id = ?1)",
                )?
                .execute([session, invitation])?;
        }
        Change::Delete { session } => {
            transaction.prepare_cached("DELETE FROM session WHERE id = ?1")?.execute([session])?;
        }
    }
    Ok(())
}

impl Store for SqliteStore {
    fn sessions(&mut self) -> Result<Vec<SessionInfo>, StoreError> {
        let mut query = self.connection.prepare_cached(&format!("SELECT {INFO} FROM session"))?;
        let found = query.query_map([], read_info)?.map(|row| {
            let (number, info) = row?;
            Ok(SessionInfo { invitations: read_invitations(&self.connection, number)?, ..info })
        });
        found.collect()
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let transaction = self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        changes.iter().try_for_each(|change| carry_out(&transaction, change))?;
        Ok(transaction.commit()?)
    }

    fn load(&mut self, session: &str) -> Result<Option<StoredSession>, StoreError> {
        let transaction = self.connection.transaction()?;
        let info = transaction
            .prepare_cached(&format!("SELECT {INFO} FROM session WHERE id = ?1"))?
            .query_row([session], read_info)
            .optional()?;
        let Some((number, mut info)) = info else { return Ok(None) };
        info.invitations = read_invitations(&transaction, number)?;
        let snapshot = transaction
            .prepare_cached("SELECT sequence, text FROM snapshot WHERE session = ?1")?
            .query_row([number], |row| {
                Ok(Snapshot { sequence: row.get::<_, i64>(0)?.cast_unsigned(), text: row.get(1)? })
            })
            .optional()?;
        let rows: Vec<Vec<Record>> = transaction
            .prepare_cached("SELECT sequence, text FROM record WHERE session = ?1 ORDER BY sequence")?
            .query_map([number], read_records)?
            .collect::<Result<_, _>>()?;
        // A snapshot may include a part of the first row.
        let included = snapshot.as_ref().map_or(0, |snapshot: &Snapshot| snapshot.sequence);
        let records = rows.into_iter().flatten().filter(|record| record.sequence > included).collect();
        Ok(Some(StoredSession { info, snapshot, records }))
    }
}
