use core::net::IpAddr;

/// An address, or a network of them: `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    first: u128,
    mask: u128,
    v4: bool,
}

impl Network {
    /// Bits behind the prefix must be zero: `10.1.0.0/8` is a mistake.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let (first, v4) = number(address.parse().ok()?);
        let bits = if v4 { 32 } else { 128 };
        let length = match length {
            None => bits,
            Some(length) => length.parse::<u32>().ok().filter(|length| *length <= bits && !text.contains('+'))?,
        };
        // As many ones as the prefix has, at the top of the address's own bits.
        let free = bits.checked_sub(length)?;
        let all = if v4 { u128::from(u32::MAX) } else { u128::MAX };
        let mask = u128::MAX.checked_shl(free).unwrap_or(0) & all;
        (first & mask == first).then_some(Self { first, mask, v4 })
    }

    pub(super) fn contains(self, address: IpAddr) -> bool {
        let (address, v4) = number(address);
        v4 == self.v4 && address & self.mask == self.first
    }
}

fn number(address: IpAddr) -> (u128, bool) {
    match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), true),
        IpAddr::V6(address) => (u128::from(address), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("::/0", "2001:db8::1", "10.0.0.1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("2001:db8::7/128", "2001:db8::7", "2001:db8::8"),
            // An IPv4 address in IPv6's clothes is another name in a certificate.
            ("10.0.0.0/8", "10.0.0.0", "::ffff:10.0.0.1"),
        ] {
            let read = Network::parse(network).unwrap();
            assert!(read.contains(inside.parse().unwrap()) && !read.contains(outside.parse().unwrap()), "{network}");
        }
        for bad in ["", "10.0.0.0/33", "10.1.0.0/8", "10.0.0.0/", "10.0.0/8", "::/129", "10.0.0.0/+8", "10.0.0.0/8/8", "a"] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
    }
}
