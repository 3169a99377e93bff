//! The hosted services: what their instances use and do, counted since their agents connected to this process.

use crate::load::{InstanceTotals, RoleTotals};
use aerie_domain::{InstanceId, Times};
use aerie_store::InstanceNames;
use aerie_usecases::Figures;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, NoLabelSet},
    metrics::MetricType,
};
use std::{collections::HashMap, fmt};

/// Every so many of our buckets there is one for Prometheus: each is four times as long as the one before. Fewer: more
/// lines per role.
const COARSER: u8 = 8;
/// The first and the last bucket for Prometheus: 1 ms and 17 s.
const BUCKETS: (u8, u8) = (39, 95);

type InstanceLabels<'a> = [(&'static str, &'a str); 5];
type RoleLabels<'a> = [(&'static str, &'a str); 6];

#[derive(Debug)]
pub(super) struct Hosted {
    instances: Vec<(InstanceNames, InstanceTotals)>,
}

impl Hosted {
    pub(super) fn new(figures: &Figures, totals: &HashMap<InstanceId, InstanceTotals>) -> Self {
        let named = |names: &InstanceNames| Some((names.clone(), totals.get(&names.instance_id)?.clone()));
        Self { instances: figures.names.iter().filter_map(named).collect() }
    }

    fn instances(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        (name, help, kind): (&str, &str, MetricType),
        read: impl Fn(&InstanceTotals) -> Option<f64>,
    ) -> fmt::Result {
        let counter = matches!(kind, MetricType::Counter);
        let mut metric = encoder.encode_descriptor(name, help, None, kind)?;
        for (names, totals) in &self.instances {
            let Some(value) = read(totals) else { continue };
            let labels = labels(names);
            let mut member = metric.encode_family(&labels)?;
            if counter {
                member.encode_counter::<NoLabelSet, f64, u64>(&value, None)?;
            } else {
                member.encode_gauge(&value)?;
            }
        }
        Ok(())
    }

    fn roles(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        (name, help, kind): (&str, &str, MetricType),
        read: impl Fn(&RoleTotals) -> u64,
    ) -> fmt::Result {
        let counter = matches!(kind, MetricType::Counter);
        let mut metric = encoder.encode_descriptor(name, help, None, kind)?;
        for (names, totals) in &self.instances {
            for (role, totals) in &totals.roles {
                let labels = role_labels(names, role.as_str());
                let mut member = metric.encode_family(&labels)?;
                if counter {
                    member.encode_counter::<NoLabelSet, u64, u64>(&read(totals), None)?;
                } else {
                    member.encode_gauge(&read(totals))?;
                }
            }
        }
        Ok(())
    }

    fn times(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "How long requests took; the sum is reckoned from the buckets";
        let mut metric = encoder.encode_descriptor("role_request_seconds", help, None, MetricType::Histogram)?;
        for (names, totals) in &self.instances {
            for (role, totals) in totals.roles.iter().filter(|(_, totals)| !totals.times.is_empty()) {
                let (sum, buckets) = coarser(&totals.times);
                metric.encode_family(&role_labels(names, role.as_str()))?.encode_histogram::<NoLabelSet>(
                    sum,
                    totals.times.total(),
                    &buckets,
                    None,
                )?;
            }
        }
        Ok(())
    }
}

impl Collector for Hosted {
    #[expect(clippy::cast_precision_loss, reason = "bytes and milliseconds are far below 2^52")]
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        use MetricType::{Counter, Gauge};
        let encoder = &mut encoder;
        let bytes = |bytes: u64| Some(bytes as f64);
        self.instances(encoder, ("instance_cpu_seconds", "Processor time", Counter), |t| {
            Some(t.cpu_ms as f64 / 1000.0)
        })?;
        self.instances(encoder, ("instance_memory_bytes", "Memory without page cache", Gauge), |t| {
            bytes(t.memory_bytes)
        })?;
        self.instances(encoder, ("instance_memory_limit_bytes", "Most memory it may use", Gauge), |t| {
            bytes(t.memory_limit_bytes)
        })?;
        self.instances(encoder, ("instance_received_bytes", "Bytes that came in", Counter), |t| {
            t.received_bytes.and_then(bytes)
        })?;
        self.instances(encoder, ("instance_sent_bytes", "Bytes that went out", Counter), |t| {
            t.sent_bytes.and_then(bytes)
        })?;
        self.roles(encoder, ("role_requests", "Requests that were answered", Counter), |t| t.requests)?;
        self.roles(encoder, ("role_client_errors", "Answers from 400 to 499", Counter), |t| t.client_errors)?;
        self.roles(encoder, ("role_errors", "Answers of 500 and above", Counter), |t| t.errors)?;
        self.roles(encoder, ("role_queue", "Requests that wait", Gauge), |t| t.queue.into())?;
        self.roles(encoder, ("role_connections", "Open connections", Gauge), |t| t.sessions.into())?;
        self.times(encoder)
    }
}

fn labels(names: &InstanceNames) -> InstanceLabels<'_> {
    let InstanceNames { short, service, kind, application, owner, .. } = names;
    [("owner", owner), ("application", application), ("service", service), ("kind", kind), ("instance", short)]
}

fn role_labels<'a>(names: &'a InstanceNames, role: &'a str) -> RoleLabels<'a> {
    let [owner, application, service, kind, instance] = labels(names);
    [owner, application, service, kind, instance, ("role", role)]
}

/// Sum of seconds, and counts per coarser bucket by upper end. Bounds of ours, so that nothing is split.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn coarser(times: &Times) -> (f64, Vec<(f64, u64)>) {
    let ends: Vec<u8> = (BUCKETS.0..=BUCKETS.1).step_by(usize::from(COARSER)).collect();
    let mut buckets: Vec<(f64, u64)> = ends.iter().map(|end| (Times::upper_bound_s(*end), 0)).collect();
    buckets.push((f64::INFINITY, 0));
    let mut sum = 0.0;
    for (bucket, count) in times.buckets() {
        sum += Times::upper_bound_s(bucket) * count as f64;
        let place = ends.iter().position(|end| bucket <= *end).unwrap_or(ends.len());
        buckets[place].1 += count;
    }
    (sum, buckets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coarser_buckets_count_the_same_requests() {
        let mut times = Times::default();
        for micros in [500, 900, 3_000, 3_500, 20_000_000] {
            times.record(micros);
        }
        let (sum, buckets) = coarser(&times);
        let counts: Vec<u64> = buckets.iter().map(|(_, count)| *count).collect();
        assert_eq!(counts.iter().sum::<u64>(), 5);
        assert!((0.001..0.00103).contains(&buckets[0].0), "the first ends at a millisecond: {}", buckets[0].0);
        assert_eq!((counts[0], counts[1], counts.last()), (2, 2, Some(&1)));
        assert!((20.0..24.0).contains(&sum), "{sum}");
    }
}
