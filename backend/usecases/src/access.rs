//! What it takes to use a service: passwords that the platform makes, and what the kind offers to others.

use crate::{Actor, Failure, Outcome, UseCases};
use aerie_domain::{
    OperationKind, Problem, ServiceId,
    views::{Accepted, AccessView, OfferView, SecretView, ServiceLink},
};
use aerie_kinds::{Kind, KindSpec, Offer, OfferContext};
use aerie_store::{ApplicationRow, Secrets, ServiceRow};
use async_recursion::async_recursion as boxed;
use rand::{TryRngCore, rngs::OsRng};

impl UseCases {
    /// Addresses, names and passwords of a service, for its owner. Not for tokens that may only read: with a password
    /// one can change all data.
    #[boxed]
    pub async fn access(&self, actor: &Actor, id: ServiceId) -> Outcome<AccessView> {
        let (service, application, _) = self.owned_service(actor, id).await?;
        actor.may_write()?;
        let kind = self.kind_of(&service.kind)?;
        let secrets = self.store().secrets(&[id]).await?.remove(&id).unwrap_or_default();
        let shown = kind.spec.secrets.iter().filter(|spec| !spec.internal).filter_map(|spec| {
            let value = secrets.0.get(&spec.name)?.clone();
            Some(SecretView { name: spec.name.clone(), title: spec.title.clone(), help: spec.help.clone(), value })
        });
        let shown = shown.collect();
        let offers = offers(kind, &service, &application, &secrets)?;
        let offers = offers.into_iter().map(|Offer { name, value, secret }| OfferView { name, value, secret });
        Ok(AccessView { service: self.link(&service), offers: offers.collect(), secrets: shown })
    }

    /// Makes another password. The service and those that use it get it at once; programs elsewhere have to be told.
    #[boxed]
    pub async fn renew_secret(&self, actor: &Actor, id: ServiceId, name: &str) -> Outcome<Accepted> {
        actor.may_write()?;
        let mut txn = self.store().begin().await?;
        let row = self.lock_owned_service(&mut txn, actor, id).await?;
        let kind = self.kind_of(&row.service.kind)?;
        let spec = kind.spec.secrets.iter().find(|spec| spec.name == name && !spec.internal);
        let spec = spec.ok_or_else(|| Problem::not_found("secret"))?;
        txn.secrets_complete(id, &fresh_secrets(&kind.spec)?).await?;
        txn.secret_replace(id, name, &fresh(spec.length)?).await?;
        self.wake_users(&mut txn, &row).await?;
        let intent = row.service.intent();
        self.accept(txn, actor, &row, &intent, OperationKind::Configure).await
    }

    pub(crate) fn link(&self, service: &ServiceRow) -> ServiceLink {
        let title = self.kinds().get(service.kind.as_str()).map(|kind| kind.spec.title.clone());
        ServiceLink {
            id: service.id,
            name: service.name.to_string(),
            kind_title: title.unwrap_or_else(|| service.kind.to_string()),
            state: service.state,
        }
    }
}

/// What a service offers now; nothing as long as it lacks a secret (its kind is newer than its last start).
fn offers(kind: &Kind, service: &ServiceRow, application: &ApplicationRow, secrets: &Secrets) -> Outcome<Vec<Offer>> {
    if kind.spec.secrets.iter().any(|spec| !secrets.0.contains_key(&spec.name)) {
        return Ok(Vec::new());
    }
    let context = OfferContext {
        service: service.name.to_string(),
        application: application.name.to_string(),
        settings: service.settings.clone(),
        secrets: secrets.0.clone(),
    };
    kind.offers(&context).map_err(|error| Failure::Bug(format!("{error}: {}", error.source)))
}

/// A new value for each secret of a kind.
pub(crate) fn fresh_secrets(spec: &KindSpec) -> Outcome<Secrets> {
    let made = spec.secrets.iter().map(|secret| Ok((secret.name.clone(), fresh(secret.length)?)));
    made.collect::<Outcome<_>>().map(Secrets)
}

/// Letters and digits of the machine's own randomness, without those that look alike: five bits each.
fn fresh(length: u32) -> Outcome<String> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut random = vec![0u8; length as usize];
    OsRng.try_fill_bytes(&mut random).map_err(|error| Failure::Bug(format!("no randomness: {error}")))?;
    Ok(random.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_plain_and_never_the_same() {
        let made: std::collections::BTreeSet<String> = (0..100).map(|_| fresh(24).unwrap()).collect();
        assert_eq!(made.len(), 100);
        assert!(made.iter().all(|secret| secret.len() == 24 && secret.bytes().all(|b| b.is_ascii_alphanumeric())));
    }
}
