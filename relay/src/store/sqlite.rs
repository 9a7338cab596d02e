//! Sessions in an SQLite file: what was committed survives a crash of the relay, of the system, and a power cut.

use std::path::Path;

use optiverse_core::sync::authority::{Record, Snapshot};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::store::{Change, SessionInfo, Store, StoreError, StoredSession, check_snapshot, follow};

/// "OptR" in ASCII: marks the file as ours.
const APPLICATION: i64 = 0x4f70_7452;
const VERSION: i64 = 1;

const SCHEMA: &str = "
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
";

/// Keeps sessions in an SQLite file, which it holds for itself alone.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
}

impl SqliteStore {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// If it cannot be opened or written, another process has it open, or it is not a database of this version.
    pub fn open(path: &Path) -> Result<SqliteStore, StoreError> {
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
        if (application, version, tables) == (0, 0, 0) {
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        } else if (application, version) != (APPLICATION, VERSION) {
            return Err(StoreError::Format {
                application,
                version,
                expected_application: APPLICATION,
                expected_version: VERSION,
            });
        }
        Ok(transaction.commit()?)
    }
}

/// SQLite counts in 64 bits with a sign: the bits of a number, so that every one comes back.
fn bits(number: u64) -> i64 {
    number.cast_signed()
}

fn read_info(row: &Row<'_>) -> rusqlite::Result<SessionInfo> {
    Ok(SessionInfo {
        id: row.get(0)?,
        epoch: row.get::<_, i64>(1)?.cast_unsigned(),
        created_ms: row.get::<_, i64>(2)?.cast_unsigned(),
        active_ms: row.get::<_, i64>(3)?.cast_unsigned(),
        password: row.get(4)?,
    })
}

/// The number of a session in the tables, and its newest operation.
fn find(transaction: &Transaction<'_>, session: &str) -> Result<(i64, u64), StoreError> {
    let mut query = transaction.prepare_cached("SELECT number, newest FROM session WHERE id = ?1")?;
    let found =
        query.query_row([session], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned()))).optional()?;
    found.ok_or_else(|| StoreError::Unknown(session.to_owned()))
}

fn touch(transaction: &Transaction<'_>, number: i64, now_ms: u64) -> Result<(), StoreError> {
    transaction
        .prepare_cached("UPDATE session SET active_ms = max(active_ms, ?2) WHERE number = ?1")?
        .execute(params![number, bits(now_ms)])?;
    Ok(())
}

fn carry_out(transaction: &Transaction<'_>, change: &Change) -> Result<(), StoreError> {
    match change {
        Change::Create(info) => {
            let added = transaction
                .prepare_cached(
                    "INSERT INTO session (id, epoch, created_ms, active_ms, newest, password)
                     VALUES (?1, ?2, ?3, ?4, 0, ?5) ON CONFLICT (id) DO NOTHING",
                )?
                .execute(params![
                    info.id,
                    bits(info.epoch),
                    bits(info.created_ms),
                    bits(info.active_ms),
                    info.password
                ])?;
            if added == 0 {
                return Err(StoreError::Exists(info.id.clone()));
            }
        }
        Change::Append { session, records, now_ms } => {
            let (number, newest) = find(transaction, session)?;
            let newest = follow(session, newest, records)?;
            let mut insert =
                transaction.prepare_cached("INSERT INTO record (session, sequence, text) VALUES (?1, ?2, ?3)")?;
            for record in records {
                insert.execute(params![number, bits(record.sequence), &*record.text])?;
            }
            transaction
                .prepare_cached("UPDATE session SET newest = ?2 WHERE number = ?1")?
                .execute(params![number, bits(newest)])?;
            touch(transaction, number, *now_ms)?;
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
        Change::Delete { session } => {
            transaction.prepare_cached("DELETE FROM session WHERE id = ?1")?.execute([session])?;
        }
    }
    Ok(())
}

impl Store for SqliteStore {
    fn sessions(&mut self) -> Result<Vec<SessionInfo>, StoreError> {
        let mut query =
            self.connection.prepare_cached("SELECT id, epoch, created_ms, active_ms, password FROM session")?;
        let found = query.query_map([], read_info)?.collect::<Result<_, _>>()?;
        Ok(found)
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let transaction = self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        changes.iter().try_for_each(|change| carry_out(&transaction, change))?;
        Ok(transaction.commit()?)
    }

    fn load(&mut self, session: &str) -> Result<Option<StoredSession>, StoreError> {
        let transaction = self.connection.transaction()?;
        let info = transaction
            .prepare_cached("SELECT id, epoch, created_ms, active_ms, password FROM session WHERE id = ?1")?
            .query_row([session], read_info)
            .optional()?;
        let Some(info) = info else { return Ok(None) };
        let (number, _) = find(&transaction, session)?;
        let snapshot = transaction
            .prepare_cached("SELECT sequence, text FROM snapshot WHERE session = ?1")?
            .query_row([number], |row| {
                Ok(Snapshot { sequence: row.get::<_, i64>(0)?.cast_unsigned(), text: row.get(1)? })
            })
            .optional()?;
        let records = transaction
            .prepare_cached("SELECT sequence, text FROM record WHERE session = ?1 ORDER BY sequence")?
            .query_map([number], |row| {
                Ok(Record { sequence: row.get::<_, i64>(0)?.cast_unsigned(), text: row.get::<_, String>(1)?.into() })
            })?
            .collect::<Result<_, _>>()?;
        Ok(Some(StoredSession { info, snapshot, records }))
    }
}
