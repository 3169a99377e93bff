//! Service kinds: reads, checks and renders the folders of `service-templates/`.
//!
//! Called by the manager (placement, configuration) and by the use cases (validation, pages); does no I/O after
//! loading. To extend the template format: a field in `spec`, its check in `load`, its use in `render` or the manager.

mod load;
mod placement;
mod reference;
mod render;
mod spec;

pub use load::{Kind, KindError, Kinds};
pub use placement::{Placement, place};
pub use render::{ActionCall, Bound, Carried, Member, Offer, OfferContext, RenderContext, RenderError, Route, Starts};
pub use spec::{
    ActionSpec, BackupScriptSpec, BackupSpec, CodeSpec, FileTemplate, KindSpec, OffersSpec, PrepareSpec,
    ProcessTemplate, PublicSpec, Renewal, RoleSpec, SecretSpec, VolumeTemplate, VolumesSpec,
};
