//! The signals a terminal program must answer, as one stream.

/// What the outside asks of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// SIGTERM, SIGINT: end at the next safe point.
    End,
    /// SIGHUP: the terminal is gone; end at the next safe point and draw no more.
    Hangup,
    /// SIGTSTP: stop until continued.
    Suspend,
    /// SIGCONT: continued by someone else.
    Continue,
}

impl Ask {
    /// The exit code of a process that ends for this reason.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Hangup => 129,
            Self::End | Self::Suspend | Self::Continue => 130,
        }
    }
}

/// The streams of all signals.
#[derive(Debug)]
pub struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    stop: tokio::signal::unix::Signal,
    resume: tokio::signal::unix::Signal,
}

impl Signals {
    /// Starts to listen. From now on none of these ends or stops the process by itself.
    ///
    /// # Errors
    /// When the runtime cannot listen.
    pub fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            stop: signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()))?,
            resume: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }

    /// The next one. Safe to drop half-way.
    pub async fn next(&mut self) -> Ask {
        tokio::select! {
            _ = self.terminate.recv() => Ask::End,
            _ = self.interrupt.recv() => Ask::End,
            _ = self.hangup.recv() => Ask::Hangup,
            _ = self.stop.recv() => Ask::Suspend,
            _ = self.resume.recv() => Ask::Continue,
        }
    }
}
