//! A service in a list.

use super::{Figures, KindIcon, StateBadge};
use crate::{format, picture::short_address};
use aerie_domain::views::ServiceSummary;
use leptos::prelude::*;

/// Icon, name, state, instances, public address, cost, and what it does now.
#[component]
pub fn ServiceRow(
    /// The service.
    service: ServiceSummary,
    /// Its kind's icon.
    icon: String,
) -> impl IntoView {
    let cost = (service.per_hour.millis > 0).then(|| format!("{} per hour", format::credits(service.per_hour)));
    view! {
        <li class="service-row">
            <KindIcon svg=icon />
            <div class="service-name">
                <a href=format!("/services/{}", service.id)>{service.name}</a>
                <span class="muted">{service.kind_title}</span>
            </div>
            <StateBadge state=service.state />
            <span class="service-instances">{format::count(u64::from(service.instances), "instance")}</span>
            <span class="service-cost muted">{cost}</span>
            {service
                .address
                .map(|address| {
                    view! {
                        <a class="service-address" href=address.clone() rel="external noopener" target="_blank">
                            {short_address(&address)}
                        </a>
                    }
                })}
            <Figures figures=service.figures />
            {(!service.reason.is_empty()).then(|| view! { <p class="service-reason">{service.reason}</p> })}
        </li>
    }
}
