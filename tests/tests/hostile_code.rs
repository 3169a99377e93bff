//! A student's program does what harms the instance that it runs in: that survives, says why, and works on. Visitors of
//! another student's site notice nothing.

use aerie_domain::{ServiceState, views::ActionRunView};
use aerie_tests::{Installation, Lab, Sample, Visitor};
use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;
use std::{fs, path::Path, time::Duration};

/// One attack each. A gigabyte comes in lines of a kilobyte; what is full stays full until it is cleaned up.
const RUN: &str = r#"#!/bin/sh
case $1 in
bomb) exec perl bomb.pl;;
flood) yes "$(head -c 1023 /dev/zero | tr '\0' x)" | head -c 1073741824; sleep 2; echo "that was a gigabyte";;
spin) echo spinning; while :; do :; done;;
fill) for folder in /run/aerie /tmp /code /home/app /dev/shm; do
        dd if=/dev/zero of=$folder/fill bs=1M || echo "cannot write more to $folder"
    done;;
say) echo "still here";;
esac
"#;

/// Every process of it forks for ever, also when there is no room for more: a shell would give up then.
const BOMB: &str = r#"$| = 1;
my $told = 0;
while (1) { defined(fork) or $told++ or print "limit: $!\n" }
"#;

const CLEANUP: &str = "#!/bin/sh\nrm -f /run/aerie/fill /tmp/fill /code/fill /dev/shm/fill\necho clean\n";

/// Processes that an instance of the kind may have.
const PROCESSES: usize = 256;

/// The output that is kept of a container: 16 MiB in two files, each of which may end with a line too many.
const KEPT_BYTES: u64 = 17 << 20;

/// The agent looks at each byte, which takes that of a debug build half a minute. Longer: the machine may be busy.
const FLOOD: Duration = Duration::from_secs(240);

/// Longer than all of it takes on a busy machine.
const VISIT: Duration = Duration::from_secs(400);

/// Answers that the other student's visitors get at least. One takes some hundredths of a second, and two of them ask for
/// more than a minute: with fewer they would have waited ten times as long. No answer within 15 seconds is a loss.
const ANSWERS: usize = 300;

async fn attack(lab: &Lab, what: &str) -> Result<ActionRunView> {
    lab.press("run", json!({ "values": { "parameters": what } })).await
}

/// Asks what runs to end, which it does.
async fn interrupt(lab: &Lab, run: &ActionRunView) -> Result<()> {
    let interrupt = lab.press("interrupt", json!({})).await?;
    lab.ended(&interrupt).await?;
    let run = lab.ended(run).await?;
    ensure!(run.results.iter().all(|result| result.code.is_none()), "by a signal: {:?}", run.results);
    Ok(())
}

/// Buttons work, and nothing of the platform's had to be started anew.
async fn recovers(lab: &Lab) -> Result<()> {
    let cleanup = lab.press("cleanup", json!({})).await?;
    let cleanup = lab.ended(&cleanup).await?;
    ensure!(cleanup.results.iter().all(|result| result.code == Some(0)), "{:?}", cleanup.results);
    let view = lab.ada.wait_state(lab.id, ServiceState::Running).await?;
    ensure!(view.instances.iter().all(|i| i.roles.iter().all(|role| role.restarts == 0)), "{:?}", view.instances);
    Ok(())
}

/// How much of what a container wrote lies on the engine's disk.
fn kept_output(home: &Installation, container: &str) -> Result<u64> {
    let path = home.docker(&["inspect", "--format", "{{.LogPath}}", container])?;
    let path = Path::new(path.trim());
    let name = path.file_name().context("a log has a name")?.to_string_lossy();
    let mut bytes = 0;
    for entry in fs::read_dir(path.parent().context("a log is in a folder")?)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(&*name) {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_harms_an_instance_is_survived_and_others_notice_nothing() -> Result<()> {
    let home = Installation::start("hostile-code").await?;
    let bob = home.api().register("bob").await?;
    let site = bob.application_with("blog", "php").await?.summary.id;
    bob.accepted(Method::POST, &format!("/services/{site}/start"), None).await?;
    let version = bob.upload(site, "one.tar.gz", Sample::guest_book("one").tar_gz()?).await?;
    let form = json!({ "version_id": version.id });
    bob.accepted(Method::POST, &format!("/services/{site}/activate"), Some(form)).await?;
    let address = bob.service(site).await?.summary.address.context("an address")?;

    let lab = Lab::start(&home).await?;
    let files = [("run.sh", RUN), ("bomb.pl", BOMB), ("cleanup.sh", CLEANUP)];
    let files = files.map(|(name, text)| (name, text.to_owned())).into();
    lab.activate("hostile.zip", Sample { files }.zip()?).await?;
    let container = home.containers_of(lab.id)?.pop().context("its only container")?;
    let visitors = Visitor::keep_asking_for(&format!("{address}/plain.php"), 2, VISIT)?;

    // Forks without end: up to the limit, where not even interrupt.sh can be started; it is ended all the same.
    let run = attack(&lab, "bomb").await?;
    lab.logged("run", "limit: Resource temporarily unavailable").await?;
    let processes = home.docker(&["top", &container])?.lines().count().saturating_sub(1);
    ensure!((PROCESSES / 2..=PROCESSES).contains(&processes), "{processes} processes");
    interrupt(&lab, &run).await?;
    recovers(&lab).await?;

    // Writes a gigabyte to its end. Most of it is dropped, which is told, and what comes later is there.
    let run = attack(&lab, "flood").await?;
    let run = lab.ended_within(&run, FLOOD).await?;
    ensure!(run.results[0].code == Some(0), "{:?}", run.results);
    lab.logged("run", "dropped: this program writes faster than").await?;
    lab.logged("run", "that was a gigabyte").await?;
    let kept = kept_output(&home, &container)?;
    ensure!((1..=KEPT_BYTES).contains(&kept), "{kept} bytes are kept");
    recovers(&lab).await?;

    // Keeps the processor busy for ever.
    let run = attack(&lab, "spin").await?;
    lab.all_said(&run, "spinning").await?;
    interrupt(&lab, &run).await?;

    // Fills all that it can write to, but for its volume, which nothing limits. Even then scripts can run.
    let run = attack(&lab, "fill").await?;
    let run = lab.ended(&run).await?;
    ensure!(run.results[0].code == Some(0), "{:?}", run.results);
    lab.logged("run", "No space left on device").await?;
    for folder in ["/run/aerie", "/tmp", "/code", "/home/app", "/dev/shm"] {
        lab.logged("run", &format!("cannot write more to {folder}")).await?;
    }
    let run = attack(&lab, "say").await?;
    let run = lab.ended(&run).await?;
    ensure!(run.results[0].code == Some(0), "{:?}", run.results);
    lab.logged("run", "still here").await?;
    recovers(&lab).await?;

    visitors.finish_without_loss(ANSWERS, &bob, site).await?;
    Ok(())
}
