// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which requests of a split ring are on their way, in memory that outlives the back end: "Inflight I/O tracking"
//! of QEMU's vhost-user protocol. The names and places of its fields are rust-vmm's.
use std::fs::File;
use std::io;
use std::mem::{offset_of, size_of};
use std::sync::atomic::Ordering::SeqCst;

use vhost::vhost_user::message::{DescStateSplit, QueueRegionSplit, VhostUserInflight};
use vm_memory::{AtomicAccess, Bytes, FileOffset, MmapRegion, VolatileMemory};
use vmm_sys_util::tempfile::TempFile;

const HEAD: usize = offset_of!(QueueRegionSplit, desc);
const VERSION: u16 = 1;

/// The record of one queue.
pub struct Record {
    memory: MmapRegion<()>,
    counter: u64,
}

/// A file for the record of a queue of that many descriptors.
pub fn create(descriptors: u16) -> io::Result<(File, u64)> {
    let size = HEAD + usize::from(descriptors) * size_of::<DescStateSplit>();
    let file = TempFile::new()?.into_file();

    file.set_len(size as u64)?;
    Ok((file, size as u64))
}

impl Record {
    pub fn open(file: File, told: &VhostUserInflight) -> Option<Record> {
        let file = FileOffset::new(file, told.mmap_offset);
        let memory = MmapRegion::from_file(file, told.mmap_size as usize).ok()?;
        let record = Record { memory, counter: 0 };
        let version: u16 = record.get(offset_of!(QueueRegionSplit, version));

        if version == 0 {
            record.set(offset_of!(QueueRegionSplit, version), VERSION);
            record.set(offset_of!(QueueRegionSplit, desc_num), told.queue_size);
        }
        matches!(version, 0 | VERSION).then_some(record)
    }

    fn get<T: AtomicAccess>(&self, at: usize) -> T {
        let slice = self.memory.as_volatile_slice();

        slice.load(at, SeqCst).expect("a field of the record")
    }

    fn set<T: AtomicAccess>(&self, at: usize, value: T) {
        let slice = self.memory.as_volatile_slice();

        slice
            .store(value, at, SeqCst)
            .expect("a field of the record");
    }

    fn field(head: u16, offset: usize) -> usize {
        HEAD + usize::from(head) * size_of::<DescStateSplit>() + offset
    }

    fn inflight(head: u16) -> usize {
        Self::field(head, offset_of!(DescStateSplit, inflight))
    }

    fn next(head: u16) -> usize {
        Self::field(head, offset_of!(DescStateSplit, next))
    }

    fn counter(head: u16) -> usize {
        Self::field(head, offset_of!(DescStateSplit, counter))
    }

    /// A request is taken out of the ring.
    pub fn take(&mut self, head: u16) {
        self.set(Self::counter(head), self.counter);
        self.counter += 1;
        self.set(Self::inflight(head), 1u8);
    }

    /// It is about to be answered.
    pub fn answer(&self, head: u16) {
        let last = offset_of!(QueueRegionSplit, last_batch_head);

        self.set(Self::next(head), self.get::<u16>(last));
        self.set(last, head);
    }

    /// It was, and the used ring's index is this.
    pub fn note(&self, head: u16, used: u16) {
        self.set(Self::inflight(head), 0u8);
        self.set(offset_of!(QueueRegionSplit, used_idx), used);
    }

    /// The requests that another back end, which the ring with this index knows of, has left: in the order in
    /// which it took them.
    pub fn recover(&mut self, used: u16) -> Vec<u16> {
        let noted: u16 = self.get(offset_of!(QueueRegionSplit, used_idx));
        let mut head = self.get(offset_of!(QueueRegionSplit, last_batch_head));

        for _ in 0..used.wrapping_sub(noted) {
            self.note(head, used);
            head = self.get(Self::next(head));
        }
        let number: u16 = self.get(offset_of!(QueueRegionSplit, desc_num));
        let mut heads: Vec<u16> = (0..number)
            .filter(|head| self.get::<u8>(Self::inflight(*head)) == 1)
            .collect();
        heads.sort_by_key(|head| self.get::<u64>(Self::counter(*head)));
        if let Some(head) = heads.last() {
            self.counter = self.get::<u64>(Self::counter(*head)) + 1;
        }
        heads
    }
}
