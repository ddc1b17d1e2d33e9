//! What a mark says, as a line of text of one length.

use core::fmt::Write as _;

use super::reached::{Reached, Server};
use crate::StoreId;
use crate::checksum::Checksum;

const WORD: &str = "meshroot-mark-1";

/// A line with the newline at its end. There are two in a mark, written in turns: a power cut spoils one at most.
pub(super) const LINE: usize = 192;

fn checksum(id: &str, reached: &Reached) -> i64 {
    let line = Checksum::of("mark").text(id).int(reached.epoch).int(reached.version).int(reached.writes);
    let line = line.int(reached.position).int(reached.sequence);
    match reached.server {
        Some(Server { system, timeline }) => line.int(system.cast_signed()).int(timeline.into()).finish(),
        None => line.finish(),
    }
}

pub(super) fn write(id: &StoreId, reached: &Reached) -> String {
    let Reached { epoch, version, writes, position, sequence, server } = reached;
    let mut line = String::with_capacity(LINE);
    let _ = write!(line, "{WORD} {id} {epoch} {version} {writes} {position} {sequence}");
    if let Some(Server { system, timeline }) = server {
        let _ = write!(line, " {system:x} {timeline:x}");
    }
    let _ = write!(line, " {:016x}", checksum(id.as_str(), reached).cast_unsigned());
    while line.len() < LINE.saturating_sub(1) {
        line.push(' ');
    }
    line.push('\n');
    line
}

/// Whose mark it is, and how far that store has got.
pub(super) fn parse(line: &str) -> Option<(&str, Reached)> {
    let mut words = line.split_ascii_whitespace();
    let id = (words.next()? == WORD).then(|| words.next()).flatten()?;
    let mut number = || words.next()?.parse::<i64>().ok();
    let (epoch, version, writes, position, sequence) = (number()?, number()?, number()?, number()?, number()?);
    let hexadecimal = |word: &str| u64::from_str_radix(word, 16).ok();
    let (server, sum) = match words.collect::<Vec<_>>().as_slice() {
        [sum] => (None, hexadecimal(sum)?),
        [system, timeline, sum] => {
            let server = Server { system: hexadecimal(system)?, timeline: u32::try_from(hexadecimal(timeline)?).ok()? };
            (Some(server), hexadecimal(sum)?)
        }
        _ => return None,
    };
    let reached = Reached { epoch, version, writes, position, sequence, server };
    (sum.cast_signed() == checksum(id, &reached)).then_some((id, reached))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_always_has_its_length_and_is_read_back() {
        let id: StoreId = "00112233445566778899aabbccddeeff".parse().unwrap();
        let far = Reached { epoch: i64::MAX, version: i64::MAX, writes: i64::MAX, position: i64::MAX, sequence: i64::MAX, server: None };
        let server = Some(Server { system: u64::MAX, timeline: u32::MAX });
        for reached in [far, Reached { server, ..far }, Reached { epoch: 3, ..Reached::default() }] {
            let text = write(&id, &reached);
            assert_eq!((text.len(), text.ends_with('\n')), (LINE, true));
            assert_eq!(parse(&text), Some((id.as_str(), reached)));
            let changed = text.replacen(" 3 ", " 4 ", 1).replacen("807 ", "806 ", 1);
            assert_ne!(text, changed);
            assert_eq!(parse(&changed), None, "{changed}");
        }
    }

    #[test]
    fn a_mark_from_before_servers_were_known_is_read() {
        let line = "meshroot-mark-1 00112233445566778899aabbccddeeff 1 2 3 4 5 ";
        let reached = Reached { epoch: 1, version: 2, writes: 3, position: 4, sequence: 5, server: None };
        let sum = checksum("00112233445566778899aabbccddeeff", &reached).cast_unsigned();
        assert_eq!(parse(&format!("{line}{sum:016x}")).map(|(_, read)| read), Some(reached));
    }
}
