//! The secret from which all keys follow: 32 bytes in a file that only the director may read.

use rand::{TryRngCore, rngs::OsRng};
use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Length of an Ed25519 private key and of the secret itself.
pub(super) const SEED_BYTES: usize = 32;

/// Reads the secret; makes it if there is none.
///
/// Guarantees: two processes that start at once end up with the same secret: it is written to a file of its own and
/// then linked to its name, which fails if the name is taken. A crash leaves no half-written secret under the name.
pub(super) fn load_or_create(folder: &Path) -> io::Result<[u8; SEED_BYTES]> {
    let path = folder.join("authority.key");
    if let Some(seed) = read(&path)? {
        return Ok(seed);
    }
    let mut seed = [0_u8; SEED_BYTES];
    OsRng.try_fill_bytes(&mut seed).map_err(io::Error::other)?;
    let temporary = folder.join(format!(".authority-{}-{}", std::process::id(), hex::encode(&seed[..4])));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(hex::encode(seed).as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&temporary, &path);
    fs::remove_file(&temporary)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => read(&path)?.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the secret vanished")),
    }
}

fn read(path: &Path) -> io::Result<Option<[u8; SEED_BYTES]>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut seed = [0_u8; SEED_BYTES];
    hex::decode_to_slice(text.trim(), &mut seed).map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{} is damaged: it must hold 64 hexadecimal digits", path.display()),
        )
    })?;
    Ok(Some(seed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_secret_stays_the_same_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let first = load_or_create(folder.path()).unwrap();
        assert_eq!(load_or_create(folder.path()).unwrap(), first);
        let mode = fs::metadata(folder.path().join("authority.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn starting_at_once_gives_one_secret() {
        let folder = tempfile::tempdir().unwrap();
        let seeds: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| load_or_create(folder.path()).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(seeds.iter().all(|seed| *seed == seeds[0]));
    }

    #[test]
    fn a_damaged_secret_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("authority.key"), "half").unwrap();
        assert!(load_or_create(folder.path()).is_err());
    }
}
