use core::cmp::Ordering;

/// How far a store has got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    /// How many times the store was put back from a backup, on record.
    pub(crate) epoch: i64,
    /// The store's version.
    pub(crate) version: i64,
    /// How many other changes there were, as the store counts them.
    pub(crate) writes: i64,
    /// The position of the newest entry of the issuance log.
    pub(crate) position: i64,
    /// The greatest sequence number of a bundle.
    pub(crate) sequence: i64,
    /// The server that the store is on, if it is on one that says so.
    pub(crate) server: Option<Server>,
}

/// A database server, and how many times another one took its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    /// What it has in common with its standbys and with copies of it, and with nothing else.
    pub(crate) system: u64,
    /// Grows when a standby takes over, and when a backup is restored: PostgreSQL's timeline.
    pub(crate) timeline: u32,
}

impl Server {
    /// Whether another one has taken the place of this one.
    pub(crate) fn is_succeeded_by(self, other: Self) -> bool {
        self.system == other.system && self.timeline < other.timeline
    }
}

impl Reached {
    /// The farther of two: the later epoch's, and within one, each number's. Of servers the second, unless the first has taken its
    /// place.
    pub(crate) fn or(self, other: Self) -> Self {
        match self.epoch.cmp(&other.epoch) {
            Ordering::Greater => self,
            Ordering::Less => other,
            Ordering::Equal => Self {
                epoch: self.epoch,
                version: self.version.max(other.version),
                writes: self.writes.max(other.writes),
                position: self.position.max(other.position),
                sequence: self.sequence.max(other.sequence),
                server: match (self.server, other.server) {
                    (Some(mine), Some(others)) if others.is_succeeded_by(mine) => Some(mine),
                    (mine, others) => others.or(mine),
                },
            },
        }
    }

    /// In which way `self` has got less far than what `mark` says, which people know as `called`.
    pub(crate) fn behind(&self, mark: &Self, called: &str) -> Option<String> {
        let words = |what: &str, here: i64, there: i64| Some(format!("its {what} is {here}, and {called} says that it was {there}"));
        if self.epoch != mark.epoch {
            return if self.epoch < mark.epoch { words("epoch", self.epoch, mark.epoch) } else { None };
        }
        // First: how far such a one has got by itself says nothing.
        if let (Some(here), Some(there)) = (self.server, mark.server)
            && here.is_succeeded_by(there)
        {
            let words = words("server's timeline", here.timeline.into(), there.timeline.into());
            return words.map(|words| format!("{words}: another server has taken its place"));
        }
        if self.version < mark.version {
            return words("version", self.version, mark.version);
        }
        if self.position < mark.position {
            return words("last record", self.position, mark.position);
        }
        if self.writes < mark.writes { words("count of changes", self.writes, mark.writes) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Option<Server> = Some(Server { system: 7, timeline: 1 });
    const SECOND: Option<Server> = Some(Server { system: 7, timeline: 2 });
    const OTHER: Option<Server> = Some(Server { system: 8, timeline: 1 });

    fn on(server: Option<Server>) -> Reached {
        Reached { server, ..Reached::default() }
    }

    #[test]
    fn a_server_that_another_one_took_the_place_of_is_behind_however_far_it_has_got() {
        let far = Reached { version: 9, writes: 9, position: 9, sequence: 9, ..on(FIRST) };
        assert!(far.behind(&on(SECOND), "the mark").is_some_and(|why| why.contains("timeline is 1, and the mark says that it was 2")));
        for (here, mark) in [(SECOND, FIRST), (FIRST, FIRST), (FIRST, OTHER), (OTHER, SECOND), (None, SECOND), (FIRST, None)] {
            assert_eq!(on(here).behind(&on(mark), "the mark"), None, "{here:?} {mark:?}");
        }
        // An operator has said that it counts.
        assert_eq!(Reached { epoch: 1, ..on(FIRST) }.behind(&on(SECOND), "the mark"), None);
    }

    #[test]
    fn of_two_servers_the_later_is_kept_and_of_strangers_the_newly_seen() {
        for (held, seen, kept) in
            [(FIRST, SECOND, SECOND), (SECOND, FIRST, SECOND), (FIRST, OTHER, OTHER), (SECOND, None, SECOND), (None, FIRST, FIRST)]
        {
            assert_eq!(on(held).or(on(seen)).server, kept, "{held:?} {seen:?}");
        }
        assert_eq!(on(SECOND).or(Reached { epoch: 1, ..on(FIRST) }).server, FIRST, "a later epoch's counts");
    }
}
