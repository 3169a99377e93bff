//! One box per instance.

use super::{ServicePageData, part};
use crate::{
    components::{Bar, ProcessEnd, RoleChip, role_class},
    format,
};
use aerie_domain::{
    ServiceId,
    views::{InstanceState, InstanceView, RoleView},
};
use leptos::prelude::*;
use time::OffsetDateTime;

/// All instances, auxiliary ones last and quieter.
#[component]
pub fn Instances(page: ServicePageData, id: ServiceId) -> impl IntoView {
    let roles = part(page, |service| service.roles.clone());
    let heading = part(page, |service| {
        let counted = service.instances.iter().filter(|instance| !instance.auxiliary).count();
        format::count(counted as u64, "instance")
    });
    let boxes = move || {
        page.value.with(|page| {
            let mut instances: Vec<&InstanceView> = page.data.service.instances.iter().collect();
            instances.sort_by_key(|instance| instance.auxiliary);
            instances
                .into_iter()
                .map(|instance| view! { <InstanceBox instance=instance.clone() roles=roles.get() id now=page.now /> })
                .collect::<Vec<_>>()
        })
    };
    let none = part(page, |service| service.instances.is_empty());
    view! {
        <section class="instances" aria-labelledby="instances-title">
            <h2 id="instances-title">{move || heading.get()}</h2>
            {move || none.get().then(|| view! { <p class="empty">"No instances run, so it costs nothing."</p> })}
            <ul class="instance-grid">{boxes}</ul>
        </section>
    }
}

#[component]
fn InstanceBox(instance: InstanceView, roles: Vec<RoleView>, id: ServiceId, now: OffsetDateTime) -> impl IntoView {
    let class = if instance.auxiliary { "instance auxiliary" } else { "instance" };
    let chips: Vec<_> = instance
        .roles
        .iter()
        .map(|role| view! { <RoleChip role=role.clone() colour=role_class(&roles, &role.role) /> })
        .collect();
    let ends: Vec<_> = instance.roles.iter().map(|role| view! { <ProcessEnd role=role.clone() /> }).collect();
    let logs = format!("/services/{id}/logs?instance={}", instance.short);
    let cost = if instance.auxiliary { "costs nothing".to_owned() } else { cost(&instance) };
    view! {
        <li class=class>
            <div class="instance-head">
                <strong>{instance.short.clone()}</strong>
                <InstanceWord state=instance.state />
                <a class="instance-logs" href=logs aria-label=format!("Log of instance {}", instance.short)>
                    "Log"
                </a>
            </div>
            <div class="chips">{chips}</div>
            {ends}
            <Usage instance=instance.clone() />
            <p class="instance-facts muted">
                <span>{instance.address.unwrap_or_else(|| "no address yet".to_owned())}</span>
                <span>{instance.size}</span>
                <span title=format::full(instance.created_at)>
                    "for "{format::duration(instance.created_at, now)}
                </span>
                <span>{cost}</span>
            </p>
        </li>
    }
}

fn cost(instance: &InstanceView) -> String {
    format!("{} so far", format::credits(instance.cost))
}

#[component]
fn InstanceWord(state: InstanceState) -> impl IntoView {
    let (class, word, means) = match state {
        InstanceState::Creating => ("creating", "creating", "its container is being made"),
        InstanceState::Starting => ("starting", "starting", "its roles are not healthy yet"),
        InstanceState::Running => ("running", "running", "all its roles are healthy"),
        InstanceState::Unhealthy => ("unhealthy", "unhealthy", "a role that was healthy is not"),
        InstanceState::Draining => ("draining", "leaving", "others are being told to leave it alone"),
        InstanceState::Lost => ("lost", "lost", "its agent has not been heard of for a while"),
    };
    view! {
        <span class=format!("instance-state instance-{class}") title=means>
            {word}
        </span>
    }
}

#[component]
fn Usage(instance: InstanceView) -> impl IntoView {
    let cpu = match instance.cpu_millis {
        Some(cpu) => format::share(u64::from(cpu), u64::from(instance.cpu_limit_millis)),
        None => "not measured".to_owned(),
    };
    let memory = match instance.memory_bytes {
        Some(memory) => format!("{} of {}", format::bytes(memory), format::bytes(instance.memory_limit_bytes)),
        None => format!("limit {}", format::bytes(instance.memory_limit_bytes)),
    };
    view! {
        <Bar
            label="CPU"
            used=instance.cpu_millis.map(u64::from)
            limit=u64::from(instance.cpu_limit_millis)
            text=cpu
        />
        <Bar label="Memory" used=instance.memory_bytes limit=instance.memory_limit_bytes text=memory />
    }
}
