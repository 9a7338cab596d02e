//! Budgets: token buckets for connections and for addresses.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Addresses after which those that have been quiet are forgotten.
const MAX_ADDRESSES: usize = 10_000;

/// A bucket that fills at a rate and is emptied by use.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    rate: f64,
    burst: f64,
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    /// A full bucket.
    pub(crate) fn new(per_second: u32, burst: u32, now: Instant) -> Bucket {
        let burst = f64::from(burst);
        Bucket { rate: f64::from(per_second), burst, tokens: burst, filled: now }
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + passed * self.rate).min(self.burst);
        self.filled = now;
    }

    /// Takes tokens if there are enough.
    pub(crate) fn take(&mut self, tokens: f64, now: Instant) -> bool {
        self.fill(now);
        let enough = self.tokens >= tokens;
        if enough {
            self.tokens -= tokens;
        }
        enough
    }

    /// Takes tokens even if there are not enough, and says how long it takes until the debt is gone.
    pub(crate) fn owe(&mut self, tokens: f64, now: Instant) -> Option<Duration> {
        self.fill(now);
        self.tokens -= tokens;
        (self.tokens < 0.0).then(|| Duration::from_secs_f64(-self.tokens / self.rate))
    }
}

/// A bucket for each address.
#[derive(Debug)]
pub(crate) struct Addresses {
    per_second: u32,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

impl Addresses {
    pub(crate) fn new(per_second: u32) -> Addresses {
        Addresses { per_second, buckets: Mutex::new(HashMap::new()) }
    }

    /// Whether a request from this address is within its limit.
    pub(crate) fn allow(&self, address: IpAddr, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_ADDRESSES {
            // A bucket that had a second is full again.
            buckets.retain(|_, bucket| now.saturating_duration_since(bucket.filled) < Duration::from_secs(1));
        }
        let fresh = || Bucket::new(self.per_second, self.per_second, now);
        buckets.entry(network(address)).or_insert_with(fresh).take(1.0, now)
    }
}

/// A subscriber of IPv6 has a network of 64 bits, and could use another address for each request.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_limit_and_gets_it_back() {
        let (now, addresses) = (Instant::now(), Addresses::new(10));
        let here = IpAddr::from([127, 0, 0, 1]);
        assert!((0..10).all(|_| addresses.allow(here, now)));
        assert!(!addresses.allow(here, now));
        assert!(addresses.allow(IpAddr::from([127, 0, 0, 2]), now));
        assert!(addresses.allow(here, now + Duration::from_millis(100)));
        assert!(!addresses.allow(here, now + Duration::from_millis(100)));
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let (now, addresses) = (Instant::now(), Addresses::new(1));
        assert!(addresses.allow("2001:db8::1".parse().unwrap(), now));
        assert!(!addresses.allow("2001:db8::2".parse().unwrap(), now));
        assert!(addresses.allow("2001:db8:0:1::2".parse().unwrap(), now));
    }

    #[test]
    fn quiet_addresses_are_forgotten() {
        let (now, addresses) = (Instant::now(), Addresses::new(1));
        for number in 0..u32::try_from(MAX_ADDRESSES).unwrap() {
            assert!(addresses.allow(IpAddr::from(number.to_be_bytes()), now));
        }
        assert!(addresses.allow(IpAddr::from([255, 0, 0, 1]), now + Duration::from_secs(2)));
        assert_eq!(addresses.buckets.lock().unwrap().len(), 1);
    }

    #[test]
    fn a_debt_is_waited_for() {
        let now = Instant::now();
        let mut bucket = Bucket::new(10, 3, now);
        assert_eq!(bucket.owe(3.0, now), None);
        assert_eq!(bucket.owe(1.0, now), Some(Duration::from_millis(100)));
    }
}
