//! Where the container engine keeps its data: its disk counts like that of the data directory.

use aerie_cloud::Cloud;
use aerie_usecases::Disks;
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;

/// Pause between questions, until the engine has answered one. Longer: its disk is not watched for longer.
const PAUSE: Duration = Duration::from_secs(5);

/// Asks until there is an answer. May be dropped anywhere.
pub(super) async fn find(cloud: Arc<dyn Cloud>, disks: Disks) {
    loop {
        match cloud.storage_folder().await {
            Ok(Some(folder)) => return disks.add(folder),
            Ok(None) => return,
            Err(_) => sleep(PAUSE).await,
        }
    }
}
