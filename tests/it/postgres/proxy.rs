//! A line to a server that breaks after so many bytes.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A port that leads to another one. All bytes of all connections, both ways, are counted.
pub(super) struct Proxy {
    pub(super) port: u16,
    counts: Arc<Counts>,
}

struct Counts {
    bytes: AtomicU64,
    /// The byte after which the connection that carries it ends; the others stay.
    breaks: AtomicU64,
    broken: AtomicU64,
}

impl Proxy {
    pub(super) fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let own = listener.local_addr().expect("an address").port();
        let counts =
            Arc::new(Counts { bytes: AtomicU64::new(0), breaks: AtomicU64::new(u64::MAX), broken: AtomicU64::new(0) });
        let shared = Arc::clone(&counts);
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (from, to, counts) =
                        (from.try_clone().expect("a socket"), to.try_clone().expect("a socket"), Arc::clone(&shared));
                    std::thread::spawn(move || carry(from, to, &counts));
                }
            }
        });
        Self { port: own, counts }
    }

    /// Breaks once, so many bytes from now.
    pub(super) fn break_after(&self, bytes: u64) {
        self.counts.broken.store(0, Ordering::SeqCst);
        self.counts.bytes.store(0, Ordering::SeqCst);
        self.counts.breaks.store(bytes, Ordering::SeqCst);
    }

    /// The bytes since then.
    pub(super) fn bytes(&self) -> u64 {
        self.counts.bytes.load(Ordering::SeqCst)
    }

    pub(super) fn is_broken(&self) -> bool {
        self.counts.broken.load(Ordering::SeqCst) > 0
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, counts: &Counts) {
    let mut bytes = [0; 8192];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        let before = counts.bytes.fetch_add(read as u64, Ordering::SeqCst);
        let breaks = counts.breaks.load(Ordering::SeqCst);
        let last = before <= breaks && breaks < before + read as u64;
        let whole = if last { (breaks - before) as usize } else { read };
        if to.write_all(&bytes[..whole]).is_err() {
            break;
        }
        if last {
            counts.breaks.store(u64::MAX, Ordering::SeqCst);
            counts.broken.store(1, Ordering::SeqCst);
            break;
        }
    }
    for socket in [&from, &to] {
        // It may be closed already.
        let _closed = socket.shutdown(Shutdown::Both);
    }
}
