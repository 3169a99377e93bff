//! Lines as git sends them (`git help protocol-common`, pkt-line): four hexadecimal digits say how long one is, itself
//! included.

use super::malformed;
use crate::http::{problem::ApiError, upload::patiently};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Ends a list of lines.
pub(super) const FLUSH: [u8; 4] = *b"0000";
/// Bytes of the digits.
const HEAD: usize = FLUSH.len();
/// Longest content on a band of several (`side-band-64k`), bytes.
const MAX_ON_BAND: usize = 65_515;

/// What travels on one connection beside each other (`git help protocol-pack`).
#[derive(Debug, Clone, Copy)]
pub(super) enum Band {
    /// For the client.
    Data = 1,
    /// For the person: shown behind `remote:`.
    Text = 2,
}

/// Appends a line.
pub(super) fn write(to: &mut Vec<u8>, content: &[u8]) {
    to.extend(format!("{:04x}", content.len() + HEAD).into_bytes());
    to.extend(content);
}

/// Appends lines on a band.
pub(super) fn write_on(band: Band, to: &mut Vec<u8>, content: &[u8]) {
    for piece in content.chunks(MAX_ON_BAND) {
        write(to, &[&[band as u8][..], piece].concat());
    }
}

/// Reads a line; nothing at the end of a list, or of everything.
pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> Result<Option<Vec<u8>>, ApiError> {
    let nonsense = || malformed("This is not what git sends.");
    let mut head = FLUSH;
    if patiently(from.read(&mut head[..1])).await? == 0 {
        return Ok(None);
    }
    patiently(from.read_exact(&mut head[1..])).await?;
    let digits = std::str::from_utf8(&head).map_err(|_| nonsense())?;
    let length = usize::from_str_radix(digits, 16).map_err(|_| nonsense())?;
    if length == 0 {
        return Ok(None);
    }
    let mut content = vec![0; length.checked_sub(HEAD).ok_or_else(nonsense)?];
    patiently(from.read_exact(&mut content)).await?;
    Ok(Some(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_come_back_and_nonsense_does_not() {
        let mut sent = Vec::new();
        write(&mut sent, b"want\n");
        write(&mut sent, b"");
        sent.extend(FLUSH);
        assert_eq!(sent, b"0009want\n00040000");
        let mut from = sent.as_slice();
        assert_eq!(read(&mut from).await.unwrap().unwrap(), b"want\n");
        assert_eq!(read(&mut from).await.unwrap().unwrap(), b"");
        assert_eq!((read(&mut from).await.unwrap(), read(&mut from).await.unwrap()), (None, None));
        for nonsense in [&b"0003"[..], b"zzzz", b"00", b"ffff", b"0009wan", b"\xff\xff\xff\xff"] {
            assert!(read(&mut &nonsense[..]).await.is_err(), "{nonsense:?}");
        }
    }

    #[test]
    fn what_is_long_comes_in_several_lines() {
        let mut sent = Vec::new();
        write_on(Band::Text, &mut sent, &vec![b'x'; MAX_ON_BAND + 1]);
        assert_eq!((&sent[..6], &sent[MAX_ON_BAND + 5..]), (&b"fff0\x02x"[..], &b"0006\x02x"[..]));
    }
}
