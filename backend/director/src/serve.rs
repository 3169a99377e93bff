//! The wiring of one director process, from the database to the ports.

mod admin;
mod backups;
mod charging;
mod cloud;
mod database;
mod disks;
mod garbage;
mod health;
mod seat;
mod settings;

pub use database::migrate;

use crate::{
    agents::{self, AgentParts, Doors, SignsOfLife},
    config::Config,
    firewall,
    http::{auth::StreamSlots, openapi, router::router, server},
    identity::Authority,
    lifecycle::Lifecycle,
    load,
    metrics::Metrics,
    simulated_agents::SimulatedAgents,
    state::{AppState, leptos_options},
    volume_files::CloudFiles,
};
use aerie_domain::DirectorId;
use aerie_frontend::Assets;
use aerie_kinds::Kinds;
use aerie_manager::{Manager, ManagerParts};
use aerie_store::Listener;
use aerie_usecases::UseCases;
use anyhow::Context;
use seat::Seat;
use std::{net::SocketAddr, sync::Arc};

/// Serves until SIGTERM or SIGINT.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    aerie_crash_points::check()?;
    let options = &config.options;
    // Ports first: that they are taken is the commonest mistake and should not take 30 s to find out.
    let http = server::bind(options.listen, "AERIE_LISTEN").await?;
    let agents = server::bind(SocketAddr::new(options.agent_bind, options.agent_port), "AERIE_AGENT_PORT").await?;
    let kinds = Kinds::load(&options.templates_dir).context("a service kind is not usable")?;
    let authority = Arc::new(Authority::open(&options.data_dir)?);
    let store = database::connect(&config).await?;
    store.migrate().await.context("the database's schema could not be brought up to date")?;

    let usecases = UseCases::new(store.clone(), kinds.clone(), settings::usecases(&config));
    usecases.ensure_system().await.context("the system service could not be made")?;
    admin::ensure(&usecases, &options.data_dir).await?;
    let cloud::Opened { cloud, simulated } = cloud::open(&config).await;

    let lifecycle = Lifecycle::new();
    // Before anything of ours starts a container.
    let firewall = firewall::start(&config, &lifecycle).await?;
    let director = DirectorId::generate();
    let seat = Seat::take(&store, options, director).await;
    let listener = Arc::new(Listener::start(&store, lifecycle.soft()));
    let (signs_of_life, metrics) = (SignsOfLife::default(), Metrics::default());
    lifecycle.spawn_until_soft(signs_of_life.clone().write(store.clone()));
    if let Some(simulated) = simulated {
        let agents =
            SimulatedAgents::new(store.clone(), simulated, director, signs_of_life.clone(), metrics.loads().clone());
        lifecycle.spawn_until_soft(agents.run(&listener));
    }
    let manager = Manager::new(ManagerParts {
        store: store.clone(),
        cloud: Arc::clone(&cloud),
        kinds,
        director,
        identities: Arc::<Authority>::clone(&authority),
        settings: settings::manager(&config)?,
    })
    .with_signals(listener.subscribe());
    let metrics = metrics.with_manager(manager.figures());
    lifecycle.spawn_until_soft(health::report(health::Watched {
        store: store.clone(),
        cloud: Arc::clone(&cloud),
        kind: options.cloud,
        director,
        manager: manager.figures(),
        data_dir: options.data_dir.clone(),
    }));
    let soft = lifecycle.soft().clone();
    lifecycle.spawn(async move { manager.run(soft).await });
    lifecycle.spawn(load::record(metrics.loads().clone(), store.clone(), lifecycle.soft().clone()));
    lifecycle.spawn_until_soft(load::keep(store.clone(), usecases.clone()));
    if let Some(orders) = usecases.take_load_orders(director) {
        let entry = settings::entry_address(&config);
        lifecycle.spawn(load::send_requests(usecases.clone(), orders, entry, lifecycle.soft().clone()));
    }
    let files = CloudFiles::new(Arc::clone(&cloud), store.clone(), usecases.kinds().clone(), &options.installation);
    usecases.give_volume_files(Arc::new(files));
    lifecycle.spawn_until_soft(garbage::collect(usecases.clone()));
    lifecycle.spawn_until_soft(charging::charge(usecases.clone()));
    lifecycle.spawn_until_soft(backups::advance(usecases.clone(), listener.subscribe()));
    lifecycle.spawn_until_soft(disks::find(Arc::clone(&cloud), usecases.settings().disks.clone()));

    let doors = Doors::default();
    let parts = AgentParts {
        store: store.clone(),
        usecases: usecases.clone(),
        listener: Arc::clone(&listener),
        director,
        lifecycle: lifecycle.clone(),
        loads: metrics.loads().clone(),
        signs_of_life,
        doors: doors.clone(),
    };
    lifecycle.spawn_until_soft(doors.look(store.clone()));
    let acceptor = agents::acceptor(&authority)?;
    lifecycle.spawn(agents::serve(agents, acceptor, parts));

    let summary = config.summary();
    let config = Arc::new(config);
    let state = AppState {
        usecases,
        store,
        cloud,
        firewall,
        listener,
        api_document: Arc::new(openapi::document()),
        streams: StreamSlots::default(),
        metrics,
        assets: assets(&config),
        leptos: leptos_options(&config),
        lifecycle: lifecycle.clone(),
        config,
    };
    lifecycle.spawn(server::serve(http, router(state), lifecycle.clone()));

    tracing::info!("The director is ready: {summary}");
    lifecycle.until_asked_to_stop().await.context("signals cannot be received")?;
    lifecycle.stop().await;
    drop(seat);
    tracing::info!("The director has stopped; running applications go on");
    Ok(())
}

/// The built pages. Without them pages still work as plain forms.
fn assets(config: &Config) -> Assets {
    Assets::read(&config.pkg_dir).unwrap_or_else(|error| {
        tracing::warn!(
            error = %error,
            "there are no built pages in {}: pages work without scripts and style until they are built",
            config.pkg_dir.display()
        );
        Assets::none()
    })
}
