//! What several pages show alike. Leaf components: they get their data as properties and ask the server for nothing.
//!
//! To extend: one component per module, 25 to 60 lines, with its words in the view and its looks in `static/css`.

mod banners;
mod bar;
mod chart;
mod confirm;
mod copy_field;
mod field;
mod figures;
mod frame;
mod kind_icon;
mod ledger;
mod live_mark;
mod logo;
mod picture;
mod problem;
mod process_end;
mod read_only;
mod refused;
mod rename;
mod role_chip;
mod service_row;
mod state_badge;
mod text_area;
mod upload;
mod when;

pub use banners::Banners;
pub use bar::Bar;
pub use chart::Chart;
pub use confirm::Confirm;
pub use copy_field::CopyField;
pub use field::{Field, FieldMessage};
pub use figures::{Figures, in_words};
pub use frame::{Footer, Header};
pub use kind_icon::KindIcon;
pub use ledger::{LedgerTable, More};
pub use live_mark::LiveMark;
pub use logo::Logo;
pub use picture::Picture;
pub use problem::{ProblemBox, error_of};
pub use process_end::ProcessEnd;
pub use read_only::ReadOnly;
pub use refused::{Loading, NotFound, Refused};
pub use rename::Rename;
pub use role_chip::{RoleChip, role_class};
pub use service_row::ServiceRow;
pub use state_badge::StateBadge;
pub use text_area::TextArea;
pub use upload::{FileField, FileForm, UploadForm, upload_error};
pub use when::{Ago, Moment, Until};
