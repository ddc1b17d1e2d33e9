use std::fs;
use std::time::Duration;

/// What a process has used up so far, as the kernel counts it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// In user mode.
    pub(crate) user: Duration,
    /// In the kernel for it.
    pub(crate) system: Duration,
    /// Octets that went, or will go, to the disk.
    pub(crate) written: u64,
    /// Octets of memory that it occupies.
    pub(crate) resident: u64,
}

/// The kernel's unit of time for processes, in every configuration of Linux on x86-64 and arm64.
const TICK: Duration = Duration::from_millis(10);

impl Usage {
    pub(crate) fn of(pid: u32) -> Self {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        // The name may contain anything; behind it fields are plain.
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        let time = |at: usize| TICK * fields[at].parse::<u32>().unwrap();
        let number = |file: &str, name: &str| -> u64 {
            let text = fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name} in {file}"));
            line.trim().trim_end_matches(" kB").parse().unwrap()
        };
        Self { user: time(11), system: time(12), written: number("io", "write_bytes:"), resident: number("status", "VmRSS:") << 10 }
    }

    pub(crate) fn cpu(&self) -> Duration {
        self.user + self.system
    }

    /// Of several processes together: the master of a server and its workers.
    pub(crate) fn cpu_of_all(pids: &[u32]) -> Duration {
        pids.iter().map(|pid| Self::of(*pid).cpu()).sum()
    }
}

/// The processes that this one started.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

/// Time on a processor of the thread that asks, up to when it last gave way to another.
pub(crate) fn on_cpu() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}
