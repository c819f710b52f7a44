// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A vhost-user back end, made of rust-vmm's crates, that keeps a record of the requests on their way
//! (INFLIGHT_SHMFD) and answers them as its user wants, to be killed meanwhile.
//!
//! usage: back-end SOCKET LIFE all|second|unnoted [forgetful]
//!
//! Its device has one queue, of buffers to be filled, one descriptor each: it fills them with the number LIFE.
//! all: whatever comes is answered. second: all that has come is taken, the second of these is answered, and
//! nothing else is. unnoted: so, too, but the driver has the answer, and the record does not have that yet.
//! forgetful: without a record.
mod device;
mod record;

use std::error::Error;
use std::sync::{Arc, Mutex};

use device::{Device, Manner};
use vhost::vhost_user::{BackendListener, Error::Disconnected, Listener};
use vmm_sys_util::poll::PollContext;

const CONNECTION: u32 = 0;
const KICK: u32 = 1;

/// One connection, until the front end leaves.
fn serve(socket: &str, device: Arc<Mutex<Device>>) -> Result<(), Box<dyn Error>> {
    let mut listener = Listener::new(socket, true)?;
    let mut connection = BackendListener::new(&mut listener, device.clone())?
        .accept()?
        .expect("a socket that blocks");
    let poll = PollContext::new()?;

    poll.add(&connection, CONNECTION)?;
    loop {
        for event in poll.wait()?.iter_readable() {
            if event.token() == KICK {
                device.lock().unwrap().kicked();
                continue;
            }
            match connection.handle_request() {
                Err(Disconnected) => return Ok(()),
                other => other?,
            }
            if let Some(kick) = device.lock().unwrap().new_kick() {
                poll.add(kick, KICK)?;
            }
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (socket, life, manner, keeps) = match args[1..] {
        [socket, life, manner] => (socket, life, manner, true),
        [socket, life, manner, "forgetful"] => (socket, life, manner, false),
        _ => return Err("usage: back-end SOCKET LIFE all|second|unnoted [forgetful]".into()),
    };
    let manner = match manner {
        "all" => Manner::All,
        "second" => Manner::Second,
        "unnoted" => Manner::Unnoted,
        other => return Err(format!("{other}: not all, second or unnoted").into()),
    };

    let device = Device::new(life.parse()?, manner, keeps);
    serve(socket, Arc::new(Mutex::new(device)))
}
