//! Workers over a list of files: as many as the machine has use for, as many bytes at once as are allowed, results in
//! the order of the list, a safe point before each file.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use crate::engine::error::{Error, Result};
use crate::engine::operation::{Control, Progress};

/// Bytes of memory that files being worked on may take together.
#[derive(Debug)]
pub struct Gate {
    limit: u64,
    held: Mutex<Held>,
    bell: Condvar,
}

#[derive(Debug, Default)]
struct Held {
    bytes: u64,
    waiting: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A share of a [`Gate`], given back when dropped.
#[derive(Debug)]
pub struct Share<'g> {
    gate: &'g Gate,
    bytes: u64,
}

impl Gate {
    /// A gate for `limit` bytes.
    #[must_use]
    pub const fn new(limit: u64) -> Self {
        Self {
            limit,
            held: Mutex::new(Held { bytes: 0, waiting: 0 }),
            bell: Condvar::new(),
        }
    }

    /// Waits until `bytes` are free. What is larger than the gate goes through alone.
    pub fn enter(&self, bytes: u64) -> Share<'_> {
        let bytes = bytes.min(self.limit);
        let mut held = lock(&self.held);
        while held.bytes + bytes > self.limit {
            held.waiting += 1;
            held = self.bell.wait(held).unwrap_or_else(PoisonError::into_inner);
            held.waiting -= 1;
        }
        held.bytes += bytes;
        drop(held);
        Share { gate: self, bytes }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut held = lock(&self.gate.held);
        held.bytes -= self.bytes;
        // A bell costs a system call even when nobody listens.
        let waited_for = held.waiting > 0;
        drop(held);
        if waited_for {
            self.gate.bell.notify_all();
        }
    }
}

/// Workers run ahead of the slowest file by at most this many others, so that what waits for its turn stays bounded.
const AHEAD: usize = 256;

/// Files that the process may have open.
pub fn open_files() -> usize {
    rustix::process::getrlimit(rustix::process::Resource::Nofile)
        .current
        .map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

/// How far workers run ahead: each result that waits may be an open file.
pub fn ahead() -> usize {
    (open_files() / 4).clamp(8, AHEAD)
}

/// How long results gather before they are taken up: a wake-up for each small file would cost as much as the file.
const GATHER: Duration = Duration::from_micros(500);
/// Results that are taken up without waiting any longer.
const ENOUGH: usize = 64;

/// How many results were delivered, for workers that are too far ahead, and how many wait to be.
#[derive(Debug, Default)]
struct Delivered {
    count: Mutex<usize>,
    bell: Condvar,
    waiting: AtomicUsize,
    enough: Condvar,
}

impl Delivered {
    /// Waits until `at` is near enough to what was delivered; `false` when the run was halted meanwhile.
    fn near(&self, at: usize, ahead: usize, halted: &AtomicBool) -> bool {
        let mut count = lock(&self.count);
        while at >= *count + ahead && !halted.load(Ordering::Relaxed) {
            count = self.bell.wait(count).unwrap_or_else(PoisonError::into_inner);
        }
        !halted.load(Ordering::Relaxed)
    }

    /// Lets results gather, until there are enough, a worker has nothing left to do, or the time for it is over.
    fn gather(&self) {
        self.waiting.store(0, Ordering::Relaxed);
        let count = lock(&self.count);
        drop(self.enough.wait_timeout(count, GATHER));
    }

    fn set(&self, count: usize) {
        *lock(&self.count) = count;
        self.bell.notify_all();
    }
}

/// Halts the run when its worker panics: the others must not wait for a file that never comes.
struct Halt<'h>(&'h AtomicBool, &'h Delivered);

impl Drop for Halt<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
            // The lock orders the flag before the bell for whoever is about to wait.
            drop(lock(&self.1.count));
            self.1.bell.notify_all();
        }
    }
}

