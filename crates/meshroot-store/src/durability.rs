/// What an acknowledged write is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Durability {
    /// It is still there after the process, the database or its machine has crashed and come back.
    pub survives_crash: bool,
    /// It is still there when the machine is gone for good and another one takes over.
    pub survives_failover: bool,
    /// An older copy that is put in the place of what keeps it is noticed, even by a process that starts anew.
    pub notices_older_copy: bool,
    /// The same for people, with what is missing.
    pub words: String,
}

impl Durability {
    /// Of a store that is one file.
    pub(crate) fn of_a_file() -> Self {
        let words = "an acknowledged certificate survives a crash of this machine, but not the loss of its disk: keep backups".to_owned();
        Self { survives_crash: true, survives_failover: false, notices_older_copy: true, words }
    }
}
