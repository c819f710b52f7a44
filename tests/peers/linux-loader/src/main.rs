// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The same as ../loader.c and ../image.c, by rust-vmm's linux-loader: what a VMM that is made of it does
//! with kernels and command lines.
//!
//! usage: loader cmdline <LINES | loader kernel FILE... | loader image FILE...
use std::fs::File;
use std::io::{self, BufRead, Seek};

use linux_loader::cmdline::Cmdline;
use linux_loader::loader::{
    bzimage::BzImage, elf::Elf, elf::PvhBootCapability, pe::PE, KernelLoader,
};
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

const RAM: usize = 256 << 20;
const HIGH_MEMORY: u64 = 1 << 20;

fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf29ce484222325u64, |sum, b| {
        (sum ^ u64::from(*b)).wrapping_mul(0x100000001b3)
    })
}

/// FNV-1a of memory from the first byte that isn't 0 to the last one, and where that first one is.
fn sum(memory: &GuestMemoryMmap<()>) -> (u64, u64) {
    let mut bytes = vec![0u8; RAM - HIGH_MEMORY as usize];
    memory
        .read_slice(&mut bytes, GuestAddress(HIGH_MEMORY))
        .expect("RAM");
    let first = bytes.iter().position(|b| *b != 0).unwrap_or(0);
    let last = bytes.iter().rposition(|b| *b != 0).unwrap_or(0);
    (HIGH_MEMORY + first as u64, fnv(&bytes[first..=last]))
}

fn load(path: &str) -> Option<String> {
    let memory = GuestMemoryMmap::<()>::from_ranges(&[(GuestAddress(0), RAM)]).ok()?;
    let high = Some(GuestAddress(HIGH_MEMORY));
    let mut file = File::open(path).ok()?;

    if BzImage::load(&memory, None, &mut file, high).is_ok() {
        return Some(format!("bzImage sum={:x}", sum(&memory).1));
    }
    file.rewind().ok()?;
    match Elf::load(&memory, None, &mut file, high).ok()?.pvh_boot_cap {
        PvhBootCapability::PvhEntryPresent(entry) => {
            let (first, sum) = sum(&memory);
            Some(format!("ELF entry={:x} first={first:x} sum={sum:x}", entry.0))
        }
        _ => None,
    }
}

/// An arm64 Image, in RAM that begins at 0.
fn image(path: &str) -> Option<String> {
    let memory = GuestMemoryMmap::<()>::from_ranges(&[(GuestAddress(0), RAM)]).ok()?;
    let mut file = File::open(path).ok()?;
    let loaded = PE::load(&memory, Some(GuestAddress(0)), &mut file, None).ok()?;
    let (load, end) = (loaded.kernel_load.0, loaded.kernel_end);
    let mut bytes = vec![0u8; (end - load) as usize];

    memory.read_slice(&mut bytes, loaded.kernel_load).expect("RAM");
    Some(format!("Image load={load:x} end={end:x} sum={:x}", fnv(&bytes)))
}

/// Two devices, as carillon numbers and places its own.
fn cmdline(params: &str) -> Option<String> {
    let mut line = Cmdline::try_from(params, 4096).ok()?;
    line.add_virtio_mmio_device(0x1000, GuestAddress(0xf0000000), 5, None)
        .ok()?;
    line.add_virtio_mmio_device(0x1000, GuestAddress(0xf0001000), 6, None)
        .ok()?;
    line.as_cstring().ok()?.into_string().ok()
}

fn main() {
    let refused = || "refused".to_string();
    let mut args = std::env::args().skip(1);

    match args.next().as_deref() {
        Some("cmdline") => {
            for line in io::stdin().lock().lines() {
                println!("{}", cmdline(&line.expect("text")).unwrap_or_else(refused));
            }
        }
        kind => {
            let load = if kind == Some("image") { image } else { load };
            for path in args {
                println!("{path}: {}", load(&path).unwrap_or_else(refused));
            }
        }
    }
}
