// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The device: one queue of buffers to be filled, and what its front end says of it.
use std::fs::File;
use std::io::{Read, Write};
use std::sync::atomic::Ordering::Acquire;

use vhost::vhost_user::message::*;
use vhost::vhost_user::{Error, GpuBackend, Result, VhostUserBackendReqHandlerMut};
use virtio_queue::desc::split::Descriptor;
use virtio_queue::{Queue, QueueT};
use vm_memory::{Bytes, FileOffset, GuestAddress, GuestMemoryMmap};

use crate::record::{self, Record};

const QUEUE_SIZE: u16 = 256;
const EVENT_IDX: u64 = 1 << 29;
const PROTOCOL_FEATURES: u64 = 1 << 30;
const VERSION_1: u64 = 1 << 32;

/// What it does with requests.
pub enum Manner {
    All,
    Second,
    Unnoted,
    Hold,
}

pub struct Device {
    life: u8,
    manner: Manner,
    keeps: bool,
    regions: Vec<VhostUserMemoryRegion>,
    memory: GuestMemoryMmap<()>,
    queue: Queue,
    record: Option<Record>,
    kick: Option<File>,
    kick_is_new: bool,
    call: Option<File>,
    /// Requests by their first descriptors, in the order in which they came.
    in_hand: Vec<u16>,
}

impl Device {
    pub fn new(life: u8, manner: Manner, keeps: bool) -> Device {
        Device {
            life,
            manner,
            keeps,
            regions: Vec::new(),
            memory: GuestMemoryMmap::new(),
            queue: Queue::new(QUEUE_SIZE).expect("a power of two"),
            record: None,
            kick: None,
            kick_is_new: false,
            call: None,
            in_hand: Vec::new(),
        }
    }

    fn say(&self, what: std::fmt::Arguments) {
        println!("back end {}: {what}", self.life);
    }

    /// What the driver kicks with, if nobody has asked for it yet.
    pub fn new_kick(&mut self) -> Option<&File> {
        std::mem::take(&mut self.kick_is_new)
            .then_some(self.kick.as_ref())
            .flatten()
    }

    pub fn kicked(&mut self) {
        if let Some(kick) = &mut self.kick {
            kick.read_exact(&mut [0; 8]).expect("a count of kicks");
        }
        self.take();
        self.respond();
    }

    fn take(&mut self) {
        let mut more = true;

        while more {
            while let Some(chain) = self.queue.pop_descriptor_chain(&self.memory) {
                self.in_hand.push(chain.head_index());
                if let Some(record) = &mut self.record {
                    record.take(chain.head_index());
                }
            }
            more = self
                .queue
                .enable_notification(&self.memory)
                .expect("a ring");
        }
    }

    fn respond(&mut self) {
        match self.manner {
            Manner::All => {
                while !self.in_hand.is_empty() {
                    self.answer(0, true);
                }
            }
            Manner::Second | Manner::Unnoted if self.in_hand.len() > 1 => {
                self.answer(1, matches!(self.manner, Manner::Second));
                self.manner = Manner::Hold;
            }
            _ => (),
        }
    }

    fn fill(&self, head: u16) -> u32 {
        let at = self.queue.desc_table() + u64::from(head) * size_of::<Descriptor>() as u64;
        let buffer: Descriptor = self
            .memory
            .read_obj(GuestAddress(at))
            .expect("a descriptor");
        let bytes = vec![self.life; buffer.len() as usize];

        self.memory
            .write_slice(&bytes, buffer.addr())
            .expect("a buffer");
        buffer.len()
    }

    fn answer(&mut self, place: usize, noted: bool) {
        let head = self.in_hand.remove(place);
        let written = self.fill(head);

        if let Some(record) = &self.record {
            record.answer(head);
        }
        self.queue
            .add_used(&self.memory, head, written)
            .expect("a ring");
        if let (Some(record), true) = (&self.record, noted) {
            record.note(head, self.queue.next_used());
        }
        if let Some(call) = &mut self.call {
            call.write_all(&1u64.to_ne_bytes()).expect("an eventfd");
        }
    }

    /// Guest-physical, for an address of the front end's.
    fn translate(&self, address: u64) -> Result<GuestAddress> {
        self.regions
            .iter()
            .find(|r| (r.user_addr..r.user_addr + r.memory_size).contains(&address))
            .map(|r| GuestAddress(address - r.user_addr + r.guest_phys_addr))
            .ok_or(Error::InvalidParam)
    }

    /// Where the ring goes on: behind all that another back end took, answered or not.
    fn begin(&mut self) -> Result<()> {
        let used = self.queue.used_idx(&self.memory, Acquire);
        let used = used.map_err(|_| Error::InvalidParam)?.0;

        self.in_hand = self.record.as_mut().map_or(Vec::new(), |r| r.recover(used));
        self.queue.set_next_used(used);
        let next = self.queue.next_avail() + self.in_hand.len() as u16;
        self.queue.set_next_avail(next);
        self.queue.set_ready(true);
        self.say(format_args!(
            "{used} answered, {} in hand",
            self.in_hand.len()
        ));
        Ok(())
    }
}