/// Runs `work` for each number below `count` and gives the results to `each` in order. The first error of `each`, or a
/// stop, ends the run after the files in work, whose results are still given to `each`.
///
/// # Errors
/// What `each` says, a stop, or a bug when a worker panicked.
pub fn in_order<R: Send>(
    control: &Control,
    workers: usize,
    count: usize,
    work: impl Fn(usize) -> R + Sync,
    mut each: impl FnMut(usize, R) -> Result<()>,
) -> Result<()> {
    let ahead = ahead();
    let next = AtomicUsize::new(0);
    let halted = AtomicBool::new(false);
    let stop: Mutex<Option<Error>> = Mutex::new(None);
    let progress = Delivered::default();
    let (send, receive) = mpsc::sync_channel::<(usize, R)>(2 * ahead);
    let mut outcome = Ok(());
    let mut delivered = 0;
    std::thread::scope(|scope| {
        for _ in 0..workers.clamp(1, count.max(1)) {
            let send = send.clone();
            let (next, halted, stop, work, progress) = (&next, &halted, &stop, &work, &progress);
            scope.spawn(move || {
                let _halt = Halt(halted, progress);
                loop {
                    if halted.load(Ordering::Relaxed) {
                        return;
                    }
                    if let Err(error) = control.safe_point() {
                        lock(stop).get_or_insert(error);
                        return;
                    }
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count || !progress.near(at, ahead, halted) || send.send((at, work(at))).is_err()
                    {
                        progress.enough.notify_one();
                        return;
                    }
                    if progress.waiting.fetch_add(1, Ordering::Relaxed) + 1 == ENOUGH {
                        progress.enough.notify_one();
                    }
                }
            });
        }
        drop(send);
        let mut waiting = BTreeMap::new();
        while let Ok(first) = receive.recv() {
            waiting.extend(std::iter::once(first).chain(receive.try_iter()));
            while let Some(result) = waiting.remove(&delivered) {
                let taken = each(delivered, result);
                if taken.is_err() {
                    halted.store(true, Ordering::Relaxed);
                }
                if outcome.is_ok() {
                    outcome = taken;
                }
                delivered += 1;
            }
            progress.set(delivered);
            if delivered < count && outcome.is_ok() {
                progress.gather();
            }
        }
        // After a stop some numbers were never worked on; what was finished behind them still counts.
        for (at, result) in waiting {
            let taken = each(at, result);
            if outcome.is_ok() {
                outcome = taken;
            }
        }
    });
    outcome?;
    match stop.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None if delivered < count => Err(Error::bug("a worker ended before its files were done")),
        None => Ok(()),
    }
}

/// What is told while work goes on: finished files and bytes, and the files in work.
#[derive(Debug)]
pub struct Tracker<'c> {
    control: &'c Control,
    state: Mutex<Told>,
}

#[derive(Debug)]
struct Told {
    progress: Progress,
    /// When something was told last; the first file in work is told at once.
    last: Option<Instant>,
}

/// Running files named at once.
const SHOWN: usize = 4;

impl<'c> Tracker<'c> {
    /// Begins telling about `total` files of `bytes` in all.
    #[must_use]
    pub fn new(control: &'c Control, phase: &str, total: u64, bytes: u64) -> Self {
        let progress = Progress {
            total: Some(total),
            bytes_total: Some(bytes),
            unit: "files".to_owned(),
            phase: phase.to_owned(),
            ..Progress::default()
        };
        control.progress(progress.clone());
        Self {
            control,
            state: Mutex::new(Told { progress, last: None }),
        }
    }

    fn change(&self, force: bool, change: impl FnOnce(&mut Progress)) {
        let told = {
            let mut state = lock(&self.state);
            change(&mut state.progress);
            let due = force
                || state
                    .last
                    .is_none_or(|last| last.elapsed() >= Duration::from_millis(100));
            due.then(|| {
                state.last = Some(Instant::now());
                let mut progress = state.progress.clone();
                progress.running.truncate(SHOWN);
                progress
            })
        };
        if let Some(progress) = told {
            self.control.progress(progress);
        }
    }

    /// A file is taken up.
    pub fn begin(&self, name: &str) {
        self.change(false, |progress| progress.running.push(name.to_owned()));
    }

    /// A file is no longer in work.
    pub fn end(&self, name: &str) {
        self.change(false, |progress| {
            if let Some(at) = progress.running.iter().position(|known| known == name) {
                progress.running.remove(at);
            }
        });
    }

    /// A file is finished: read back and in place, or refused.
    pub fn done(&self, bytes: u64, refused: bool, proved: bool) {
        self.change(false, |progress| {
            progress.done += 1;
            progress.bytes += bytes;
            progress.quarantined += u64::from(refused);
            progress.proved += u64::from(proved);
        });
    }

    /// Tells the last state.
    pub fn finish(&self) {
        self.change(true, |progress| progress.running.clear());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_all_of_them() {
        let mut got = Vec::new();
        in_order(
            &Control::silent(),
            4,
            5_000,
            |at| at * 2,
            |at, result| {
                assert_eq!(result, at * 2);
                got.push(at);
                Ok(())
            },
        )
        .expect("no stop");
        assert_eq!(got, (0..5_000).collect::<Vec<_>>());
    }

    #[test]
    fn a_stop_ends_the_run_and_keeps_what_is_done() {
        let control = Control::silent();
        let mut got = 0;
        let result = in_order(
            &control,
            2,
            1_000,
            |at| {
                // Work behind the stop waits for it, so that the run cannot be over before it is seen.
                while at > 50 && !control.stopping() {
                    std::thread::yield_now();
                }
                at
            },
            |_, at| {
                got += 1;
                if at == 10 {
                    control.stop();
                }
                Ok(())
            },
        );
        assert_eq!(
            result.map_err(|error| error.kind),
            Err(crate::engine::ErrorKind::Interrupted)
        );
        assert!((11..1_000).contains(&got));
    }

    #[test]
    fn the_gate_lets_a_giant_through_alone() {
        let gate = Gate::new(10);
        let share = gate.enter(1_000);
        assert_eq!(lock(&gate.held).bytes, 10);
        drop(share);
        assert_eq!(lock(&gate.held).bytes, 0);
    }
}
