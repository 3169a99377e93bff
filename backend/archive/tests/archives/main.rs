//! Uploads of every kind, good and evil, through the public API. The archives are built here, byte by byte where no
//! packer would make them.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail loudly")]

mod bombs;
mod build;
mod folders;
mod hostile_tar;
mod hostile_zip;
mod properties;
mod round_trip;
mod sandbox;
