//! Which encoding of a file a client gets.

use std::io::Read;

use flate2::read::GzDecoder;

/// How an answer's bytes are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Brotli,
    Gzip,
    Identity,
}

/// The smallest encoding that the values of `Accept-Encoding` allow; none given allows only the plain one.
pub(super) fn best<'a>(values: impl Iterator<Item = &'a str>) -> Encoding {
    let mut found = Encoding::Identity;
    for entry in values.flat_map(|value| value.split(',')) {
        let (name, rest) = entry.split_once(';').map_or((entry, ""), |(name, rest)| (name, rest));
        let quality = rest.trim().strip_prefix("q=").and_then(|q| q.trim().parse().ok()).unwrap_or(1.0_f32);
        if quality <= 0.0 {
            continue;
        }
        match name.trim().to_ascii_lowercase().as_str() {
            "br" => return Encoding::Brotli,
            "gzip" | "*" => found = Encoding::Gzip,
            _ => {}
        }
    }
    found
}

/// The plain bytes of an embedded file.
pub(super) fn unpacked(gz: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    // The bytes are the build's own; what could not be read would be an empty page.
    let _ = GzDecoder::new(gz).read_to_end(&mut plain);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_that_is_accepted_is_taken() {
        let of = |value: &str| best([value].into_iter());
        assert_eq!(of("gzip, deflate, br, zstd"), Encoding::Brotli);
        assert_eq!(of("br;q=0, gzip;q=0.5"), Encoding::Gzip);
        assert_eq!(of("GZIP"), Encoding::Gzip);
        assert_eq!(of("identity"), Encoding::Identity);
        assert_eq!(best(std::iter::empty()), Encoding::Identity);
    }
}
