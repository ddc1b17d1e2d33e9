use super::failure::Fault;
use super::rows::{int, text};
use super::session::Session;
use super::witness::Witness;
use crate::Durability;

const SETTINGS: &str = "SELECT current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'), \
    current_setting('synchronous_standby_names'), (SELECT count(*) FROM pg_stat_replication)";

/// What the database's settings make of an acknowledged commit, and whether a mark is kept beside this process.
pub(super) async fn durability(session: &Session, witness: &Witness) -> Result<Durability, Fault> {
    let Some(row) = session.one(SETTINGS, &[]).await? else { return Ok(judge("off", "off", "off", "", 0)) };
    let judged = judge(&text(&row, 0)?, &text(&row, 1)?, &text(&row, 2)?, &text(&row, 3)?, int(&row, 4)?);
    Ok(match witness.is_forgetful() {
        Some(why) => forgetful(judged, &why),
        None => judged,
    })
}

fn forgetful(judged: Durability, why: &str) -> Durability {
    let words = format!("{}; no mark is kept here ({why}): started anew, this takes an older copy of the database at its word", judged.words);
    Durability { notices_older_copy: false, words, ..judged }
}

fn judge(fsync: &str, full_page_writes: &str, synchronous_commit: &str, standbys: &str, connected: i64) -> Durability {
    let judged = |survives_crash, survives_failover, words| Durability { survives_crash, survives_failover, notices_older_copy: true, words };
    let crash = |words: &str| judged(false, false, words.to_owned());
    if fsync != "on" {
        return crash("an acknowledged certificate may be lost when the database's machine fails: its setting fsync is off");
    }
    if !matches!(synchronous_commit, "on" | "remote_apply") {
        return crash("an acknowledged certificate may be lost when the database fails: synchronous_commit is not on");
    }
    if full_page_writes != "on" {
        return crash("the database may be damaged when its machine fails: its setting full_page_writes is off");
    }
    let standbys = standbys.trim();
    if standbys.is_empty() {
        let words = "an acknowledged certificate survives a crash of the database, but not the loss of its machine: \
                     there is no synchronous standby (synchronous_standby_names is empty)";
        return judged(true, false, words.to_owned());
    }
    if connected == 0 {
        let words = format!("nothing can be acknowledged now: a synchronous standby has to confirm it ({standbys}), and none is connected");
        return judged(true, true, words);
    }
    let words = format!("an acknowledged certificate survives a failover to a synchronous standby ({standbys})");
    judged(true, true, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_that_can_lose_a_certificate_is_named() {
        for (settings, word) in [
            (("off", "on", "on", "a"), "fsync"),
            (("on", "off", "on", "a"), "full_page_writes"),
            (("on", "on", "off", "a"), "synchronous_commit"),
            (("on", "on", "local", "a"), "synchronous_commit"),
            (("on", "on", "remote_write", "a"), "synchronous_commit"),
        ] {
            let found = judge(settings.0, settings.1, settings.2, settings.3, 1);
            assert!(!found.survives_crash && !found.survives_failover && found.words.contains(word), "{found:?}");
        }
    }

    #[test]
    fn where_no_mark_is_kept_it_is_said() {
        let worth = forgetful(judge("on", "on", "on", "a", 1), "the folder is not there");
        assert!(worth.survives_failover && !worth.notices_older_copy && judge("on", "on", "on", "a", 1).notices_older_copy);
        assert!(worth.words.contains("(a); no mark") && worth.words.contains("the folder is not there"), "{}", worth.words);
    }

    #[test]
    fn only_a_synchronous_standby_survives_the_loss_of_the_machine() {
        let alone = judge("on", "on", "on", "  ", 1);
        assert_eq!((alone.survives_crash, alone.survives_failover), (true, false));
        let both = judge("on", "on", "on", "ANY 1 (a, b)", 1);
        assert_eq!((both.survives_crash, both.survives_failover), (true, true));
        assert!(both.words.contains("ANY 1 (a, b)"));
        let stuck = judge("on", "on", "on", "ANY 1 (a, b)", 0);
        assert!(stuck.survives_failover && stuck.words.contains("none is connected"), "{}", stuck.words);
    }
}
