//! How much an archive may ask for.

/// What an upload may cost; beyond it is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Size of the uploaded file. Larger: more disk per version; smaller: courses cannot upload bundled libraries.
    pub max_upload_bytes: u64,
    /// Sum of all files after unpacking. It is paid once per instance that serves the version.
    pub max_unpacked_bytes: u64,
    /// Files and folders, those included that are only named as part of a path. Larger: unpacking takes minutes and
    /// uses up inodes; smaller: a `node_modules` folder no longer fits.
    pub max_entries: u64,
    /// Unpacked bytes per uploaded byte, checked above [`Limits::RATIO_FREE_BYTES`]. Source code reaches 10, log files
    /// 50, bombs 1000 and more.
    pub max_ratio: u64,
    /// Length of one name with its folders, in bytes. Above about 4000 the kernel refuses.
    pub max_path_bytes: usize,
    /// Folders within folders.
    pub max_depth: usize,
}

impl Limits {
    /// Below this size the ratio does not matter: a small archive of zeros harms nobody.
    pub const RATIO_FREE_BYTES: u64 = 16 << 20;

    /// Junk and extension headers are not entries but cost time as well, so all headers together are limited too. A
    /// file from macOS has four (its own, its `._` twin, an extension header for each): smaller would refuse those.
    pub(crate) fn max_headers(&self) -> u64 {
        self.max_entries.saturating_mul(4)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_upload_bytes: 256 << 20,
            max_unpacked_bytes: 1 << 30,
            max_entries: 50_000,
            max_ratio: 200,
            max_path_bytes: 400,
            max_depth: 32,
        }
    }
}
