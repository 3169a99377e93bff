//! The contract that every cloud keeps: each case runs against the simulated cloud and against a real Docker Engine.
//!
//! To add a case: an async function in `cases` and its name in the list below. To add a cloud: a `with_…` function that
//! makes a [`fixture::Fixture`], and a module like `docker` below. Real engines need the base image, named by
//! `AERIE_TEST_BASE_IMAGE` (usually [`DockerSettings::BASE_IMAGE`](aerie_cloud::docker::DockerSettings::BASE_IMAGE)).
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail loudly")]

mod cases;
mod docker_only;
mod firewall;
mod fixture;
mod real;
mod simulated;

macro_rules! contract {
    ($($case:ident),+ $(,)?) => {
        mod on_simulated {
            $(#[tokio::test]
            async fn $case() {
                crate::simulated::with_simulated(crate::cases::$case).await;
            })+
        }

        mod on_docker {
            $(#[tokio::test]
            async fn $case() {
                crate::real::with_docker(crate::cases::$case).await;
            })+
        }
    };
}

contract!(
    networks_are_made_once_and_removed,
    networks_conflict_clearly,
    a_network_in_use_stays,
    volumes_are_made_once_and_removed,
    named_volumes_belong_to_nobody_and_can_be_copied,
    files_of_volumes_are_listed_read_written_and_removed,
    half_a_file_is_no_file,
    a_container_is_made_once,
    what_runs_is_never_replaced_and_what_ended_is_made_anew,
    an_exited_container_is_replaced,
    code_zero_stays_down_and_is_seen,
    a_failure_code_is_seen,
    too_much_memory_is_seen,
    what_is_missing_is_named,
    services_are_told_apart,
    foreign_containers_are_untouched,
    output_is_read_with_cursor_and_tail,
    output_is_followed_to_the_end,
    whoever_follows_again_gets_every_later_line_once,
    a_stopped_container_can_be_read_and_stays_down,
    events_arrive_quickly,
    callers_share_an_image,
    impossible_specs_are_refused,
);