macro_rules! not_offered {
    ($($name:ident($($arg:ty),*) -> $ret:ty;)*) => {
        $(fn $name(&mut self, $(_: $arg),*) -> Result<$ret> {
            Err(Error::InvalidOperation("not offered"))
        })*
    };
}

impl VhostUserBackendReqHandlerMut for Device {
    fn set_owner(&mut self) -> Result<()> {
        Ok(())
    }

    fn get_features(&mut self) -> Result<u64> {
        Ok(VERSION_1 | PROTOCOL_FEATURES | EVENT_IDX)
    }

    fn set_features(&mut self, features: u64) -> Result<()> {
        self.queue.set_event_idx(features & EVENT_IDX != 0);
        Ok(())
    }

    fn get_protocol_features(&mut self) -> Result<VhostUserProtocolFeatures> {
        let mut offer = VhostUserProtocolFeatures::REPLY_ACK;

        offer.set(VhostUserProtocolFeatures::INFLIGHT_SHMFD, self.keeps);
        Ok(offer)
    }

    fn set_protocol_features(&mut self, _features: u64) -> Result<()> {
        Ok(())
    }

    fn set_mem_table(&mut self, regions: &[VhostUserMemoryRegion], files: Vec<File>) -> Result<()> {
        let ranges = regions.iter().zip(files).map(|(r, file)| {
            (
                GuestAddress(r.guest_phys_addr),
                r.memory_size as usize,
                Some(FileOffset::new(file, r.mmap_offset)),
            )
        });

        self.memory =
            GuestMemoryMmap::from_ranges_with_files(ranges).map_err(|_| Error::InvalidParam)?;
        self.regions = regions.to_vec();
        Ok(())
    }

    fn get_inflight_fd(&mut self, asked: &VhostUserInflight) -> Result<(VhostUserInflight, File)> {
        let (file, size) = record::create(asked.queue_size).map_err(Error::ReqHandlerError)?;

        self.say(format_args!(
            "a new record, of {} requests",
            asked.queue_size
        ));
        Ok((
            VhostUserInflight::new(size, 0, asked.num_queues, asked.queue_size),
            file,
        ))
    }

    fn set_inflight_fd(&mut self, told: &VhostUserInflight, file: File) -> Result<()> {
        self.record = Record::open(file, told);
        self.record.as_ref().map(|_| ()).ok_or(Error::InvalidParam)
    }

    fn set_vring_num(&mut self, _index: u32, size: u32) -> Result<()> {
        self.queue.set_size(size as u16);
        Ok(())
    }

    fn set_vring_addr(
        &mut self,
        _index: u32,
        _flags: VhostUserVringAddrFlags,
        descriptors: u64,
        used: u64,
        available: u64,
        _log: u64,
    ) -> Result<()> {
        let (descriptors, available, used) = (
            self.translate(descriptors)?,
            self.translate(available)?,
            self.translate(used)?,
        );

        self.queue
            .try_set_desc_table_address(descriptors)
            .and_then(|()| self.queue.try_set_avail_ring_address(available))
            .and_then(|()| self.queue.try_set_used_ring_address(used))
            .map_err(|_| Error::InvalidParam)
    }

    fn set_vring_base(&mut self, _index: u32, base: u32) -> Result<()> {
        self.queue.set_next_avail(base as u16);
        Ok(())
    }

    fn get_vring_base(&mut self, index: u32) -> Result<VhostUserVringState> {
        self.queue.set_ready(false);
        Ok(VhostUserVringState::new(
            index,
            self.queue.next_avail().into(),
        ))
    }

    fn set_vring_kick(&mut self, _index: u8, kick: Option<File>) -> Result<()> {
        self.kick = kick;
        self.kick_is_new = true;
        self.begin()
    }

    fn set_vring_call(&mut self, _index: u8, call: Option<File>) -> Result<()> {
        self.call = call;
        Ok(())
    }

    /// The ring starts with a kick.
    fn set_vring_enable(&mut self, _index: u32, _enable: bool) -> Result<()> {
        Ok(())
    }

    not_offered! {
        reset_owner() -> ();
        reset_device() -> ();
        set_vring_err(u8, Option<File>) -> ();
        get_queue_num() -> u64;
        get_config(u32, u32, VhostUserConfigFlags) -> Vec<u8>;
        set_config(u32, &[u8], VhostUserConfigFlags) -> ();
        set_gpu_socket(GpuBackend) -> ();
        get_shared_object(VhostUserSharedMsg) -> File;
        get_max_mem_slots() -> u64;
        add_mem_region(&VhostUserSingleMemoryRegion, File) -> ();
        remove_mem_region(&VhostUserSingleMemoryRegion) -> ();
        set_device_state_fd(
            VhostTransferStateDirection,
            VhostTransferStatePhase,
            File
        ) -> Option<File>;
        check_device_state() -> ();
        get_shmem_config() -> VhostUserShMemConfig;
        set_log_base(&VhostUserLog, File) -> ();
    }
}
