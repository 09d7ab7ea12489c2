//! Numbers about the contents of the file.

use std::collections::BTreeMap;

use ::redb::{AccessGuard, ReadTransaction, ReadableTable, ReadableTableMetadata, StorageError};

use super::{
    super::{COUNTER_BITS, PoolId, QueueStatistics, Statistics, Time},
    queue,
    tables::{Fault, OUTBOX, QUEUE_LENGTHS, Tables, open},
};

pub(super) fn statistics(transaction: &ReadTransaction) -> Result<Statistics, Fault> {
    let mut oldest = BTreeMap::<PoolId, u64>::new();
    for (lane, id) in queue::heads(transaction)? {
        let first = oldest.entry(lane.pool).or_insert(id.0);
        *first = id.0.min(*first);
    }
    let queue = |entry: Result<(AccessGuard<'_, u16>, AccessGuard<'_, u64>), StorageError>| {
        let (pool, length) = entry?;
        let pool = PoolId(pool.value());
        let oldest = oldest.get(&pool).map(|id| Time(id >> COUNTER_BITS));
        Ok(QueueStatistics { pool, length: length.value(), oldest })
    };
    let queues = open(transaction, QUEUE_LENGTHS)?.iter()?.map(queue).collect::<Result<_, Fault>>()?;
    Ok(Statistics { queues, events: open(transaction, OUTBOX)?.len()? })
}

/// Counts the messages of a file that does not have their numbers yet.
pub(super) fn count(tables: &mut Tables<'_>) -> Result<(), Fault> {
    if !tables.queue_lengths.is_empty()? {
        return Ok(());
    }
    let mut lengths = BTreeMap::<u16, u64>::new();
    for entry in tables.queue.iter()? {
        let (pool, ..) = entry?.0.value();
        *lengths.entry(pool).or_default() += 1;
    }
    for (pool, length) in lengths {
        tables.queue_lengths.insert(pool, length)?;
    }
    Ok(())
}
